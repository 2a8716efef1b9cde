import './page.css';
import './start.css';

// The example is there to be copied, so it names the address that this page came from.
for (const place of document.querySelectorAll('[data-origin]')) {
    place.textContent = location.origin;
}

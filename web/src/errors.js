import './page.css';
import './errors.css';

const REASONS = {
    400: 'Bad request',
    401: 'Not signed in',
    402: 'Payment required',
    403: 'Not allowed',
    404: 'Not found',
    405: 'Method not allowed',
    406: 'Not acceptable',
    408: 'Request took too long',
    409: 'Conflict',
    410: 'Gone',
    411: 'Length required',
    412: 'Precondition failed',
    413: 'Too large',
    414: 'Address too long',
    415: 'Wrong media type',
    417: 'Expectation failed',
    422: 'Not valid',
    423: 'Locked',
    425: 'Too early',
    426: 'Upgrade required',
    428: 'Precondition required',
    429: 'Too many requests',
    431: 'Headers too large',
    500: 'Our fault',
    501: 'Not implemented',
    502: 'Another service failed',
    503: 'Not available now',
    504: 'Another service was too slow',
};

// Text goes in as text, never as markup.
function element(name, attributes, ...children) {
    const made = Object.assign(document.createElement(name), attributes);
    made.append(...children);
    return made;
}

function entry({ code, sentence }) {
    return element(
        'div',
        { className: 'entry', id: code },
        element('dt', {}, element('a', { href: `#${code}` }, code)),
        element('dd', {}, sentence),
    );
}

function grouped(errors) {
    const groups = new Map();
    const ordered = [...errors].sort(
        (a, b) => a.status - b.status || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0),
    );
    for (const error of ordered) {
        if (!groups.has(error.status)) groups.set(error.status, []);
        groups.get(error.status).push(error);
    }
    return groups;
}

function show(errors) {
    const place = document.getElementById('codes');
    place.replaceChildren(
        ...[...grouped(errors)].map(([status, members]) =>
            element(
                'section',
                { className: 'group' },
                element('h2', {}, `${status} ${REASONS[status] ?? ''}`),
                element('dl', {}, ...members.map(entry)),
            ),
        ),
    );
}

function filter(errors, words) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { code, status, sentence } of errors) {
        const text = `${code} ${status} ${REASONS[status] ?? ''} ${sentence}`.toLowerCase();
        const fits = wanted.every((word) => text.includes(word));
        document.getElementById(code).hidden = !fits;
        shown += fits;
    }
    for (const group of document.querySelectorAll('.group')) {
        group.hidden = !group.querySelector('.entry:not([hidden])');
    }
    document.getElementById('count').value =
        shown === errors.length ? `${shown} codes` : `${shown} of ${errors.length} codes`;
}

// The list arrives after the browser has looked for #CODE, and what is added later never becomes
// :target; so the jump and the mark are made here.
function jump() {
    const wanted = decodeURIComponent(location.hash.slice(1));
    document.querySelector('.entry.wanted')?.classList.remove('wanted');
    const found = wanted && document.getElementById(wanted);
    if (!found) return;
    found.classList.add('wanted');
    found.scrollIntoView({ block: 'center' });
}

async function main() {
    const answer = await fetch('/openapi.json');
    if (!answer.ok) throw new Error(`/openapi.json answered ${answer.status}`);
    const errors = (await answer.json())['x-haat-errors'] ?? [];
    show(errors);
    filter(errors, '');
    jump();
    addEventListener('hashchange', jump);
    const words = document.getElementById('words');
    words.addEventListener('input', () => filter(errors, words.value));
}

main().catch((problem) => {
    document
        .getElementById('codes')
        .replaceChildren(element('p', {}, `The list could not be read: ${problem.message}.`));
});

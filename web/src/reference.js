import { createApiReference } from '@scalar/api-reference';
import '@scalar/api-reference/style.css';
import './reference.css';

// Everything comes from this server: no fonts, no proxy between the page and the API, no link that
// carries the document to somebody else's client.
createApiReference('#reference', {
    url: '/openapi.json',
    baseServerURL: location.origin,
    withDefaultFonts: false,
    hideClientButton: true,
    persistAuth: true,
    defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
    metaData: { title: 'haat API reference' },
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { stripHosts } from './strip-hosts.js';

const page = (path) => fileURLToPath(new URL(path, import.meta.url));

// haat serves web/dist as it is: pages by name, everything below /assets for ever, because the name
// holds the hash of the bytes. Nothing is inlined, so that the pages need no `data:` scripts.
export default defineConfig({
    plugins: [stripHosts()],
    build: {
        target: 'es2022',
        assetsInlineLimit: 0,
        chunkSizeWarningLimit: 4096,
        reportCompressedSize: false,
        rollupOptions: {
            input: {
                start: page('index.html'),
                reference: page('docs/index.html'),
                errors: page('docs/errors/index.html'),
            },
        },
    },
    // The reference tells the console how long it took; nobody who reads an API wants to know.
    esbuild: { pure: ['console.log', 'console.info'] },
    // The reference is written in Vue; without these its development switches stay in the bundle.
    define: {
        __VUE_OPTIONS_API__: 'true',
        __VUE_PROD_DEVTOOLS__: 'false',
        __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    },
    server: {
        proxy: Object.fromEntries(
            ['/api', '/openapi.json', '/health', '/ready'].map((path) => [
                path,
                process.env.HAAT_URL ?? 'http://127.0.0.1:8080',
            ]),
        ),
    },
});

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const service = process.env['MAILTIDE_URL'] ?? 'http://127.0.0.1:4000';
/** What the service answers itself, for `vite` beside a running one. */
const SERVED = [
  '/graphql',
  '/sign-in',
  '/sign-out',
  '/attachments',
  '^/messages/[^/]+/[a-z]+$',
  '^/accounts/[^/]+/timeline$',
];

/** The web page: `npm run build:ui` writes it to dist/ui, from where the service serves it. */
export default defineConfig({
  root: 'src/ui',
  plugins: [react()],
  build: {
    outDir: '../../dist/ui',
    emptyOutDir: true,
    // Nothing inline: the page's policy allows scripts, images and fonts from files of ours only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(SERVED.map((path) => [path, { target: service, ws: path === '/graphql' }])),
  },
});

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

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

/** Compressed once, when it is built, and not at every request. */
const compressed: Plugin = {
  name: 'compressed',
  writeBundle({ dir }) {
    for (const name of readdirSync(dir!, { recursive: true, encoding: 'utf8' })) {
      if (/\.(js|css|svg)$/.test(name))
        writeFileSync(`${dir}/${name}.gz`, gzipSync(readFileSync(`${dir}/${name}`), { level: 9 }));
    }
  },
};

/** The web page: `npm run build:ui` writes it to dist/ui, from where the service serves it. */
export default defineConfig({
  root: 'src/ui',
  plugins: [react(), compressed],
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

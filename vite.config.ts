import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const service = process.env['MAILTIDE_URL'] ?? 'http://127.0.0.1:4000';
/** Paths that the service answers, for `npm run dev:ui` beside a running service. */
const SERVED = [
  '/graphql',
  '/sign-in',
  '/sign-out',
  '/attachments',
  '^/messages/[^/]+/[a-z]+$',
  '^/accounts/[^/]+/timeline$',
];

/** Compresses the files once, when they are built, instead of for each request. */
const compressed: Plugin = {
  name: 'compressed',
  writeBundle({ dir }) {
    for (const name of readdirSync(dir!, { recursive: true, encoding: 'utf8' })) {
      if (/\.(js|css|svg)$/.test(name))
        writeFileSync(`${dir}/${name}.gz`, gzipSync(readFileSync(`${dir}/${name}`), { level: 9 }));
    }
  },
};

/** The web page: `npm run build:ui` writes it to dist/ui, which the service serves. */
export default defineConfig({
  root: 'src/ui',
  plugins: [react(), compressed],
  build: {
    outDir: '../../dist/ui',
    emptyOutDir: true,
    // Inlines nothing: the page's policy allows scripts, images and fonts only as files of the service.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(SERVED.map((path) => [path, { target: service, ws: path === '/graphql' }])),
  },
});

import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/app.js': ['app.js', 'text/javascript; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
} as const;

/** The web page: three files, kept in memory. */
export function addPages(app: FastifyInstance): void {
  for (const [path, [name, type]] of Object.entries(FILES)) {
    const content = readFileSync(new URL(`../ui/${name}`, import.meta.url));
    app.get(path, async (_request, reply) => reply.type(type).header('cache-control', 'no-cache').send(content));
  }
}

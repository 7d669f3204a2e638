import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import files from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MailtideError } from '../errors.ts';
import { ACCOUNT_PARTS, PATHS } from '../ui/paths.ts';
import { contentSecurityPolicy, wantsPage } from './answers.ts';
import type { Authentication } from './authentication.ts';

const BUILT = fileURLToPath(new URL('../../dist/ui/', import.meta.url));
/** Placeholders in index.html for the nonce of the answer, and for whether the user is signed in. */
const NONCE = '%STYLE_NONCE%';
const SIGNED_IN = '%SIGNED_IN%';
const SESSION_WAIT_MS = 1000;

/**
 * Serves the web page that `npm run build:ui` has built. Its files have checksums in their names, so browsers cache
 * them permanently; the page itself is requested each time. It is served at its routes (ui/paths.ts). At any other
 * address a browser gets the page with status 404, and a program gets NOT_FOUND.
 * @throws Error of one line if the page has not been built
 */
export async function addPages(app: FastifyInstance, authentication: Authentication): Promise<void> {
  if (!existsSync(`${BUILT}index.html`)) throw new Error('The web page has not been built. Run npm run build:ui.');
  const index = readFileSync(`${BUILT}index.html`, 'utf8');

  await app.register(files, {
    root: BUILT,
    index: false,
    globIgnore: ['index.html', '**/*.gz'],
    wildcard: false,
    preCompressed: true,
    cacheControl: false,
    setHeaders(reply, path) {
      const isNamedByContent = path.startsWith(`${BUILT}assets/`);
      reply.header('cache-control', isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });

  const { accountPart, ...paths } = PATHS;
  const parts = ACCOUNT_PARTS.map((part) => accountPart.replace(':part', part));
  for (const path of [...Object.values(paths), ...parts]) {
    app.get(path, sendPage);
  }
  app.get('/*', async (request, reply) => {
    if (!wantsPage(request)) throw new MailtideError('NOT_FOUND', { message: 'This page does not exist.' });
    return sendPage(request, reply.code(404));
  });

  async function sendPage({ raw }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    // The page's scripts create style elements with this nonce. Nothing else in the page knows it.
    const nonce = randomBytes(16).toString('base64');
    return reply
      .headers({ 'cache-control': 'no-cache', 'content-security-policy': contentSecurityPolicy(nonce) })
      .type('text/html; charset=utf-8')
      .send(index.replace(NONCE, nonce).replace(SIGNED_IN, (await isStranger(raw)) ? 'no' : 'yes'));
  }

  /** If the database does not answer soon, the page is sent anyway and determines it later. */
  async function isStranger(request: IncomingMessage): Promise<boolean> {
    const told = authentication.ofRequest(request).then(
      () => false,
      (error: unknown) => error instanceof MailtideError && error.code === 'UNAUTHENTICATED',
    );
    return Promise.race([told, pause(SESSION_WAIT_MS, false, { ref: false })]);
  }
}

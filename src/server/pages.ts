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
/** Where the nonce of an answer goes, in index.html, and whether its reader is signed in. */
const NONCE = '%STYLE_NONCE%';
const SIGNED_IN = '%SIGNED_IN%';
const SESSION_WAIT_MS = 1000;

/**
 * The web page, as `npm run build:ui` has made it. Its files have names with checksums, so they are kept by browsers
 * for good; the page itself is asked for each time. It is answered at its own addresses (ui/paths.ts). At one that is
 * not there it says so to a person, with the way home; to a program it is NOT_FOUND.
 * @throws Error of one line when the page was not built
 */
export async function addPages(app: FastifyInstance, authentication: Authentication): Promise<void> {
  if (!existsSync(`${BUILT}index.html`)) throw new Error('The web page is not built: run npm run build:ui');
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
    if (!wantsPage(request)) throw new MailtideError('NOT_FOUND', { message: 'There is no such page.' });
    return sendPage(request, reply.code(404));
  });

  async function sendPage({ raw }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    // The components' styles are elements that scripts of ours make: they name it, and nothing else in the page can.
    const nonce = randomBytes(16).toString('base64');
    return reply
      .headers({ 'cache-control': 'no-cache', 'content-security-policy': contentSecurityPolicy(nonce) })
      .type('text/html; charset=utf-8')
      .send(index.replace(NONCE, nonce).replace(SIGNED_IN, (await isStranger(raw)) ? 'no' : 'yes'));
  }

  /** When it cannot be told soon, for want of the database, the page comes all the same and finds out. */
  async function isStranger(request: IncomingMessage): Promise<boolean> {
    const told = authentication.ofRequest(request).then(
      () => false,
      (error: unknown) => error instanceof MailtideError && error.code === 'UNAUTHENTICATED',
    );
    return Promise.race([told, pause(SESSION_WAIT_MS, false, { ref: false })]);
  }
}

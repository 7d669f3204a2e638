import type { FastifyInstance } from 'fastify';
import { MailtideError } from '../errors.ts';
import { found } from '../graphql/found.ts';
import { readHtml, readSource } from '../store/mail/read-pack.ts';
import type { Database } from '../store/plumbing/database.ts';
import type { Authentication } from './authentication.ts';
import { createSharedRendering } from './shared-rendering.ts';
import { tenantRequests } from './tenant-route.ts';

/** A message's HTML as a document that is safe to show; `source` is empty where the HTML names nothing that is in it. */
export type RenderHtml = (
  html: string,
  source: Uint8Array,
  options: { readonly remoteImages: boolean; readonly tenantId: string },
) => Promise<string>;

/**
 * A message's HTML for the frame in the page: sanitised (src/mime/sanitise-html.ts), and should that fail, in an origin
 * of its own, without scripts, forms and requests. Its own images are in it as data. `?images=remote` lets the browser
 * load those of other servers, images only, when the reader has asked for them.
 */
export function addMessagePages(
  app: FastifyInstance,
  database: Database,
  authentication: Authentication,
  renderHtml: RenderHtml,
): void {
  const rendering = createSharedRendering((error) => !isBusy(error));
  const messageOf = tenantRequests(database, authentication, 'Message');
  app.get('/messages/:id/html', async (request, reply) => {
    const { reader, id, tenantId } = await messageOf(request);
    const remoteImages = (request.query as { images?: string }).images === 'remote';
    const sent = found((await readHtml(reader, [id])).get(id) ?? null);
    const hasImages = await reader.attachment.findFirst({ where: { messageId: id, ...MAY_BE_SHOWN } });
    const source = hasImages ? found(await readSource(reader, id)) : new Uint8Array();
    const page = await rendering(`${id} ${remoteImages}`, () =>
      renderHtml(sent, source, { remoteImages, tenantId }),
    ).catch((error: unknown) => {
      if (isBusy(error)) throw error;
      // Too much of it for the time or the memory that one message gets: the text and the source are still there.
      request.log.warn({ err: error }, 'a message cannot be shown as HTML');
      return UNSHOWABLE;
    });
    return reply
      .headers({
        'content-security-policy': policy(remoteImages),
        'x-frame-options': 'SAMEORIGIN',
        'referrer-policy': 'no-referrer',
        'x-dns-prefetch-control': 'off',
      })
      .type('text/html; charset=utf-8')
      .send(page);
  });
}

/** Too many pages of this tenant wait for a thread (src/mime/thread-turns.ts): of this one nothing is known. */
const isBusy = (error: unknown): boolean => error instanceof MailtideError && error.code === 'TOO_MANY_REQUESTS';
/** A message that was parsed by an earlier version has images by their Content-ID that are not inline yet. */
const MAY_BE_SHOWN = { OR: [{ isInline: true }, { contentId: { not: null } }] };

/** Links open new tabs, which are not held by the sandbox any more. */
const policy = (remoteImages: boolean): string =>
  [
    'sandbox allow-popups allow-popups-to-escape-sandbox',
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `img-src data:${remoteImages ? ' https: http:' : ''}`,
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'self'",
  ].join('; ');

const UNSHOWABLE =
  '<!doctype html><meta charset="utf-8"><title>Message</title><p>This HTML is too complicated to be shown. The text and the source of the message are.</p>';

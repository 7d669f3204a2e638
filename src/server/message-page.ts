import type { FastifyInstance } from 'fastify';
import { MailtideError } from '../errors.ts';
import { found } from '../graphql/found.ts';
import { readHtml, readSource } from '../store/mail/read-pack.ts';
import type { Database } from '../store/plumbing/database.ts';
import type { Authentication } from './authentication.ts';
import { createSharedRendering } from './shared-rendering.ts';
import { tenantRequests } from './tenant-route.ts';

/** Renders a message's HTML as a safe document. `source` is empty if the HTML refers to no part of the message. */
export type RenderHtml = (
  html: string,
  source: Uint8Array,
  options: { readonly remoteImages: boolean; readonly tenantId: string },
) => Promise<string>;

/**
 * Serves a message's HTML for the frame in the page. It is sanitised (src/mime/sanitise-html.ts). As a second barrier,
 * it has an opaque origin without scripts, forms and requests (docs/decisions/0023-html-behind-three-walls.md). Its own
 * images are embedded as data. `?images=remote`, which the user requests, allows images, but nothing else, from other
 * servers.
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
      // The HTML exceeds the time or memory limit of one message. Its text and source are still available.
      request.log.warn({ err: error }, "a message's HTML cannot be rendered");
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

/** Too many pages of this tenant wait for a thread (src/mime/thread-turns.ts), so the page was not rendered. */
const isBusy = (error: unknown): boolean => error instanceof MailtideError && error.code === 'TOO_MANY_REQUESTS';
/** In messages parsed by an earlier version, images with a Content-ID are not marked as inline. */
const MAY_BE_SHOWN = { OR: [{ isInline: true }, { contentId: { not: null } }] };

/** Links open new tabs, which are outside the sandbox. */
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
  '<!doctype html><meta charset="utf-8"><title>Message</title><p>This HTML is too complex to be shown. Open the text or the source of the message instead.</p>';

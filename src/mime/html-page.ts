import { imageKey, imageKeys, namedImages, shownType } from './own-images.ts';
import { asBuffer, packBytes } from './packed-bytes.ts';
import { listAttachments } from './read-attachment.ts';
import { sanitiseHtml } from './sanitise-html.ts';

export interface HtmlPage {
  /** As it was sent. */
  readonly html: string;
  /** The message's source, which contains its own images; empty if the HTML names none. */
  readonly source: Uint8Array<ArrayBuffer>;
  readonly remoteImages: boolean;
}

/** Most bytes of all images of a message together, which are written into the page. */
const MAX_INLINE = 20 * 1024 * 1024;

/**
 * Returns the HTML of a message as a separate document that is safe to show. More protection:
 * src/server/message-page.ts.
 */
export async function htmlPage({ html, source, remoteImages }: HtmlPage): Promise<string> {
  const images = await ownImages(html, source);
  const body = sanitiseHtml(html, { remoteImages, ownImage: (address) => images.get(imageKey(address)) ?? null });
  return `<!doctype html><html><head><meta charset="utf-8"><title>Message</title>${STYLE}</head><body>${body}</body></html>`;
}

/**
 * Returns the message's images as data URLs, by the addresses that name them. The document has no origin, so a request
 * for an image would lack the session cookie. And so the document needs no permission for requests at all.
 */
async function ownImages(html: string, source: Uint8Array<ArrayBuffer>): Promise<Map<string, string>> {
  const images = new Map<string, string>();
  if (source.length === 0) return images;
  const named = namedImages(html);
  let room = MAX_INLINE;
  for (const attachment of await listAttachments(asBuffer(source))) {
    const type = shownType(attachment.contentType);
    const keys = imageKeys(attachment).filter((key) => named.has(key) && !images.has(key));
    if (type === null || keys.length === 0) continue;
    room -= attachment.size();
    if (room < 0) break;
    const content = packBytes([...attachment.pieces()]).bytes;
    for (const key of keys) images.set(key, `data:${type};base64,${asBuffer(content).toString('base64')}`);
  }
  return images;
}

/** Mail is written for a white background. An image that is not shown leaves its alternative text. */
const STYLE = `<style>
:root { color-scheme: light; background: #fff; color: #1a1b1e; }
body { margin: 0; padding: 16px; font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
img { max-width: 100%; height: auto; }
img:not([src]) { outline: 1px dashed #adb5bd; outline-offset: -1px; color: #868e96; font-size: 12px; }
pre { white-space: pre-wrap; }
blockquote { margin: 8px 0; padding-left: 12px; border-left: 3px solid #dee2e6; }
</style>`;

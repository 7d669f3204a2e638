import { asBuffer } from './packed-bytes.ts';
import { readAttachments } from './read-attachment.ts';
import { RASTER_TYPES, sanitiseHtml } from './sanitise-html.ts';

export interface HtmlPage {
  /** As it was sent. */
  readonly html: string;
  /** The message's source, where its own images are taken from; empty when it names none. */
  readonly source: Uint8Array<ArrayBuffer>;
  readonly remoteImages: boolean;
}

/** Of all images of a message together, in bytes: they are written into the page. */
const MAX_INLINE = 20 * 1024 * 1024;

/** The HTML of a message as a document of its own that is safe to show; what else holds it: src/server/message-page.ts. */
export async function htmlPage({ html, source, remoteImages }: HtmlPage): Promise<string> {
  const images = await ownImages(html, source);
  const body = sanitiseHtml(html, { remoteImages, inlineImage: (contentId) => images.get(contentId) ?? null });
  return `<!doctype html><html><head><meta charset="utf-8"><title>Message</title>${STYLE}</head><body>${body}</body></html>`;
}

/**
 * As data URLs: the document has no origin, so our cookie would not go along with a request for an image, and it need
 * not be allowed any request at all.
 */
async function ownImages(html: string, source: Uint8Array<ArrayBuffer>): Promise<Map<string, string>> {
  const images = new Map<string, string>();
  if (source.length === 0) return images;
  let room = MAX_INLINE;
  const wanted = ({ contentId, contentType }: { contentId: string | null; contentType: string }): boolean =>
    contentId !== null && html.includes(contentId) && RASTER.has(contentType.toLowerCase());
  for (const { contentId, contentType, content } of await readAttachments(asBuffer(source), wanted)) {
    room -= content.length;
    if (room < 0) break;
    images.set(contentId!, `data:${contentType.toLowerCase()};base64,${asBuffer(content).toString('base64')}`);
  }
  return images;
}

const RASTER = new Set(RASTER_TYPES.map((name) => `image/${name}`));

/** Mail is written for white paper. An image that is not shown leaves its words. */
const STYLE = `<style>
:root { color-scheme: light; background: #fff; color: #1a1b1e; }
body { margin: 0; padding: 16px; font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
img { max-width: 100%; height: auto; }
img:not([src]) { outline: 1px dashed #adb5bd; outline-offset: -1px; color: #868e96; font-size: 12px; }
pre { white-space: pre-wrap; }
blockquote { margin: 8px 0; padding-left: 12px; border-left: 3px solid #dee2e6; }
</style>`;

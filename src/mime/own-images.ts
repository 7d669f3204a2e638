import { decodeHTML } from 'entities';

/** An attachment that HTML may embed, and its names. */
export interface OwnImage {
  readonly filename: string | null;
  readonly contentType: string;
  readonly contentId: string | null;
  readonly contentLocation: string | null;
}

/** Types of raster images, as browsers name them. */
export const RASTER_TYPES = ['png', 'jpeg', 'jpg', 'gif', 'webp', 'bmp', 'avif', 'x-icon'];

const RASTER = new Set(RASTER_TYPES.map((name) => `image/${name}`));

/** Older names of these types, with the name that browsers know. */
const OTHER_NAMES = new Map([
  ['image/pjpeg', 'image/jpeg'],
  ['image/jfif', 'image/jpeg'],
  ['image/jpe', 'image/jpeg'],
  ['image/x-jpeg', 'image/jpeg'],
  ['image/x-jpg', 'image/jpeg'],
  ['image/x-citrix-jpeg', 'image/jpeg'],
  ['image/x-png', 'image/png'],
  ['image/apng', 'image/png'],
  ['image/vnd.mozilla.apng', 'image/png'],
  ['image/x-citrix-png', 'image/png'],
  ['image/x-gif', 'image/gif'],
  ['image/x-citrix-gif', 'image/gif'],
  ['image/x-bmp', 'image/bmp'],
  ['image/x-ms-bmp', 'image/bmp'],
  ['image/x-windows-bmp', 'image/bmp'],
  ['image/ico', 'image/x-icon'],
  ['image/vnd.microsoft.icon', 'image/x-icon'],
]);

/** Returns the image type to send to a browser for a declared one; null if it is not shown, as SVG. */
export function shownType(contentType: string): string | null {
  const declared = contentType.toLowerCase();
  const type = OTHER_NAMES.get(declared) ?? declared;
  return RASTER.has(type) ? type : null;
}

export const isShowable = ({ contentType }: OwnImage): boolean => shownType(contentType) !== null;

/** Returns the normalised addresses by which HTML may name an image (RFC 2392, RFC 2557). */
export function imageKeys({ contentId, contentLocation }: OwnImage): string[] {
  const keys: string[] = [];
  if (contentId) keys.push(imageKey(`cid:${contentId}`));
  if (contentLocation) keys.push(imageKey(contentLocation));
  return keys;
}

/** Normalises an address: percent-encoding, case, white space and angle brackets. */
export function imageKey(address: string): string {
  const plain = percentDecoded(address.replace(/[\t\r\n]+/g, '').trim());
  const cid = /^cid:(.*)$/is.exec(plain);
  return cid ? `cid:${cid[1]!.trim().replace(/^<|>$/g, '').toLowerCase()}` : plain;
}

function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}

/** Returns the addresses in HTML that may name an image of the message, as {@link imageKey}s. Linear. */
export function namedImages(html: string): Set<string> {
  const plain = (html.includes('&') ? decodeHTML(html) : html).replace(/[\t\r\n]+/g, '');
  const named = new Set<string>();
  for (const [, quoted, other] of plain.matchAll(ADDRESS)) named.add(imageKey(quoted?.slice(1, -1) ?? other!));
  return named;
}

/** The values of `src` and `background`, and `url(…)` in CSS. */
const ADDRESS = /\b(?:(?:src|background)\s*=\s*|url\s*\(\s*)(?:("[^"]{0,2000}"|'[^']{0,2000}')|([^\s"'<>)]{1,2000}))/gi;

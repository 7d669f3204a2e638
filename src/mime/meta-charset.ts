import { latin1 } from './latin1.ts';

/** How many bytes are searched for a `meta` element. Browsers search 1024, and again while they parse. */
const HEAD = 16 * 1024;

/** A comment, or a `meta` element. Linear: each ends at the next angle bracket, or with the text. */
const META = /<!--.*?(?:-->|$)|<meta[\s/]([^<>]*)/gis;
const XML = /^\s*<\?xml[^<>?]*?\sencoding\s*=\s*["']?([\w.:-]+)/i;
const CHARSET = /charset\s*=\s*(?:["']\s*)?([^\s"'/>;]+)/i;

/**
 * Returns the charset that an HTML document declares: `<meta charset>`, `<meta http-equiv content="…; charset=">`, or
 * an XML declaration. UTF-16 cannot be correct in a document in which the declaration is readable, and counts as UTF-8
 * (WHATWG HTML, "prescan a byte stream to determine its encoding").
 */
export function metaCharset(bytes: Uint8Array): string | null {
  const head = latin1(bytes, HEAD);
  const label = fromMeta(head) ?? XML.exec(head)?.[1] ?? null;
  return label && /^(?:utf-?16|utf-?32|unicode|ucs)/i.test(label) ? 'utf-8' : label;
}

function fromMeta(head: string): string | null {
  for (const [, attributes] of head.matchAll(META)) {
    const label = attributes && CHARSET.exec(attributes)?.[1];
    if (label) return label;
  }
  return null;
}

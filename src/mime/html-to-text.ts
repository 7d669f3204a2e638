import { decodeHTML } from 'entities';

/** Longest HTML that is read, in characters. What people write is in the first of them; the rest is style or a log. */
const MAX_HTML = 500_000;

/** A comment, or a tag with its name. Nothing in here looks further than the next angle bracket or a comment's end. */
const MARKUP = /<!--.*?(?:-->|$)|<(\/?[a-z][a-z0-9]*)[^<>]*>?|<[!?][^<>]*>?/gis;

/** Elements whose content is not for reading. */
const HIDDEN = new Set(['script', 'style', 'title']);
const PARAGRAPHS = new Set(['blockquote', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ol', 'p', 'table', 'ul']);
const LINES = new Set(['address', 'article', 'br', 'div', 'dd', 'dt', 'hr', 'li', 'pre', 'section', 'tr']);
const CELLS = new Set(['td', 'th']);

/**
 * HTML as text to search in and to preview, in linear time. It keeps words and lines, no layout: the HTML itself is what
 * people are shown.
 */
export function htmlToText(html: string): string {
  const source = html.slice(0, MAX_HTML);
  const out: string[] = [];
  let at = 0;
  for (const match of source.matchAll(MARKUP)) {
    // Inside of what was skipped.
    if (match.index < at) continue;
    out.push(words(source.slice(at, match.index)));
    at = match.index + match[0].length;
    const name = match[1]?.toLowerCase() ?? '';
    if (HIDDEN.has(name)) at = endOfElement(source, name, at);
    else out.push(breakFor(name.replace('/', '')));
  }
  out.push(words(source.slice(at)));
  return out
    .join('')
    .replace(/ {2,}/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** White space in HTML is one space, and entities are what they stand for. */
function words(text: string): string {
  return decodeHTML(text.replace(/[ \t\r\n\f]+/g, ' ')).replaceAll('\u00a0', ' ');
}

function breakFor(name: string): string {
  if (PARAGRAPHS.has(name)) return '\n\n';
  if (LINES.has(name)) return '\n';
  return CELLS.has(name) ? ' ' : '';
}

function endOfElement(source: string, name: string, from: number): number {
  const closing = new RegExp(`</${name}[^<>]*>?`, 'gi');
  closing.lastIndex = from;
  return closing.exec(source) ? closing.lastIndex : source.length;
}

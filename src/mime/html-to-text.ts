import { decodeHTML } from 'entities';

/** Longest HTML that is read, in characters. What people write is in the first of them; the rest is style or a log. */
const MAX_HTML = 500_000;

/**
 * A comment, an element whose content is not for reading, or a tag by its name. Linear, because each of them ends at the
 * latest at the next angle bracket or with the text.
 */
const MARKUP =
  /<!--.*?(?:-->|$)|<(script|style|title)\b.*?(?:<\/\1[^<>]*>?|$)|<\/?([a-z][a-z0-9]*)[^<>]*>?|<[!?][^<>]*>?/gis;

const PARAGRAPHS = new Set(['blockquote', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ol', 'p', 'table', 'ul']);
const LINES = new Set(['address', 'article', 'br', 'div', 'dd', 'dt', 'hr', 'li', 'option', 'pre', 'section', 'tr']);
const CELLS = new Set(['td', 'th']);

/**
 * HTML as text to search in and to preview, in linear time. It keeps words and lines, no layout: the HTML itself is what
 * people are shown.
 */
export function htmlToText(html: string): string {
  const text = html
    .slice(0, MAX_HTML)
    .replace(/[ \t\r\n\f]{2,}|[\t\r\n\f]/g, ' ')
    .replace(MARKUP, (_, _hidden, name = '') => breakFor(name.toLowerCase()));
  return decodeHTML(text)
    .replace(/[ \u00a0]{2,}|\u00a0/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function breakFor(name: string): string {
  if (PARAGRAPHS.has(name)) return '\n\n';
  if (LINES.has(name)) return '\n';
  return CELLS.has(name) ? ' ' : '';
}

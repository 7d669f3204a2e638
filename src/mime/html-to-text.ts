import { Parser } from 'htmlparser2';

const PARAGRAPHS = new Set(['blockquote', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ol', 'p', 'pre', 'table', 'ul']);
const LINES = new Set(
  'address article aside br caption center dd details div dl dt fieldset figcaption figure footer form header hr li main nav option section summary tr'.split(
    ' ',
  ),
);
const CELLS = new Set(['td', 'th']);
/** Elements whose content is not meant to be read. */
const HIDDEN = new Set(['iframe', 'noembed', 'noframes', 'script', 'style', 'template', 'title']);

/**
 * Converts HTML to text for search and preview, in linear time. It keeps words and lines but no layout: users are shown
 * the HTML itself.
 */
export function htmlToText(html: string): string {
  let text = '';
  let hidden = 0;
  let preformatted = 0;
  const parser = new Parser({
    onopentagname(name) {
      if (HIDDEN.has(name)) hidden++;
      if (name === 'pre') preformatted++;
      text += breakFor(name);
    },
    onclosetag(name) {
      if (HIDDEN.has(name)) hidden--;
      if (name === 'pre') preformatted--;
      // An element without content is closed at once.
      if (name !== 'br') text += breakFor(name);
    },
    ontext(data) {
      if (hidden === 0) text += data.replace(preformatted ? INLINE_SPACE : WHITE_SPACE, ' ');
    },
  });
  parser.end(html);
  return text
    .replace(/[ \u00a0]{2,}|\u00a0/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

const WHITE_SPACE = /[ \t\r\n\f]+/g;
/** White space that does not end a line. */
const INLINE_SPACE = /[ \t\r\f]+/g;

function breakFor(name: string): string {
  if (PARAGRAPHS.has(name)) return '\n\n';
  if (LINES.has(name)) return '\n';
  return CELLS.has(name) ? ' ' : '';
}

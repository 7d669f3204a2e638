import { escapeText } from 'entities';
import { MAX_TEXT } from '../domain/parsed-message.ts';
import { htmlToText } from './html-to-text.ts';

/** A part of what is shown, as text, as HTML, or both: two versions of the same. */
export interface ShownPart {
  /** Null when there is HTML alone. */
  readonly text: string | null;
  /** As it was sent. Null when there is text alone. */
  readonly html: string | null;
}

export const hasWords = ({ text, html }: ShownPart): boolean => isWritten(text) || isWritten(html);

export const isWritten = (text: string | null): boolean => text !== null && /\S/.test(text);

/** All parts in their order as HTML: what is text alone, such as a footer, among them. Null when none is HTML. */
export function htmlOf(parts: readonly ShownPart[]): string | null {
  if (!parts.some(({ html }) => html !== null)) return null;
  const pieces = parts
    .filter(hasWords)
    .map(({ text, html }) => html ?? `<div style="white-space:pre-wrap">${escapeText(text!)}</div>`);
  return joined(pieces, '<br>\n');
}

/** All parts in their order as text, of each the better of its versions. */
export function textOf(parts: readonly ShownPart[]): string {
  const pieces = parts.map((part) => ({ part, text: betterText(part) }));
  const written = pieces.length > 1 ? pieces.filter(({ text }) => isWritten(text)) : pieces;
  return joined(
    written.map(({ text }) => text),
    '\n',
  );
}

function joined(pieces: readonly string[], separator: string): string {
  if (pieces.length < 2) return pieces[0] ?? '';
  let length = 0;
  let count = 0;
  // Nested versions are joined at each level: beyond what is kept there is nothing to join.
  while (count < pieces.length && length <= MAX_TEXT) length += pieces[count++]!.length;
  return pieces.slice(0, count).join(separator);
}

/**
 * The plain text, unless the HTML says more: often the text is only "your mail program cannot show HTML", a link, or
 * another letter altogether.
 */
function betterText({ text, html }: ShownPart): string {
  if (html === null || text === null) return text ?? htmlToText(html ?? '');
  const fromHtml = htmlToText(html);
  const length = text.trim().length;
  return fromHtml.length > length * 2 || (fromHtml.length > length / 2 && isAnother(text, fromHtml)) ? fromHtml : text;
}

/** How many words of the text are looked for in the HTML. */
const SAMPLE = 12;

/** Whether most of the first words of a text are not in the HTML. */
function isAnother(text: string, fromHtml: string): boolean {
  const words = new Set(
    text
      .slice(0, 2000)
      .match(/\p{L}{4,20}/gu)
      ?.slice(0, SAMPLE),
  );
  const near = fromHtml.slice(0, 20_000);
  let missing = 0;
  for (const word of words) if (!near.includes(word)) missing++;
  return missing * 2 > words.size;
}

import { escapeText } from 'entities';
import { MAX_TEXT } from '../domain/parsed-message.ts';
import { htmlToText } from './html-to-text.ts';

/** A shown part, as text, as HTML, or as both versions. */
export interface ShownPart {
  /** Null if only HTML exists. */
  readonly text: string | null;
  /** As it was sent. Null if only text exists. */
  readonly html: string | null;
}

export const hasWords = ({ text, html }: ShownPart): boolean => isWritten(text) || isWritten(html);

export const isWritten = (text: string | null): boolean => text !== null && /\S/.test(text);

/** Returns all parts in order as HTML, including those that are only text, such as a footer; null if none is HTML. */
export function htmlOf(parts: readonly ShownPart[]): string | null {
  if (!parts.some(({ html }) => html !== null)) return null;
  const pieces = parts
    .filter(hasWords)
    .map(({ text, html }) => html ?? `<div style="white-space:pre-wrap">${escapeText(text!)}</div>`);
  return joined(pieces, '<br>\n');
}

/** Returns all parts in order as text, each in its better version. */
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
  // Nested versions are joined at each level, so joining stops at the limit of the text.
  while (count < pieces.length && length <= MAX_TEXT) length += pieces[count++]!.length;
  return pieces.slice(0, count).join(separator);
}

/**
 * Returns the plain text, unless the HTML contains more: often the text is only "your mail program cannot show HTML", a
 * link, or a different letter.
 */
function betterText({ text, html }: ShownPart): string {
  if (html === null || text === null) return text ?? htmlToText(html ?? '');
  const fromHtml = htmlToText(html);
  const length = text.trim().length;
  return fromHtml.length > length * 2 || (fromHtml.length > length / 2 && isAnother(text, fromHtml)) ? fromHtml : text;
}

/** How many words of the text are searched in the HTML. */
const SAMPLE = 12;

/** Returns whether most of the first words of a text are missing from the HTML. */
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

import { SNIPPET_LENGTH } from '../domain/parsed-message.ts';
import { toStorable } from '../domain/storable-text.ts';

/** White space and invisible code points (Default_Ignorable_Code_Point, and the blank Braille pattern). */
const INVISIBLE = /[\s\p{Default_Ignorable_Code_Point}\u2800]+/gu;
/** Code points that join the letters or pictures on both sides, or select the form of one: emoji, Persian, Hindi. */
const JOINING = /^(?:(?:\u200c|\u200d|[\ufe00-\ufe0f]){1,2}|\ufe0f?[\u{e0020}-\u{e007f}]+)$/u;
const BLANK = /[\s\u2800]/;

/** How many characters are searched, first and at most: newsletters pad their beginning with invisible characters. */
const NEAR = SNIPPET_LENGTH * 4;
const FAR = 20_000;

/** Returns the first words of a text, with white space folded and without invisible characters. */
export function snippetOf(text: string): string {
  let folded = fold(text.slice(0, NEAR));
  if (folded.length < SNIPPET_LENGTH && text.length > NEAR) folded = fold(text.slice(0, FAR));
  return toStorable(withoutHalf(folded.slice(0, SNIPPET_LENGTH)));
}

function fold(text: string): string {
  return text.replace(INVISIBLE, (run) => (BLANK.test(run) ? ' ' : JOINING.test(run) ? run : '')).trim();
}

/** Removes half a character at the end, which truncation may leave. */
function withoutHalf(text: string): string {
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}

/**
 * Untrusted text may be written from right to left, or contain marks that reorder what follows them. The page puts it
 * into a `<bdi>` or a block with `dir="auto"`, which isolates its order. These functions are for places where no
 * element is possible, and for text whose order could deceive.
 */

/** Embeddings, overrides and isolates, with their ends: LRE to RLO, LRI to PDI. */
const TURNS = /[\u202A-\u202E\u2066-\u2069]/g;
/** No character before Hebrew is written from right to left. */
const MAY_TURN = /[\u0590-\u{10FFFF}]/u;
const FIRST_STRONG_ISOLATE = '\u2068';
const POP_ISOLATE = '\u2069';

/**
 * Makes reordering marks visible, for file names and addresses: `invoice<RLO>fdp.exe` would look like a PDF. The marks
 * have no legitimate use there.
 */
export const unturned = (text: string): string => text.replace(TURNS, '\uFFFD');

/** Isolates a text within an attribute or sentence, so that it does not reorder its surroundings. */
export const isolated = (text: string): string =>
  MAY_TURN.test(text) ? FIRST_STRONG_ISOLATE + text.replace(TURNS, '') + POP_ISOLATE : text;

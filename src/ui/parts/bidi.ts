/**
 * Words of strangers may be written from right to left, or hold marks that turn what follows them. In the page each is in
 * a `<bdi>` or a block with `dir="auto"`, which keeps its order to itself. Here is what to do where no element can be, and
 * where the order itself would lie.
 */

/** Embeddings, overrides and isolates, with their ends: LRE to RLO, LRI to PDI. */
const TURNS = /[\u202A-\u202E\u2066-\u2069]/g;
/** Before Hebrew nothing goes from right to left. */
const MAY_TURN = /[\u0590-\u{10FFFF}]/u;
const FIRST_STRONG_ISOLATE = '\u2068';
const POP_ISOLATE = '\u2069';

/**
 * For file names and addresses, which must be seen as they are: `invoice<RLO>fdp.exe` would look like a PDF. The marks have
 * no use in them, and are seen.
 */
export const unturned = (text: string): string => text.replace(TURNS, '\uFFFD');

/** For attributes and sentences: what is around it keeps its place. */
export const isolated = (text: string): string =>
  MAY_TURN.test(text) ? FIRST_STRONG_ISOLATE + text.replace(TURNS, '') + POP_ISOLATE : text;

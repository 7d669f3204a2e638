import type { ImapFlow } from 'imapflow';

/** One response as imapflow's stream passes it on: its lines, and the literals that they announce. */
interface Answer {
  readonly payload: Buffer;
  readonly literals?: readonly Buffer[];
}

/** The parts of imapflow's reader that its types omit. */
interface Reader {
  readonly log: { error(entry: { readonly payloadBytes?: number; readonly err?: unknown }): void };
  handleResponse(answer: Answer): Promise<boolean>;
}

/**
 * Repairs FETCH rows that imapflow's parser rejects and imapflow drops, mostly because a keyword is not an atom
 * (RFC 9051, 9: flag-keyword). The recognisable items of such a row are assembled into a valid one. Rows that the
 * parser accepts cost nothing.
 */
export function repairRows(client: ImapFlow): void {
  const reader = client as unknown as Reader;
  const handleResponse = reader.handleResponse.bind(client);
  const log = reader.log.error.bind(reader.log);
  let isRejected = false;
  // The log is the only sign that imapflow could not parse a line.
  reader.log.error = (entry) => {
    if (entry.payloadBytes !== undefined && entry.err) isRejected = true;
    log(entry);
  };
  reader.handleResponse = async (answer) => {
    isRejected = false;
    const isOpen = await handleResponse(answer);
    const repaired = isRejected && isOpen ? repairedRow(answer.payload) : null;
    return repaired ? handleResponse({ ...answer, payload: repaired }) : isOpen;
  };
}

/** The items that Mailtide requests, except FLAGS; a literal is announced at the end of its line. */
const ITEM =
  /\b(?:UID \d+|RFC822\.SIZE \d+|INTERNALDATE "[^"\r\n]*"(?=[ )])|MODSEQ \(\d+\)|EMAILID \([\w-]+\)|X-GM-MSGID \d+|BODY\[[^\]\r\n]*\](?:<\d+>)? (?:\{\d+\}\r?\n|NIL|"(?:[^"\\\r\n]|\\.)*"))/gi;
const FLAGS = /\bFLAGS \(/i;
/** The end of the list of flags, before the next item: the list itself may contain parentheses. */
const NEXT_ITEM = /\) *(?=(?:UID|RFC822\.SIZE|INTERNALDATE|MODSEQ|EMAILID|X-GM-MSGID|BODY)\b)/gi;
const LITERAL = /\{\d+\}\r?\n/g;

/** Longest line that is repaired, in bytes: some expressions above take quadratic time if nothing matches. */
const MAX_LINE = 16 * 1024;

/** Pure: returns the row with each keyword in quotes and without unknown items; null if its items are ambiguous. */
export function repairedRow(payload: Buffer): Buffer | null {
  if (payload.length > MAX_LINE) return null;
  const [, start, items] = /^(\* \d+ FETCH) \((.*)$/is.exec(payload.toString('latin1')) ?? [];
  if (start === undefined || items === undefined) return null;
  const [flags, others] = apart(items);
  const kept: string[] = others.match(ITEM) ?? [];
  const isSure = kept.filter((item) => /^UID/i.test(item)).length === 1;
  // The literal of an unknown item would be taken for the message.
  if (!isSure || items.match(LITERAL)?.length !== kept.join().match(LITERAL)?.length) return null;
  if (flags) kept.push(`FLAGS (${flags.map(quoted).join(' ')})`);
  return Buffer.from(`${start} (${kept.join(' ')})`, 'latin1');
}

/** Returns the keywords of a row, null if it has no FLAGS, and the rest of the row. */
function apart(items: string): [string[] | null, string] {
  const found = FLAGS.exec(items);
  if (!found) return [null, items];
  const from = found.index + found[0].length;
  NEXT_ITEM.lastIndex = from;
  const next = NEXT_ITEM.exec(items);
  let to = next?.index ?? items.length;
  while (!next && to > from && /[\s)]/.test(items[to - 1]!)) to -= 1;
  const flags = items.slice(from, to).split(/\s+/).filter(Boolean);
  return [flags, `${items.slice(0, found.index)} ${next ? items.slice(to + 1) : ''}`];
}

/** Returns a system flag unchanged, and anything else as a quoted string. */
const quoted = (flag: string): string => (/^\\[\w$-]+$/.test(flag) ? flag : `"${flag.replace(/["\\]/g, '\\$&')}"`);

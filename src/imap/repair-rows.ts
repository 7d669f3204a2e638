import type { ImapFlow } from 'imapflow';

/** One answer of the server as imapflow's stream hands it over: its lines, and the literals that they announce. */
interface Answer {
  readonly payload: Buffer;
  readonly literals?: readonly Buffer[];
}

/** What imapflow's own reader calls; not in its types. */
interface Reader {
  readonly log: { error(entry: { readonly payloadBytes?: number; readonly err?: unknown }): void };
  handleResponse(answer: Answer): Promise<boolean>;
}

/**
 * Has rows of FETCH read that imapflow's parser rejects, and imapflow drops: mostly because of one keyword that is no
 * atom (RFC 9051, 9: flag-keyword). What can be recognised of such a row is put together again, and nothing else is
 * lost. A row that the parser takes costs nothing.
 */
export function repairRows(client: ImapFlow): void {
  const reader = client as unknown as Reader;
  const handleResponse = reader.handleResponse.bind(client);
  const log = reader.log.error.bind(reader.log);
  let isRejected = false;
  // imapflow says only here that it could not parse a line.
  reader.log.error = (entry) => {
    if (entry.payloadBytes !== undefined && entry.err) isRejected = true;
    log(entry);
  };
  reader.handleResponse = async (answer) => {
    isRejected = false;
    const goesOn = await handleResponse(answer);
    const repaired = isRejected && goesOn ? repairedRow(answer.payload) : null;
    return repaired ? handleResponse({ ...answer, payload: repaired }) : goesOn;
  };
}

/** The items that Mailtide asks for, but FLAGS; a literal is announced at the end of its line. */
const ITEM =
  /\b(?:UID \d+|RFC822\.SIZE \d+|INTERNALDATE "[^"\r\n]*"(?=[ )])|MODSEQ \(\d+\)|EMAILID \([\w-]+\)|X-GM-MSGID \d+|BODY\[[^\]\r\n]*\](?:<\d+>)? (?:\{\d+\}\r?\n|NIL|"(?:[^"\\\r\n]|\\.)*"))/gi;
const FLAGS = /\bFLAGS \(/i;
/** Where the list of flags ends although parentheses are in it: before the next item. */
const NEXT_ITEM = /\) *(?=(?:UID|RFC822\.SIZE|INTERNALDATE|MODSEQ|EMAILID|X-GM-MSGID|BODY)\b)/gi;
const LITERAL = /\{\d+\}\r?\n/g;

/** Longer lines are left alone, in bytes: some expressions above take the square of it where nothing fits. */
const MAX_LINE = 16 * 1024;

/** Pure: the same row with each keyword in quotes and nothing that is not known; null where it cannot be told apart. */
export function repairedRow(payload: Buffer): Buffer | null {
  if (payload.length > MAX_LINE) return null;
  const [, start, items] = /^(\* \d+ FETCH) \((.*)$/is.exec(payload.toString('latin1')) ?? [];
  if (start === undefined || items === undefined) return null;
  const [flags, others] = apart(items);
  const kept: string[] = others.match(ITEM) ?? [];
  const isSure = kept.filter((item) => /^UID/i.test(item)).length === 1;
  // A literal of something else would be taken for the message.
  if (!isSure || items.match(LITERAL)?.length !== kept.join().match(LITERAL)?.length) return null;
  if (flags) kept.push(`FLAGS (${flags.map(quoted).join(' ')})`);
  return Buffer.from(`${start} (${kept.join(' ')})`, 'latin1');
}

/** The keywords of a row, null where it has no FLAGS, and the rest of it. */
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

/** A system flag as the atom that it is, anything else as a string. */
const quoted = (flag: string): string => (/^\\[\w$-]+$/.test(flag) ? flag : `"${flag.replace(/["\\]/g, '\\$&')}"`);

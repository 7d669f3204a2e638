const KIB = 1024;
const MIB = 1024 * KIB;

/** What the server may send in answer to one command. What comes above it ends the connection. */
export interface AnswerLimit {
  readonly bytes: number;
  /** Lines with their literals, tagged and untagged. */
  readonly responses: number;
}

/** How large a mail server's answers may be, for one connection. */
export interface ImapLimits {
  /** Bytes of a message, and so of any literal. */
  readonly messageBytes: number;
  /** Messages in one mailbox: a server that says EXISTS more is not believed. */
  readonly mailboxMessages: number;
  /** Of LIST with its STATUS. */
  readonly list: AnswerLimit;
  /** Of everything that has no limit of its own: greeting, CAPABILITY, login, SELECT, STATUS. */
  readonly other: AnswerLimit;
  /** Words and lists in one response: each costs a hundred bytes of memory. */
  readonly tokens: number;
}

export const DEFAULT_LIMITS: ImapLimits = {
  messageBytes: 64 * MIB,
  mailboxMessages: 1_000_000,
  list: { bytes: 16 * MIB, responses: 100_000 },
  other: { bytes: MIB, responses: 10_000 },
  tokens: 100_000,
};

/** A few kilobytes are enough to know a server, and a list of ten thousand mailboxes to connect one. */
export const TEST_LIMITS: Partial<ImapLimits> = {
  messageBytes: 64 * KIB,
  list: { bytes: MIB, responses: 20_000 },
  other: { bytes: 64 * KIB, responses: 1000 },
  tokens: 5000,
};

/** Messages that may have come since EXISTS was said. */
const NEWCOMERS = 10_000;
/** A UID as SEARCH writes it, with its blank. */
const BYTES_OF_UID = 11;
/** A row of FETCH with UID, flags and mod-sequence; most have a quarter of it. */
const BYTES_OF_ROW = 300;
const BYTES_OF_ALL_ROWS = 96 * MIB;
const BYTES_OF_FIELDS = 4 * KIB;
/** RFC 5322 has no limit for a header; mail servers refuse one of more than a few hundred kilobytes. */
const BYTES_OF_HEADER = 8 * MIB;

export const searchLimit = (exists: number): AnswerLimit => ({
  bytes: MIB + 2 * BYTES_OF_UID * (exists + NEWCOMERS),
  responses: NEWCOMERS + exists,
});

/** Of rows about `messages` messages, each of which may change once more while it is spoken of. */
export const rowsLimit = (messages: number): AnswerLimit => ({
  bytes: Math.min(BYTES_OF_ALL_ROWS, 4 * MIB + BYTES_OF_ROW * messages),
  responses: NEWCOMERS + 2 * messages,
});

/** Between two messages that were asked for: one of them, and what may be said about others in between. */
export function sourceLimit({ messageBytes }: ImapLimits, exists: number): AnswerLimit {
  const others = rowsLimit(exists);
  return { bytes: messageBytes + others.bytes, responses: others.responses };
}

export function headersLimit(exists: number, asked: number, fields: boolean): AnswerLimit {
  const others = rowsLimit(exists);
  return {
    bytes: others.bytes + (fields ? MIB + BYTES_OF_FIELDS * asked : BYTES_OF_HEADER * asked),
    responses: others.responses,
  };
}

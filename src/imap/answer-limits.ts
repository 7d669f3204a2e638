const KIB = 1024;
const MIB = 1024 * KIB;

/** Limit of the answer to one command. If the server exceeds it, the connection is closed. */
export interface AnswerLimit {
  readonly bytes: number;
  /** Number of lines with their literals, tagged and untagged. */
  readonly responses: number;
}

/** Limits of a server's answers on one connection. */
export interface ImapLimits {
  /** Bytes of a message, and so of any literal. */
  readonly messageBytes: number;
  /** Messages in one mailbox. A higher EXISTS is an error. */
  readonly mailboxMessages: number;
  /** LIST with its STATUS. */
  readonly list: AnswerLimit;
  /** Answers without a limit of their own: greeting, CAPABILITY, login, SELECT, STATUS. */
  readonly other: AnswerLimit;
  /** Tokens in one response: each takes a hundred bytes of memory. */
  readonly tokens: number;
}

export const DEFAULT_LIMITS: ImapLimits = {
  messageBytes: 64 * MIB,
  mailboxMessages: 1_000_000,
  list: { bytes: 16 * MIB, responses: 100_000 },
  other: { bytes: MIB, responses: 10_000 },
  tokens: 100_000,
};

/** Limits of a connection test: a few kilobytes suffice to recognise a server, and 10,000 mailboxes to connect one. */
export const TEST_LIMITS: Partial<ImapLimits> = {
  messageBytes: 64 * KIB,
  list: { bytes: MIB, responses: 20_000 },
  other: { bytes: 64 * KIB, responses: 1000 },
  tokens: 5000,
};

/** Messages that may have arrived since EXISTS. */
const NEWCOMERS = 10_000;
/** A UID in the answer to SEARCH, with its blank. */
const BYTES_OF_UID = 11;
/** A FETCH row with UID, flags and mod-sequence; most take a quarter of this. */
const BYTES_OF_ROW = 300;
const BYTES_OF_ALL_ROWS = 96 * MIB;
const BYTES_OF_FIELDS = 4 * KIB;
/** RFC 5322 does not limit a header. Mail servers refuse one of more than a few hundred kilobytes. */
const BYTES_OF_HEADER = 8 * MIB;

export const searchLimit = (exists: number): AnswerLimit => ({
  bytes: MIB + 2 * BYTES_OF_UID * (exists + NEWCOMERS),
  responses: NEWCOMERS + exists,
});

/** Returns the limit for rows about `messages` messages, each of which may change once more meanwhile. */
export const rowsLimit = (messages: number): AnswerLimit => ({
  bytes: Math.min(BYTES_OF_ALL_ROWS, 4 * MIB + BYTES_OF_ROW * messages),
  responses: NEWCOMERS + 2 * messages,
});

/** Returns the limit from one requested message to the next: the message, and unsolicited rows about others. */
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

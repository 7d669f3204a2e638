import { messageEnd } from './wire.ts';

/** Most kept statements, each of which takes memory for its tree and its plan. */
const MOST_KEPT = 100;
/**
 * Uses of a statement that changes rows. It finds them by their keys, but its plan ignores that tables grow. So it is
 * planned again after this many uses.
 */
const USES_OF_A_CHANGE = 100;
/**
 * Uses of a statement that only reads. Its plan depends on values, such as common or rare words, and LIMITs. PostgreSQL
 * plans it for its values the first five times, then it may make one plan for all (PREPARE, "Notes").
 */
const USES_OF_A_READ = 5;
/** Longest statement that is kept. Longer ones contain lists of values and do not recur. */
const LONGEST = 16 * 1024;

/** What the session runs instead of a client's unit. */
export interface Request {
  /** To be run first, with its answer discarded; null for nothing. */
  readonly close: Uint8Array | null;
  readonly bytes: Uint8Array;
  /** To be sent to the client before the answer. */
  readonly promised: Buffer;
  /** To be called with the first byte of the answer: the type of its first message. */
  readonly answered: (type: number | undefined) => void;
}

interface Kept {
  readonly name: string;
  readonly usesLeft: number;
}

/**
 * Saves the session from parsing recurring statements, and mostly from planning them: in WebAssembly this took a
 * quarter of the database's time. Clients send their statements unnamed, each in one unit (Parse, Bind, Describe,
 * Execute, Sync: PostgreSQL protocol 3.0, "Extended Query"). The cache gives a statement a name that the session keeps,
 * and the next time it passes on only the Bind. Clients do not notice. All of them share the session, so a statement
 * that one has prepared serves the others.
 *
 *   unknown ──Parse under a name──▶ kept ──Bind to it──▶ kept ──▶ forgotten: refused, used up, long unused, or its
 *                                                                            tables have changed
 */
export class StatementCache {
  /** By text and types of parameters; the most recently used comes last. */
  readonly #kept = new Map<string, Kept>();
  /** Names that the session still has to close. */
  #forgotten: string[] = [];
  #given = 0;

  /** Reuses the bytes of the unit. */
  request(unit: Uint8Array): Request {
    const bytes = Buffer.from(unit.buffer, unit.byteOffset, unit.byteLength);
    if (bytes[0] === QUERY && CHANGES_TABLES.test(bytes.toString('latin1', BODY_AT))) {
      for (const key of this.#kept.keys()) this.#forget(key);
    }
    const bindAt = endOfUnnamedParse(bytes);
    if (bindAt === null) return { close: this.#close(), bytes, promised: Buffer.alloc(0), answered: () => {} };
    const key = bytes.toString('latin1', BODY_AT, bindAt);
    const kept = this.#take(key);
    const name = kept?.name ?? `mailtide-${++this.#given}`;
    const usesLeft = kept?.usesLeft ?? (CHANGES_ROWS.test(key) ? USES_OF_A_CHANGE : USES_OF_A_READ);
    this.#kept.set(key, { name, usesLeft: usesLeft - 1 });
    if (this.#kept.size > MOST_KEPT) this.#forget(this.#kept.keys().next().value!);
    return {
      close: this.#close(),
      bytes: kept ? bindTo(name, bytes, bindAt) : parseAs(name, bytes, bindAt),
      promised: kept ? PARSE_COMPLETE : Buffer.alloc(0),
      // PostgreSQL refused it before it ran: the statement is unknown or no longer valid, or a value is invalid.
      answered: (type) => {
        if (type !== (kept ? BIND_COMPLETE : PARSE_COMPLETE[0])) this.#forget(key);
      },
    };
  }

  #take(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept?.usesLeft === 0) {
      this.#forget(key);
      return undefined;
    }
    this.#kept.delete(key);
    return kept;
  }

  #forget(key: string): void {
    const kept = this.#kept.get(key);
    if (kept) this.#forgotten.push(kept.name);
    this.#kept.delete(key);
  }

  #close(): Buffer | null {
    if (this.#forgotten.length === 0) return null;
    const messages = this.#forgotten.map((name) => message('C', `S${name}\0`));
    this.#forgotten = [];
    return Buffer.concat([...messages, message('S', '')]);
  }
}

const QUERY = code('Q');
const CHANGES_ROWS = /\b(?:insert|update|delete)\b/i;
/** PostgreSQL refuses a kept statement whose columns changed, even to a client that did not prepare it. */
const CHANGES_TABLES = /\b(?:alter|create|drop)\b/i;
const PARSE = code('P');
const BIND = code('B');
const PARSE_COMPLETE = message('1', '');
const BIND_COMPLETE = code('2');
/** Offset of a message's body, after type and length: the name of a Parse, the text of a Query. */
const BODY_AT = 5;
/** Messages that may follow Bind in a unit of a single statement: Describe (of the portal), Execute, Sync. */
const OF_ONE_STATEMENT = new Set(['D', 'E', 'S'].map(code));

/**
 * Returns where Bind begins if the unit is one unnamed statement, parsed and bound to the unnamed portal; else null.
 */
function endOfUnnamedParse(bytes: Buffer): number | null {
  if (bytes[0] !== PARSE || bytes[BODY_AT] !== 0) return null;
  const bindAt = messageEnd(bytes, 0);
  if (bindAt > LONGEST || bytes[bindAt] !== BIND) return null;
  if (bytes[bindAt + 5] !== 0 || bytes[bindAt + 6] !== 0) return null;
  for (let at = messageEnd(bytes, bindAt); at < bytes.length; at = messageEnd(bytes, at)) {
    if (!OF_ONE_STATEMENT.has(bytes[at]!)) return null;
    if (bytes[at] === code('D') && bytes[at + 5] !== code('P')) return null;
  }
  return bindAt;
}

/** Returns the unit with its Parse under a name, and its Bind to that name. */
function parseAs(name: string, bytes: Buffer, bindAt: number): Buffer {
  const parse = message('P', Buffer.concat([Buffer.from(`${name}\0`), bytes.subarray(BODY_AT + 1, bindAt)]));
  return Buffer.concat([parse, boundTo(name, bytes, bindAt), bytes.subarray(bindAt + 7)]);
}

/** Returns the unit without its Parse. The head of Bind overwrites the Parse, so that the values, often large, stay. */
function bindTo(name: string, bytes: Buffer, bindAt: number): Buffer {
  const head = boundTo(name, bytes, bindAt);
  const beginAt = bindAt + 7 - head.length;
  if (beginAt < 0) return Buffer.concat([head, bytes.subarray(bindAt + 7)]);
  head.copy(bytes, beginAt);
  return bytes.subarray(beginAt);
}

/** Returns Bind's type, length, unnamed portal, and statement. */
function boundTo(name: string, bytes: Buffer, bindAt: number): Buffer {
  const head = Buffer.from(`B....\0${name}\0`);
  head.writeUInt32BE(bytes.readUInt32BE(bindAt + 1) + name.length, 1);
  return head;
}

function message(type: string, body: string | Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.from(`${type}....`), Buffer.from(body as string)]);
  bytes.writeUInt32BE(bytes.length - 1, 1);
  return bytes;
}

function code(type: string): number {
  return type.charCodeAt(0);
}

/**
 * Splits a client's byte stream into units that may run one after the other on a shared PostgreSQL session.
 *
 * A unit is a startup packet, a simple Query, or everything from a Parse up to its Sync (PostgreSQL protocol 3.0,
 * "Extended Query"). The unnamed statement lives between Parse and Sync, so no other client's messages may run in
 * between.
 *
 * PGlite's own socket server queues single messages: docs/decisions/0009-pglite-behind-a-socket.md.
 */
const STARTUP_HEADER = 8;
const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
/** Message types after which the server answers and is ready for another client: Query, Sync, Terminate, copy ends. */
const UNIT_ENDS = new Set(['Q', 'S', 'X', 'F', 'c', 'f'].map((type) => type.charCodeAt(0)));
const TERMINATE = 'X'.charCodeAt(0);

export type Unit =
  | { readonly kind: 'encryption-request' }
  | { readonly kind: 'cancel-request' }
  | { readonly kind: 'terminate' }
  | { readonly kind: 'messages'; readonly bytes: Uint8Array };

export class UnitReader {
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Number of buffered bytes from which parsing can continue, so that large messages take linear time. */
  #wanted = STARTUP_HEADER;
  /** Length of the complete messages of the current unit, in bytes from the start of the buffer. */
  #complete = 0;
  #started = false;

  /** Adds the bytes that arrived, and yields the units that are now complete. */
  *push(chunk: Buffer): Generator<Unit> {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    while (this.#buffered >= this.#wanted) {
      const buffer = this.#joined();
      const unit = this.#started ? this.#readMessages(buffer) : this.#readStartup(buffer);
      if (!unit) break;
      yield unit;
    }
  }

  #readStartup(buffer: Buffer): Unit | null {
    const length = buffer.readUInt32BE(0);
    if (buffer.length < length) {
      this.#wanted = length;
      return null;
    }
    const code = buffer.readUInt32BE(4);
    const bytes = this.#take(buffer, length, STARTUP_HEADER);
    if (code === SSL_REQUEST || code === GSS_REQUEST) return { kind: 'encryption-request' };
    if (code === CANCEL_REQUEST) return { kind: 'cancel-request' };
    this.#started = true;
    this.#wanted = 5;
    return { kind: 'messages', bytes };
  }

  #readMessages(buffer: Buffer): Unit | null {
    while (buffer.length >= this.#complete + 5) {
      const end = messageEnd(buffer, this.#complete);
      if (buffer.length < end) {
        this.#wanted = end;
        return null;
      }
      const type = buffer[this.#complete]!;
      this.#complete = end;
      if (!UNIT_ENDS.has(type)) continue;
      this.#complete = 0;
      const bytes = this.#take(buffer, end, 5);
      return type === TERMINATE ? { kind: 'terminate' } : { kind: 'messages', bytes };
    }
    this.#wanted = this.#complete + 5;
    return null;
  }

  #joined(): Buffer {
    const buffer = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [buffer];
    return buffer;
  }

  #take(buffer: Buffer, length: number, wanted: number): Uint8Array {
    this.#chunks = length < buffer.length ? [buffer.subarray(length)] : [];
    this.#buffered = buffer.length - length;
    this.#wanted = wanted;
    return buffer.subarray(0, length);
  }
}

/** Returns the end of the message that begins at `at`, by the length after its type. */
export const messageEnd = (bytes: Buffer, at: number): number => at + 1 + bytes.readUInt32BE(at + 1);

const READY_FOR_QUERY_LENGTH = 6;

/** Returns the transaction status at the end of an answer: 'I' idle, 'T' in a transaction, 'E' in a failed one. */
export function transactionStatus(answerTail: Uint8Array): 'I' | 'T' | 'E' | null {
  const at = answerTail.length - READY_FOR_QUERY_LENGTH;
  if (at < 0 || answerTail[at] !== 'Z'.charCodeAt(0)) return null;
  const status = String.fromCharCode(answerTail[answerTail.length - 1]!);
  return status === 'I' || status === 'T' || status === 'E' ? status : null;
}

/** Returns the message of an error with the severity PANIC, after which PostgreSQL's session is over; else null. */
export const panicOf = (answer: Buffer): string | null =>
  /\0VPANIC\0(?:[^\0]+\0)*?M([^\0]*)\0/.exec(answer.toString('latin1'))?.[1] ?? null;

import type { ImapFlow } from 'imapflow';
import { MailtideError } from '../errors.ts';
import type { AnswerLimit } from './answer-limits.ts';

/** One response as imapflow's stream passes it on: its lines, and the callback for when it is processed. */
interface Response {
  readonly payload: Buffer;
  readonly next: () => void;
}

/** The parts of imapflow's stream that its types omit. It comes after TLS and decompression. */
interface Streamer {
  readonly inputBuffer: readonly Buffer[];
  readonly destroyed: boolean;
  _transform(chunk: Buffer, encoding: string, next: () => void): void;
  push(response: Response | null): boolean;
  checkLiteralMarker(line: Buffer): boolean;
}

interface Sender {
  readonly streamer: Streamer;
  exec(command: string, attributes?: unknown, options?: unknown): Promise<unknown>;
}

export interface GuardEvents {
  /** The answer exceeds its limit. */
  onExceeded(error: MailtideError): void;
  /** A command is sent to the server. */
  onCommand(): void;
  /** VANISHED (RFC 7162, 3.2.10) arrived. imapflow would iterate over it UID by UID. */
  onVanished(set: string, isEarlier: boolean): void;
}

const VANISHED = /^\* VANISHED (\(EARLIER\) )?([\d:,]+)\s*$/i;
const LONGEST_KEYWORD = 12;
/** Enough for a hundred thousand single UIDs; a range takes hardly more bytes than one UID. */
const MAX_VANISHED_BYTES = 2 * 1024 * 1024;

/**
 * Limits what a server sends in answer to one command. imapflow limits a single line, literal and response. This class
 * limits their number and total size per command, before they are parsed.
 */
export class AnswerGuard {
  readonly #events: GuardEvents;
  readonly #default: AnswerLimit;
  #limit: AnswerLimit;
  #bytes = 0;
  #responses = 0;
  #isOver = false;
  /** UID of the message whose announced literal exceeds its limit; null if another limit was exceeded. */
  oversized: number | null = null;

  constructor(client: ImapFlow, usual: AnswerLimit, events: GuardEvents) {
    this.#events = events;
    this.#default = this.#limit = usual;
    const sender = client as unknown as Sender;
    this.#watch(sender.streamer);
    const exec = sender.exec.bind(client);
    sender.exec = (command, attributes, options) => {
      this.renew();
      events.onCommand();
      return exec(command, attributes, options);
    };
  }

  /** Sets the limit for the answers to the following commands; the default if absent. */
  allow(limit: AnswerLimit = this.#default): void {
    this.#limit = limit;
    this.renew();
  }

  /** Restarts the count, because a requested row has arrived. */
  renew(): void {
    this.#bytes = this.#responses = 0;
  }

  #watch(streamer: Streamer): void {
    const transform = streamer._transform.bind(streamer);
    streamer._transform = (chunk, encoding, next) => {
      this.#bytes += chunk.length;
      if (this.#isExceeded()) next();
      else transform(chunk, encoding, next);
    };
    const push = streamer.push.bind(streamer);
    streamer.push = (response) => {
      if (response === null) return push(response);
      this.#responses++;
      if (this.#isExceeded() || this.#isVanished(response.payload)) {
        response.next();
        return true;
      }
      return push(response);
    };
    const checkLiteralMarker = streamer.checkLiteralMarker.bind(streamer);
    streamer.checkLiteralMarker = (line) => {
      const before = streamer.inputBuffer;
      const isLiteral = checkLiteralMarker(line);
      if (streamer.destroyed) this.oversized = uidOf(Buffer.concat([...before, line]));
      return isLiteral;
    };
  }

  #isExceeded(): boolean {
    if (this.#bytes <= this.#limit.bytes && this.#responses <= this.#limit.responses) return false;
    this.#exceed();
    return true;
  }

  #exceed(): void {
    if (!this.#isOver) this.#events.onExceeded(new MailtideError('IMAP_ANSWER_TOO_LARGE'));
    this.#isOver = true;
  }

  #isVanished(payload: Buffer): boolean {
    if (!payload.toString('latin1', 0, LONGEST_KEYWORD).toUpperCase().startsWith('* VANISHED')) return false;
    if (payload.length > MAX_VANISHED_BYTES) {
      this.#exceed();
      return true;
    }
    const [, earlier, set] = VANISHED.exec(payload.toString('latin1')) ?? [];
    if (set !== undefined) this.#events.onVanished(set, earlier !== undefined);
    return true;
  }
}

/**
 * Returns the UID of a FETCH row whose literal has not arrived. Servers send UID first, in the order of the command.
 */
function uidOf(row: Buffer): number | null {
  const [, uid] = /\bUID (\d{1,10})\b/i.exec(row.toString('latin1', 0, 1024)) ?? [];
  return uid === undefined ? null : Number(uid);
}

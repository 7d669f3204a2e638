import {
  type FetchMessageObject,
  type FetchOptions,
  type FetchQueryObject,
  ImapFlow,
  type ImapFlowOptions,
} from 'imapflow';
import type { MailboxSnapshot } from '../domain/imap-types.ts';
import type { MailboxNames } from '../domain/mailbox-names.ts';
import { NOTHING_UNREAD, type UnreadAnswers } from '../domain/receipt.ts';
import { UidRanges } from '../domain/uid-ranges.ts';
import { MailtideError } from '../errors.ts';
import { AnswerGuard } from './answer-guard.ts';
import type { AnswerLimit, ImapLimits } from './answer-limits.ts';
import type { ImapLogin } from './connection.ts';
import { type ImapDeadlines, SilenceWatch } from './deadlines.ts';
import { type ImapStage, toImapError } from './errors.ts';
import { type RawLine, readNamespaces } from './list-lines.ts';
import { flowLogger, type ImapLogger } from './log.ts';
import { useLogin } from './login.ts';
import { createSelect, type Opened } from './mailbox-commands.ts';
import { tapLines } from './raw-lines.ts';
import { type Redact, redactedError } from './redact.ts';
import { repairRows } from './repair-rows.ts';
import { socketTransport } from './transport.ts';

/** Most ranges of VANISHED, each of which takes memory: more than any mailbox loses between two passes. */
const MAX_VANISHED_RANGES = 200_000;

export interface SessionSettings {
  readonly login: ImapLogin;
  readonly limits: ImapLimits;
  readonly deadlines: ImapDeadlines;
  readonly redact: Redact;
  readonly logger: ImapLogger | undefined;
  readonly names: MailboxNames;
}

/**
 * One imapflow client with what every operation on it needs: one command at a time, a watch for silence, and errors of
 * the error table. Only the first failure is reported; later ones are its consequences.
 */
export class ImapSession {
  readonly client: ImapFlow;
  readonly names: MailboxNames;
  readonly redact: Redact;
  /** Prefixes of NAMESPACE, each byte one character. */
  namespaces: readonly string[] = [];
  /** Receives the untagged lines of the running command; returns true for a line that it has consumed. */
  readLine: ((line: RawLine) => boolean) | null = null;
  /** Unreadable answers to the last LIST. */
  unread: UnreadAnswers = NOTHING_UNREAD;
  /** SELECT by the bytes of a name. */
  readonly openMailbox: (rawName: string) => Promise<Opened>;
  /** The answer to the last SELECT; null while no mailbox is selected. */
  selected: MailboxSnapshot | null = null;
  /** Status and code of the last tagged answer: imapflow's search does not return them. */
  lastAnswer: { readonly response: string; readonly code?: string | undefined } | null = null;

  readonly limits: ImapLimits;

  readonly #guard: AnswerGuard;
  readonly #watch: SilenceWatch;
  #failure: MailtideError | null = null;
  #busy = false;
  #vanished = new UidRanges();
  #vanishedEarlier = new UidRanges();

  #isLoggingIn = false;

  constructor(options: ImapFlowOptions, settings: SessionSettings) {
    const { login, deadlines, limits, redact, logger, names } = settings;
    this.limits = limits;
    const { addresses } = login;
    this.redact = redact;
    this.names = names;
    this.client = new ImapFlow({
      ...options,
      transport: socketTransport({
        addresses,
        onForeignProtocol: () => this.fail(new MailtideError('IMAP_NOT_IMAP')),
      }),
      logger: flowLogger(
        logger,
        redact,
        (retryAfterMs) => this.fail(new MailtideError('IMAP_THROTTLED', { retryAfterMs })),
        () => this.#isLoggingIn,
      ),
    });
    this.openMailbox = createSelect(this.client);
    tapLines(this.client, (line) => {
      if (/^\* +NAMESPACE /i.test(line.text)) this.namespaces = readNamespaces(line);
      return this.readLine?.(line) ?? false;
    });
    useLogin(this.client, login, (isLoggingIn) => {
      this.#isLoggingIn = isLoggingIn;
    });
    repairRows(this.client);
    // imapflow reports some ends of a connection by `error` only and some by `close` only. Without a listener for
    // `error`, the process would end.
    this.client.on('error', (error) => this.fail(this.translate(error, 'command')));
    this.client.on('close', () => this.#watch.stop());
    this.client.on('response', (answer) => {
      this.lastAnswer = answer;
    });
    this.#guard = new AnswerGuard(this.client, limits.other, {
      onExceeded: (error) => this.fail(error),
      onCommand: () => this.#watch.commandBegins(),
      onVanished: (set, isEarlier) => this.#vanish(set, isEarlier),
    });
    this.#watch = new SilenceWatch(
      () => this.client.stats().received,
      deadlines,
      () => this.fail(new MailtideError('IMAP_TIMEOUT')),
    );
  }

  /** Most messages that the selected mailbox can have: EXISTS, or the limit without it. */
  get messages(): number {
    return this.selected ? (this.selected.exists ?? this.limits.mailboxMessages) : 0;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Closes the socket at once. All pending and later calls reject with `error`. */
  fail(error: MailtideError): void {
    this.#failure ??= error;
    this.client.close();
  }

  translate(error: unknown, stage: ImapStage): MailtideError {
    return this.#failure ?? toImapError(error instanceof MailtideError ? error : this.#described(error), stage);
  }

  /** Adds the reason of a BYE that came between two commands: imapflow only has it in the errors of running ones. */
  #described(error: unknown): Error {
    const { byeReason } = this.client;
    const known = redactedError(error, this.redact) as Error & { reason?: string | undefined };
    if (byeReason) known.reason ??= this.redact(byeReason);
    return known;
  }

  /** @param limit of the answer to each command that `run` sends; the default one if absent */
  async command<T>(run: (client: ImapFlow) => Promise<T>, limit?: AnswerLimit): Promise<T> {
    this.#begin(limit);
    try {
      return await run(this.client);
    } catch (error) {
      throw this.translate(error, 'command');
    } finally {
      this.#end();
    }
  }

  /**
   * Yields the rows of one UID FETCH as they arrive, including unsolicited ones. The socket is not read while the
   * caller processes a row.
   * @param limit of all rows, or of those between two calls of `wanted`
   */
  async *rows(
    set: string,
    query: FetchQueryObject,
    limit: AnswerLimit,
    options: FetchOptions = {},
  ): AsyncGenerator<FetchMessageObject, void> {
    this.#begin(limit);
    try {
      for await (const row of this.client.fetch(set, query, { ...options, uid: true })) {
        this.#watch.pause();
        yield row;
        this.#watch.resume();
      }
    } catch (error) {
      throw this.translate(error, 'command');
    } finally {
      this.#end();
    }
  }

  /** To be called for each requested row that arrives. */
  wanted(): void {
    this.#guard.renew();
  }

  /** UID of the message that ended the connection because it exceeds the size limit, if it is known. */
  get oversized(): number | null {
    return this.#guard.oversized;
  }

  /** Returns the UIDs of unsolicited VANISHED since the last call. */
  takeVanished(): UidRanges {
    const taken = this.#vanished;
    this.#vanished = new UidRanges();
    return taken;
  }

  /** Returns the UIDs of VANISHED (EARLIER), the answer to CHANGEDSINCE, since the last call. */
  takeVanishedEarlier(): UidRanges {
    const taken = this.#vanishedEarlier;
    this.#vanishedEarlier = new UidRanges();
    return taken;
  }

  /** Begins a command. A second one would deadlock: it waits for a FETCH whose rows wait for the caller. */
  #begin(limit?: AnswerLimit): void {
    if (this.#failure) throw this.#failure;
    if (this.#busy) {
      throw new MailtideError('INTERNAL', { cause: new Error('a command was sent while another one runs') });
    }
    this.#busy = true;
    this.#guard.allow(limit);
    this.#watch.start();
  }

  #end(): void {
    this.#busy = false;
    this.#watch.stop();
  }

  #vanish(set: string, isEarlier: boolean): void {
    const ranges = isEarlier ? this.#vanishedEarlier : this.#vanished;
    ranges.add(set);
    if (ranges.count > MAX_VANISHED_RANGES) this.fail(new MailtideError('IMAP_ANSWER_TOO_LARGE'));
  }
}

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

/** Single sets of a VANISHED cost memory, whatever they name: more than any mailbox can have lost between two passes. */
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
 * One imapflow client and what every operation on it needs: one command at a time, watched for silence, failures told
 * in our words. The first failure is the one that is told; what comes after it is only its consequence.
 */
export class ImapSession {
  readonly client: ImapFlow;
  readonly names: MailboxNames;
  readonly redact: Redact;
  /** Prefixes of NAMESPACE, each byte one character. */
  namespaces: readonly string[] = [];
  /** Sees the untagged lines of the command that runs; true for one that it took. */
  readLine: ((line: RawLine) => boolean) | null = null;
  /** Of the last LIST. */
  unread: UnreadAnswers = NOTHING_UNREAD;
  /** SELECT by the bytes of a name. */
  readonly openMailbox: (rawName: string) => Promise<Opened>;
  /** What the last SELECT said; null while nothing is selected. */
  selected: MailboxSnapshot | null = null;
  /** Status and code of the last tagged answer: imapflow's search keeps them to itself. */
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
    useLogin(this.client, login, (isUnderWay) => {
      this.#isLoggingIn = isUnderWay;
    });
    repairRows(this.client);
    // imapflow tells some ends of a connection by `error` only and some by `close` only; without a listener for
    // `error` the process would end.
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

  /** As many as the selected mailbox can have: what EXISTS said, or else the limit. */
  get messages(): number {
    return this.selected ? (this.selected.exists ?? this.limits.mailboxMessages) : 0;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Closes the socket at once; everything that waits on it, and every later call, rejects with `error`. */
  fail(error: MailtideError): void {
    this.#failure ??= error;
    this.client.close();
  }

  translate(error: unknown, stage: ImapStage): MailtideError {
    return (
      this.#failure ?? toImapError(error instanceof MailtideError ? error : redactedError(error, this.redact), stage)
    );
  }

  /** @param limit of the answer to each command that `run` sends; the usual one when absent */
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
   * The rows of one UID FETCH, as they come, unsolicited ones among them. The socket rests while a row is used.
   * @param limit of all of them, or of those between two that `wanted` is called for
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

  /** A row came that was asked for. */
  wanted(): void {
    this.#guard.renew();
  }

  /** The message that ended the connection because it is larger than it may be, where the server said which. */
  get oversized(): number | null {
    return this.#guard.oversized;
  }

  /** UIDs that vanished while we were looking, since the last call. */
  takeVanished(): UidRanges {
    const taken = this.#vanished;
    this.#vanished = new UidRanges();
    return taken;
  }

  /** UIDs of VANISHED (EARLIER), the answer to a question about the past. */
  takeVanishedEarlier(): UidRanges {
    const taken = this.#vanishedEarlier;
    this.#vanishedEarlier = new UidRanges();
    return taken;
  }

  /** A second command would wait for ever behind a FETCH whose rows wait for whoever sends it. */
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

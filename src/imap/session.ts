import {
  type FetchMessageObject,
  type FetchOptions,
  type FetchQueryObject,
  ImapFlow,
  type ImapFlowOptions,
} from 'imapflow';
import type { MailboxNames } from '../domain/mailbox-names.ts';
import { NOTHING_UNREAD, type UnreadAnswers } from '../domain/receipt.ts';
import type { MailboxSnapshot } from '../domain/words.ts';
import { MailtideError } from '../errors.ts';
import type { ImapLogin } from './connection.ts';
import { type ImapDeadlines, SilenceWatch } from './deadlines.ts';
import { type ImapStage, toImapError } from './errors.ts';
import { type RawLine, readNamespaces } from './list-lines.ts';
import { flowLogger, type ImapLogger } from './log.ts';
import { useLogin } from './login.ts';
import { createSelect, type Opened } from './mailbox-commands.ts';
import { mendRows } from './mend-rows.ts';
import { tapLines } from './raw-lines.ts';
import { type Redact, redactedError } from './redact.ts';
import { socketTransport } from './transport.ts';

/** More than any mailbox can have lost between two passes: a server that says so is not to be believed. */
const MAX_VANISHED = 10_000_000;

export interface SessionSettings {
  readonly login: ImapLogin;
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

  readonly #watch: SilenceWatch;
  #failure: MailtideError | null = null;
  #busy = false;
  #vanished: number[] = [];
  #vanishedEarlier: number[] = [];

  #isLoggingIn = false;

  constructor(options: ImapFlowOptions, settings: SessionSettings) {
    const { login, deadlines, redact, logger, names } = settings;
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
      expungeHandler: (event) => this.#expunged(event),
    });
    this.openMailbox = createSelect(this.client);
    tapLines(this.client, (line) => {
      if (/^\* +NAMESPACE /i.test(line.text)) this.namespaces = readNamespaces(line);
      return this.readLine?.(line) ?? false;
    });
    useLogin(this.client, login, (isUnderWay) => {
      this.#isLoggingIn = isUnderWay;
    });
    mendRows(this.client);
    // imapflow tells some ends of a connection by `error` only and some by `close` only; without a listener for
    // `error` the process would end.
    this.client.on('error', (error) => this.fail(this.translate(error, 'command')));
    this.client.on('close', () => this.#watch.stop());
    this.client.on('response', (answer) => {
      this.lastAnswer = answer;
    });
    this.#watch = new SilenceWatch(
      () => this.client.stats().received,
      deadlines.silenceMs,
      () => this.fail(new MailtideError('IMAP_TIMEOUT')),
    );
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

  async command<T>(run: (client: ImapFlow) => Promise<T>): Promise<T> {
    this.#begin();
    try {
      return await run(this.client);
    } catch (error) {
      throw this.translate(error, 'command');
    } finally {
      this.#end();
    }
  }

  /** The rows of one UID FETCH, as they come, unsolicited ones among them. The socket rests while a row is used. */
  async *rows(
    set: string,
    query: FetchQueryObject,
    options: FetchOptions = {},
  ): AsyncGenerator<FetchMessageObject, void> {
    this.#begin();
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

  /** UIDs that vanished while we were looking, since the last call. */
  takeVanished(): number[] {
    const taken = this.#vanished;
    this.#vanished = [];
    return taken;
  }

  /** UIDs of VANISHED (EARLIER), the answer to a question about the past. */
  takeVanishedEarlier(): number[] {
    const taken = this.#vanishedEarlier;
    this.#vanishedEarlier = [];
    return taken;
  }

  /** A second command would wait for ever behind a FETCH whose rows wait for whoever sends it. */
  #begin(): void {
    if (this.#failure) throw this.#failure;
    if (this.#busy) {
      throw new MailtideError('INTERNAL', { cause: new Error('a command was sent while another one runs') });
    }
    this.#busy = true;
    this.#watch.start();
  }

  #end(): void {
    this.#busy = false;
    this.#watch.stop();
  }

  #expunged({ uid, earlier }: { readonly uid?: number | undefined; readonly earlier?: boolean | undefined }): void {
    if (uid === undefined) return;
    const list = earlier ? this.#vanishedEarlier : this.#vanished;
    list.push(uid);
    if (list.length > MAX_VANISHED) this.fail(new MailtideError('IMAP_INVALID_ANSWER'));
  }
}

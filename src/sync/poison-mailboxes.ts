import { toMailtideError } from '../errors.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import type { SyncContext } from './context.ts';
import { MailboxQuarantined } from './mailbox-evidence.ts';
import { isConnectionBreak, type ReconnectingConnection } from './reconnecting-connection.ts';

/** Mailboxes over which the connection may break in one run: each costs a few connections, or time-outs. */
const MAX_BREAKING = 5;
/** The server is tried with so many other mailboxes before one is blamed. */
const MAX_TRIALS = 3;

type Mailbox = Pick<MailboxRef, 'id' | 'path'>;

/**
 * Finds mailboxes over which the server breaks down: it ends the connection, answers what no client can read, or falls
 * silent. Such a mailbox is set aside, and the others go on over a new connection. Before a mailbox is blamed, the
 * server must open and search another one: if it opens none, it is the server that is out of order, and the run fails.
 */
export class PoisonMailboxes {
  readonly #context: SyncContext;
  readonly #imap: ReconnectingConnection;
  readonly #all: readonly Mailbox[];
  readonly #breaking = new Set<string>();
  readonly #opened = new Set<string>();

  constructor(context: SyncContext, imap: ReconnectingConnection, all: readonly Mailbox[]) {
    this.#context = context;
    this.#imap = imap;
    this.#all = all;
  }

  /** The ids of those that were found. */
  get found(): ReadonlySet<string> {
    return this.#breaking;
  }

  /**
   * Carries out `work` on a mailbox, up to `attempts` times: the first break may be the line's.
   * @throws MailboxQuarantined when the mailbox is to blame, with the last break as its cause.
   */
  async read<T>(mailbox: Mailbox, attempts: number, work: (attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await work(attempt);
        this.#opened.add(mailbox.id);
        return result;
      } catch (error) {
        if (!isConnectionBreak(error)) throw error;
        this.#context.log.warn({ err: error, mailbox: mailbox.path, attempt }, 'the connection broke over a mailbox');
        await this.#imap.reconnect();
        if (attempt < attempts) continue;
        if (this.#breaking.size >= MAX_BREAKING || !(await this.#servesOthers(mailbox))) throw error;
        this.#breaking.add(mailbox.id);
        throw new MailboxQuarantined('MAILBOX_BREAKS', { cause: error });
      }
    }
  }

  async #servesOthers({ id }: Mailbox): Promise<boolean> {
    const others = this.#all.filter((other) => other.id !== id && !this.#breaking.has(other.id));
    const trusted = others.filter((other) => this.#opened.has(other.id)).reverse();
    for (const other of [...trusted, ...others].slice(0, MAX_TRIALS)) {
      try {
        await this.#imap.connection.select(other.path);
        await this.#imap.connection.searchUids('1');
        return true;
      } catch (error) {
        if (isConnectionBreak(error)) await this.#imap.reconnect();
        // A refusal says nothing of the connection.
        else if (toMailtideError(error).code !== 'IMAP_SERVER_REFUSED') throw error;
      }
    }
    return false;
  }
}

import { toMailtideError } from '../errors.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import type { SyncContext } from './context.ts';
import { MailboxQuarantined } from './mailbox-evidence.ts';
import { isConnectionBreak, type ReconnectingConnection } from './reconnecting-connection.ts';

/** Most mailboxes that may break the connection in one run: each costs a few connections, or timeouts. */
const MAX_BREAKING = 5;
/** How many other mailboxes are tried before one is blamed. */
const MAX_TRIALS = 3;

type Mailbox = Pick<MailboxRef, 'id' | 'path'>;

/**
 * Finds mailboxes on which the server fails: it ends the connection, sends an unreadable answer, or stops answering.
 * Such a mailbox is quarantined, and the others are synced over a new connection. Before a mailbox is blamed, the
 * server must open and search another one. If it opens none, the server itself is out of order, and the run fails.
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

  /** The ids of the mailboxes found so far. */
  get found(): ReadonlySet<string> {
    return this.#breaking;
  }

  /**
   * Carries out `work` on a mailbox, up to `attempts` times, because the network may have caused the first break.
   * @throws MailboxQuarantined if the mailbox is to blame, with the last break as its cause.
   */
  async read<T>(mailbox: Mailbox, attempts: number, work: (attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await work(attempt);
        this.#opened.add(mailbox.id);
        return result;
      } catch (error) {
        if (!isConnectionBreak(error)) throw error;
        this.#context.log.warn({ err: error, mailbox: mailbox.path, attempt }, 'the connection broke on a mailbox');
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
        // A refusal proves nothing about the connection.
        else if (toMailtideError(error).code !== 'IMAP_SERVER_REFUSED') throw error;
      }
    }
    return false;
  }
}

import { type ErrorCode, toMailtideError } from '../errors.ts';
import type { ImapConnection } from '../imap/connection.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import { MailboxQuarantined } from './mailbox-evidence.ts';

/**
 * A connection that broke over a message or mailbox: closed by Dovecot (imap_fetch_failure), or by us at a broken
 * literal, or because the server fell silent, for example in a literal that it announced longer than it is.
 */
const BROKEN = new Set<ErrorCode>([
  'IMAP_CONNECTION_LOST',
  'IMAP_INVALID_ANSWER',
  'IMAP_TIMEOUT',
  'IMAP_ANSWER_TOO_LARGE',
]);

export const isConnectionBreak = (error: unknown): boolean => BROKEN.has(toMailtideError(error).code);

/** How often a run's discovery may break the connection: each costs a login, or a time-out. */
const MAX_BREAKS = 5;

/** A run's connection, which may break over a message and is then opened anew. */
export class ReconnectingConnection {
  readonly #connect: () => Promise<ImapConnection>;
  #connection: ImapConnection;
  #breaks = 0;

  private constructor(connect: () => Promise<ImapConnection>, connection: ImapConnection) {
    this.#connect = connect;
    this.#connection = connection;
  }

  static async open(connect: () => Promise<ImapConnection>): Promise<ReconnectingConnection> {
    return new ReconnectingConnection(connect, await connect());
  }

  get connection(): ImapConnection {
    return this.#connection;
  }

  /** A new connection, with nothing selected. */
  async reconnect(): Promise<void> {
    await this.#connection.close();
    this.#connection = await this.#connect();
  }

  /** A new connection, with the mailbox selected as it was. */
  async renew(ref: MailboxRef): Promise<void> {
    await this.reconnect();
    await this.select(ref);
  }

  /**
   * Selects the mailbox as it was.
   * @throws MailboxQuarantined when its UIDs mean something else now. The next run begins the new generation.
   */
  async select(ref: MailboxRef): Promise<void> {
    const { uidValidity } = await this.#connection.select(ref.path);
    if (uidValidity !== ref.uidValidity) throw new MailboxQuarantined('SERVER_CONTRADICTS_ITSELF');
  }

  /**
   * Carries out what may break the connection, which is opened anew then.
   * @returns null when it broke. @throws what broke it, when that has happened too often.
   */
  async attempt<T>(work: (connection: ImapConnection) => Promise<T>): Promise<T | null> {
    try {
      return await work(this.#connection);
    } catch (error) {
      if (!isConnectionBreak(error) || ++this.#breaks > MAX_BREAKS) throw error;
      await this.reconnect();
      return null;
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

import { type ErrorCode, toMailtideError } from '../errors.ts';
import type { ImapConnection } from '../imap/connection.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import { MailboxQuarantined } from './mailbox-evidence.ts';

/**
 * Errors of a connection that may have broken on a message or mailbox. Dovecot closes it (imap_fetch_failure). The
 * client closes it at a broken literal, or if the server stops answering, for example in a literal that is shorter than
 * announced.
 */
const BROKEN = new Set<ErrorCode>([
  'IMAP_CONNECTION_LOST',
  'IMAP_INVALID_ANSWER',
  'IMAP_TIMEOUT',
  'IMAP_ANSWER_TOO_LARGE',
]);

export const isConnectionBreak = (error: unknown): boolean => BROKEN.has(toMailtideError(error).code);

/** How often the connection may break during discovery: each break costs a login, or a timeout. */
const MAX_BREAKS = 5;

/** The connection of a run. It may break on a message and is then reopened. */
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

  /** Opens a new connection, with no mailbox selected. */
  async reconnect(): Promise<void> {
    await this.#connection.close();
    this.#connection = await this.#connect();
  }

  /** Opens a new connection, and selects the mailbox. */
  async renew(ref: MailboxRef): Promise<void> {
    await this.reconnect();
    await this.select(ref);
  }

  /**
   * Selects the mailbox.
   * @throws MailboxQuarantined if its UIDVALIDITY changed. The next run begins the new generation.
   */
  async select(ref: MailboxRef): Promise<void> {
    const { uidValidity } = await this.#connection.select(ref.path);
    if (uidValidity !== ref.uidValidity) throw new MailboxQuarantined('SERVER_CONTRADICTS_ITSELF');
  }

  /**
   * Carries out work that may break the connection. If it breaks, the connection is reopened.
   * @returns null if it broke. @throws the error if it has broken too often.
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

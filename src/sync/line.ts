import type { ImapConnection } from '../imap/connection.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import { MailboxSetAside } from './claims.ts';

/** A run's connection, which may break over a message and is then opened anew. */
export class Line {
  readonly #connect: () => Promise<ImapConnection>;
  #connection: ImapConnection;

  private constructor(connect: () => Promise<ImapConnection>, connection: ImapConnection) {
    this.#connect = connect;
    this.#connection = connection;
  }

  static async open(connect: () => Promise<ImapConnection>): Promise<Line> {
    return new Line(connect, await connect());
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
   * @throws MailboxSetAside when its UIDs mean something else now. The next run begins the new generation.
   */
  async select(ref: MailboxRef): Promise<void> {
    const { uidValidity } = await this.#connection.select(ref.path);
    if (uidValidity !== ref.uidValidity) throw new MailboxSetAside('SERVER_CONTRADICTS_ITSELF');
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

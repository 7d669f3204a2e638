import type { MailboxSnapshot } from '../domain/imap-types.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { isSessionEnd } from '../imap/errors.ts';
import type { SyncContext } from './context.ts';

/**
 * A connection that survives the end of its session: Microsoft ends one when the access token of its login expires,
 * and Gmail after some hours. Neither is a failure, and no message or mailbox is to blame. The command is repeated
 * over a new session, with the rows that have not arrived.
 *
 * A session that ends before its first answer is not resumed, because all of them may do so.
 */
export class ResumingConnection implements ImapConnection {
  readonly #connect: () => Promise<ImapConnection>;
  readonly #log: SyncContext['log'];
  #connection: ImapConnection;
  #selected: MailboxSnapshot | null = null;
  #hasAnswered = true;

  private constructor(connect: () => Promise<ImapConnection>, log: SyncContext['log'], connection: ImapConnection) {
    this.#connect = connect;
    this.#log = log;
    this.#connection = connection;
  }

  static async open(connect: () => Promise<ImapConnection>, log: SyncContext['log']): Promise<ResumingConnection> {
    return new ResumingConnection(connect, log, await connect());
  }

  get server(): ImapConnection['server'] {
    return this.#connection.server;
  }

  list: ImapConnection['list'] = (options) => this.#ask((connection) => connection.list(options));

  unread: ImapConnection['unread'] = () => this.#connection.unread();

  select: ImapConnection['select'] = async (path) => {
    this.#selected = null;
    this.#selected = await this.#ask((connection) => connection.select(path));
    return this.#selected;
  };

  searchUids: ImapConnection['searchUids'] = (set) => this.#ask((connection) => connection.searchUids(set));

  fetchMetadata: ImapConnection['fetchMetadata'] = (uids, options) =>
    this.#rows(uids, (connection, rest) => connection.fetchMetadata(rest, options));

  fetchChanges: ImapConnection['fetchChanges'] = (upTo, since) =>
    this.#ask((connection) => connection.fetchChanges(upTo, since));

  fetchFlags: ImapConnection['fetchFlags'] = (set) => this.#ask((connection) => connection.fetchFlags(set));

  fetchSources: ImapConnection['fetchSources'] = (uids, sizes) =>
    this.#rows(uids, (connection, rest) => connection.fetchSources(rest, sizes));

  fetchHeaders: ImapConnection['fetchHeaders'] = (uids, fields) =>
    this.#ask((connection) => connection.fetchHeaders(uids, fields));

  /** What VANISHED in an earlier session is lost. The cursor is older, so the next pass is informed again. */
  takeVanished: ImapConnection['takeVanished'] = () => this.#connection.takeVanished();

  close: ImapConnection['close'] = () => this.#connection.close();

  async #ask<T>(command: (connection: ImapConnection) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await command(this.#connection);
        this.#hasAnswered = true;
        return answer;
      } catch (error) {
        await this.#resume(error);
      }
    }
  }

  async *#rows<Row extends { readonly uid: number }>(
    uids: readonly number[],
    fetch: (connection: ImapConnection, uids: readonly number[]) => AsyncIterable<Row>,
  ): AsyncGenerator<Row, void> {
    const rest = new Set(uids);
    while (rest.size > 0) {
      try {
        for await (const row of fetch(this.#connection, [...rest])) {
          this.#hasAnswered = true;
          rest.delete(row.uid);
          yield row;
        }
        this.#hasAnswered = true;
        return;
      } catch (error) {
        await this.#resume(error);
      }
    }
  }

  /** Opens a new session with the same mailbox. @throws `error` if it is another one, or cannot be resumed from. */
  async #resume(error: unknown): Promise<void> {
    if (!isSessionEnd(error) || !this.#hasAnswered) throw error;
    this.#log.info({ mailbox: this.#selected?.path }, 'the server ended the session, a new one continues');
    this.#hasAnswered = false;
    await this.#connection.close();
    this.#connection = await this.#connect();
    if (this.#selected === null) return;
    const { uidValidity } = await this.#connection.select(this.#selected.path);
    // The UIDs that are still to be fetched mean other messages now.
    if (uidValidity !== this.#selected.uidValidity) throw error;
  }
}

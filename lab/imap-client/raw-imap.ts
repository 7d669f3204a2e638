import { type ImapAddress, ImapConnection, type Reply } from './imap-connection.ts';
import { type ImapValue, list, text } from './imap-response.ts';
import { decodeMailboxName, encodeMailboxName } from './mutf7.ts';

export type ImapLogin = ImapAddress & { user: string; password: string };
export type ListedMailbox = { path: string; delimiter: string | null; attributes: string[] };
export type SelectedMailbox = {
  exists: number;
  uidValidity: number;
  uidNext: number;
  highestModseq: bigint | undefined;
};
export type FetchedMessage = {
  uid: number;
  flags: string[];
  internalDate: Date | undefined;
  modseq: bigint | undefined;
  bytes: Buffer | undefined;
};

const EVERYTHING = ['FLAGS', 'INTERNALDATE', 'BODY.PEEK[]'];

/**
 * A second, independent client, with which tests change a mailbox and read what the server really holds, so that a
 * fault of Mailtide's IMAP library cannot hide itself. It uses UIDs everywhere, and decoded mailbox names.
 */
export class RawImap {
  readonly connection: ImapConnection;

  private constructor(connection: ImapConnection) {
    this.connection = connection;
  }

  static async login({ user, password, ...address }: ImapLogin): Promise<RawImap> {
    const connection = await ImapConnection.open(address);
    try {
      await connection.command(`LOGIN ${quoted(user)} ${quoted(password)}`);
    } catch (error) {
      connection.close();
      throw error;
    }
    return new RawImap(connection);
  }

  async list(): Promise<ListedMailbox[]> {
    const { untagged } = await this.connection.command('LIST "" "*"');
    return untagged
      .filter(([name]) => name === 'LIST')
      .map(([, attributes, delimiter, name]) => ({
        path: decodeMailboxName(text(name)),
        delimiter: delimiter === null ? null : text(delimiter),
        attributes: list(attributes).map(text),
      }));
  }

  /**
   * The parameter (RFC 4466) is for example `(CONDSTORE)`, without which Dovecot does not report its highest modseq.
   */
  async select(path: string, parameter = ''): Promise<SelectedMailbox> {
    return selected(await this.connection.command(`SELECT ${mailbox(path)} ${parameter}`.trim()));
  }

  /** Opens the mailbox read-only. */
  async examine(path: string, parameter = ''): Promise<SelectedMailbox> {
    return selected(await this.connection.command(`EXAMINE ${mailbox(path)} ${parameter}`.trim()));
  }

  async uids(criteria = 'ALL'): Promise<number[]> {
    const { untagged } = await this.connection.command(`UID SEARCH ${criteria}`);
    return untagged.filter(([name]) => name === 'SEARCH').flatMap(([, ...uids]) => uids.map(Number));
  }

  async fetch(uids: string, items: readonly string[] = EVERYTHING): Promise<FetchedMessage[]> {
    const { untagged } = await this.connection.command(`UID FETCH ${uids} (UID ${items.join(' ')})`);
    return untagged
      .filter(([, name, data]) => name === 'FETCH' && list(data).includes('UID'))
      .map(([, , data]) => fetched(list(data)));
  }

  async append(path: string, bytes: Buffer, { flags = [] as string[], internalDate = new Date() } = {}): Promise<void> {
    await this.connection.command(`APPEND ${mailbox(path)} (${flags.join(' ')}) "${imapDate(internalDate)}"`, bytes);
  }

  /** For example `store('1:3', '+FLAGS', '\\Seen')`. */
  async store(uids: string, action: 'FLAGS' | '+FLAGS' | '-FLAGS', ...flags: string[]): Promise<void> {
    await this.connection.command(`UID STORE ${uids} ${action} (${flags.join(' ')})`);
  }

  async copy(uids: string, path: string): Promise<void> {
    await this.connection.command(`UID COPY ${uids} ${mailbox(path)}`);
  }

  /** Without MOVE on the server, as clients do then (RFC 6851, 3.3). */
  async move(uids: string, path: string): Promise<void> {
    if (await this.#can('MOVE')) {
      await this.connection.command(`UID MOVE ${uids} ${mailbox(path)}`);
    } else {
      await this.copy(uids, path);
      await this.expunge(uids);
    }
  }

  /** The delimiter and the prefix of the user's own mailboxes (RFC 2342). */
  async namespace(): Promise<[delimiter: string, prefix: string]> {
    const { untagged } = await this.connection.command('NAMESPACE');
    const [, personal] = untagged.find(([name]) => name === 'NAMESPACE') ?? [];
    const [prefix, delimiter] = list(list(personal)[0]);
    return [text(delimiter), text(prefix)];
  }

  async #can(capability: string): Promise<boolean> {
    const { untagged } = await this.connection.command('CAPABILITY');
    return untagged.some(([name, ...capabilities]) => name === 'CAPABILITY' && capabilities.includes(capability));
  }

  /** Deletes these messages permanently. */
  async expunge(uids: string): Promise<void> {
    await this.store(uids, '+FLAGS', '\\Deleted');
    await this.connection.command(`UID EXPUNGE ${uids}`);
  }

  async create(path: string): Promise<void> {
    await this.connection.command(`CREATE ${mailbox(path)}`);
  }

  async delete(path: string): Promise<void> {
    await this.connection.command(`DELETE ${mailbox(path)}`);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.connection.command(`RENAME ${mailbox(from)} ${mailbox(to)}`);
  }

  close(): void {
    this.connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const quoted = (value: string) => `"${value.replace(/["\\]/g, '\\$&')}"`;
const mailbox = (path: string) => quoted(encodeMailboxName(path));

function selected({ untagged, text: closing }: Reply): SelectedMailbox {
  const said = [...untagged.map((response) => response.map(text).join(' ')), closing].join('\n');
  const number = (pattern: RegExp) => pattern.exec(said)?.[1];
  const highestModseq = number(/\[HIGHESTMODSEQ (\d+)\]/);
  return {
    exists: Number(number(/^(\d+) EXISTS$/m)),
    uidValidity: Number(number(/\[UIDVALIDITY (\d+)\]/)),
    uidNext: Number(number(/\[UIDNEXT (\d+)\]/)),
    highestModseq: highestModseq === undefined ? undefined : BigInt(highestModseq),
  };
}

function fetched(data: ImapValue[]): FetchedMessage {
  const items = new Map<string, ImapValue>();
  for (let index = 0; index < data.length; index += 2) items.set(text(data[index]), data[index + 1] ?? null);
  const [internalDate, modseq, bytes] = [items.get('INTERNALDATE'), items.get('MODSEQ'), items.get('BODY[]')];
  return {
    uid: Number(items.get('UID')),
    flags: list(items.get('FLAGS')).map(text),
    internalDate: internalDate === undefined ? undefined : parseImapDate(text(internalDate)),
    modseq: modseq === undefined ? undefined : BigInt(text(list(modseq)[0])),
    bytes: bytes === undefined || Buffer.isBuffer(bytes) ? bytes : Buffer.from(text(bytes)),
  };
}

/** JavaScript parses 17-Jul-1996 02:44:25 -0700, except for its first two hyphens. */
function parseImapDate(date: string): Date {
  return new Date(date.replace(/-(\w+)-/, ' $1 ').trim());
}

/** 17-Jul-1996 02:44:25 +0000 */
function imapDate(date: Date): string {
  const [, day, month, year, time] = date.toUTCString().split(' ');
  return `${day}-${month}-${year} ${time} +0000`;
}

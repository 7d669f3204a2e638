import {
  type ReceivedLine,
  type Script,
  type ScriptedImap,
  startScriptedImap,
} from '../../lab/scripted-servers/scripted-imap.ts';
import type { ImapConnection, ImapLogin } from '../../src/imap/connection.ts';
import { type OpenImapOptions, openImapConnection } from '../../src/imap/open-connection.ts';

export const PASSWORD = 'correct horse battery staple';

export const loginTo = (
  { host, port }: Pick<ScriptedImap, 'host' | 'port'>,
  more: Partial<ImapLogin> = {},
): ImapLogin => ({
  host,
  port,
  security: 'NONE',
  username: 'ann',
  credentials: { password: PASSWORD },
  ...more,
});

/** Deadlines for silent servers. */
export const SHORT = { connectMs: 500, greetingMs: 300, loginMs: 300, silenceMs: 400, logoutMs: 100 };

/** One server and one connection at a time. Call `close()` after each test, which closes both. */
export class ScriptedSession {
  server: ScriptedImap | undefined;
  connection: ImapConnection | undefined;

  /** Connects and selects the INBOX. */
  async selected(started: Promise<ScriptedImap>, options: OpenImapOptions = {}): Promise<ImapConnection> {
    this.server = await started;
    this.connection = await openImapConnection(loginTo(this.server), { deadlines: SHORT, ...options });
    await this.connection.select('INBOX');
    return this.connection;
  }

  async close(): Promise<void> {
    await this.connection?.close();
    await this.server?.stop();
    this.server = this.connection = undefined;
  }
}

/** A server with one mailbox of `exists` messages that answers FETCH and SEARCH as `answers` says. */
export function startScriptedMailbox(answers: {
  exists?: number;
  capability?: string;
  fetch?: (received: ReceivedLine, socket: Parameters<NonNullable<Script['reply']>>[1]) => string | undefined;
  search?: (received: ReceivedLine) => string;
  reply?: Script['reply'];
}): Promise<ScriptedImap> {
  const { exists = 5, capability = 'IMAP4rev1' } = answers;
  return startScriptedImap({
    greeting: '* OK ready',
    capability,
    reply(received, socket) {
      const { tag, command, rest } = received;
      const own = answers.reply?.(received, socket);
      if (own !== undefined) return own;
      if (command === 'LIST') return `* LIST () "/" INBOX\r\n${tag} OK done`;
      if (command === 'SELECT') {
        return [
          `* ${exists} EXISTS`,
          '* OK [UIDVALIDITY 77] ok',
          `* OK [UIDNEXT ${exists + 1}] ok`,
          '* OK [HIGHESTMODSEQ 100] ok',
          `${tag} OK [READ-WRITE] done`,
        ].join('\r\n');
      }
      if (command === 'ENABLE') return `* ENABLED ${rest}\r\n${tag} OK done`;
      if (command === 'UID' && rest.startsWith('FETCH')) return answers.fetch?.(received, socket);
      if (command === 'UID' && rest.startsWith('SEARCH')) return answers.search?.(received);
      return undefined;
    },
  });
}

/** A row of a FETCH response with a body. */
export const bodyRow = (uid: number, body: string): string =>
  `* ${uid} FETCH (UID ${uid} BODY[] {${body.length}}\r\n${body})`;

export async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type ReceivedLine, SILENCE, startScriptedImap } from '../../lab/scripted-servers/scripted-imap.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { all, bodyRow, loginTo, ScriptedSession, SHORT, startScriptedMailbox } from './scripted-mailbox.ts';

const session = new ScriptedSession();
afterEach(() => session.close());

const MIB = 1024 * 1024;
const patient = { ...SHORT, silenceMs: 10_000, loginMs: 10_000 };
/** Bytes that the buffers of both sockets may hold when the connection ends. */
const IN_BUFFERS = 8 * MIB;

/** Sends `block` as fast as the client reads, until it disconnects, and counts the accepted bytes. */
function flood(socket: Socket, block: string): { sent: () => number } {
  const bytes = Buffer.from(block.repeat(Math.ceil(65_536 / block.length)));
  const before = socket.bytesWritten;
  const more = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
  return { sent: () => socket.bytesWritten - before };
}

const FLOODS: [string, string][] = [
  ['untagged lines', '* OK still here\r\n'],
  ['a line that never ends', 'a1 '],
  ['empty lines of unknown responses', '* X\r\n'],
  ['mailboxes', '* LIST () "/" "a"\r\n'],
  ['UIDs', '* SEARCH 1 2 3 4 5 6 7 8 9\r\n'],
  ['flags of messages that were not requested', '* 2 FETCH (UID 2 FLAGS (a b c d e))\r\n'],
  ['headers that were not requested', '* 3 FETCH (UID 3 BODY[HEADER] {4}\r\nabcd)\r\n'],
  ['EXPUNGE', '* 1 EXPUNGE\r\n'],
  ['VANISHED', '* VANISHED 1:4294967295\r\n'],
  ['brackets', '('],
];

describe('an endless answer', () => {
  test.each(FLOODS)('of %s, to any command, ends the connection within its limit', async (_, block) => {
    for (const command of ['LIST', 'STATUS', 'SELECT', 'UID SEARCH', 'UID FETCH']) {
      let sent = () => 0;
      const server = await startScriptedMailbox({
        reply: (received, socket) => {
          const isIt = `${received.command} ${received.rest}`.startsWith(command);
          if (isIt) sent = flood(socket, block).sent;
          return isIt ? SILENCE : undefined;
        },
      });
      const limits = { messageBytes: MIB, mailboxMessages: 1000, list: { bytes: MIB, responses: 5000 } };
      const ask = async () => {
        // Without NAMESPACE imapflow asks LIST for the delimiter, so that the attempt to connect may be the one to end.
        const imap = await openImapConnection(loginTo(server), { deadlines: patient, limits });
        if (command === 'LIST' || command === 'STATUS') return imap.list();
        await imap.select('INBOX');
        if (command === 'UID SEARCH') return imap.searchUids('1:*');
        return all(imap.fetchMetadata([1]));
      };
      await expect(ask()).rejects.toMatchObject({ code: 'IMAP_ANSWER_TOO_LARGE' });
      expect(sent()).toBeLessThan(8 * MIB + IN_BUFFERS);
      await server.stop();
    }
  });

  test.each(['greeting', 'CAPABILITY', 'LOGIN', 'NAMESPACE', 'ENABLE'])(
    'an endless answer at %s ends the connection attempt within its limit',
    async (when) => {
      session.server = await startScriptedImap({
        greeting: when === 'greeting' ? `* OK ${'hello '.repeat(400_000)}` : '* OK ready',
        capability: 'IMAP4rev1 NAMESPACE ENABLE CONDSTORE',
        reply: ({ command }, socket) => {
          if (command !== when) return undefined;
          flood(socket, '* CAPABILITY IMAP4rev1 X Y Z\r\n');
          return SILENCE;
        },
      });
      const attempt = openImapConnection(loginTo(session.server), { deadlines: patient });
      await expect(attempt).rejects.toMatchObject({ code: 'IMAP_ANSWER_TOO_LARGE' });
    },
  );

  test('endless namespaces: a hundred are listed, and the list is marked incomplete', async () => {
    const prefixes = Array.from({ length: 400 }, (_, i) => `("n${i}/" "/")`).join('');
    const imap = await session.selected(
      startScriptedMailbox({
        capability: 'IMAP4rev1 NAMESPACE',
        reply: ({ tag, command, rest }) => {
          if (command === 'NAMESPACE') return `* NAMESPACE (${prefixes}) NIL NIL\r\n${tag} OK done`;
          return command === 'LIST' && !rest.startsWith('"" "*"') ? `${tag} OK done` : undefined;
        },
      }),
      { deadlines: patient },
    );
    expect(await imap.list()).toMatchObject([{ path: 'INBOX' }]);
    expect(session.server?.received.filter((line) => line.includes('LIST "n'))).toHaveLength(100);
    expect(imap.unread()).toEqual({ count: 1, samples: ['more than 100 namespaces'] });
  });

  test('endless "still here" responses end at the deadline of the command', async () => {
    let drip: NodeJS.Timeout | undefined;
    const imap = await session.selected(
      startScriptedMailbox({
        search: () => SILENCE,
        reply: ({ command, rest }, socket) => {
          if (command !== 'UID' || !rest.startsWith('SEARCH')) return undefined;
          drip = setInterval(() => socket.write('* OK still here\r\n'), 20);
          return SILENCE;
        },
      }),
      { deadlines: { ...SHORT, silenceMs: 200, commandMs: 500 } },
    );
    await expect(imap.searchUids('1:*')).rejects.toMatchObject({ code: 'IMAP_TIMEOUT' });
    clearInterval(drip);
  });
});

describe('sets of UIDs', () => {
  test('VANISHED of all possible UIDs is stored as a range, even many times', async () => {
    const said = Array.from({ length: 1000 }, (_, i) => `* VANISHED (EARLIER) ${i + 1}:${4_294_967_295 - i}\r\n`).join(
      '',
    );
    const imap = await session.selected(
      startScriptedMailbox({
        capability: 'IMAP4rev1 ENABLE CONDSTORE QRESYNC',
        fetch: ({ tag }) => `${said}* VANISHED 7\r\n${tag} OK done`,
      }),
    );
    const { vanished } = await imap.fetchChanges(5, 90n);
    expect(String(vanished)).toBe('1:4294967295');
    expect(vanished.has(123_456)).toBe(true);
    expect(String(imap.takeVanished())).toBe('7');
  });

  test('a SEARCH with far more UIDs than EXISTS is IMAP_ANSWER_TOO_LARGE', async () => {
    const many = Array.from({ length: 400_000 }, (_, i) => i + 1).join(' ');
    const imap = await session.selected(
      startScriptedMailbox({ search: ({ tag }) => `* SEARCH ${many}\r\n${tag} OK done` }),
      { deadlines: patient },
    );
    await expect(imap.searchUids('1:*')).rejects.toMatchObject({ code: 'IMAP_ANSWER_TOO_LARGE' });
  });

  test('an EXISTS above the mailbox limit makes SELECT reject', async () => {
    await expect(session.selected(startScriptedMailbox({ exists: 16_777_216 }))).rejects.toMatchObject({
      code: 'IMAP_ANSWER_TOO_LARGE',
    });
  });
});

describe('messages', () => {
  test('headers and flags that were not requested are dropped', async () => {
    const others = Array.from(
      { length: 5000 },
      (_, i) => `* ${i + 2} FETCH (UID ${i + 2} FLAGS () BODY[HEADER] {1}\r\nx)\r\n`,
    );
    const imap = await session.selected(
      startScriptedMailbox({
        fetch: ({ tag }) => `${others.join('')}* 1 FETCH (UID 1 FLAGS () BODY[HEADER] {3}\r\none)\r\n${tag} OK done`,
      }),
      { deadlines: patient },
    );
    expect(await imap.fetchHeaders([1])).toHaveLength(1);
    expect(await imap.fetchFlags('1:1')).toHaveLength(1);
  });

  test('a literal above the limit gives no source, and rejects', async () => {
    const imap = await session.selected(
      startScriptedMailbox({
        fetch: ({ tag }) =>
          `${bodyRow(1, 'one')}\r\n* 2 FETCH (UID 2 BODY[] {190000000}\r\n${'x'.repeat(100_000)}\r\n${tag} OK done`,
      }),
      { deadlines: patient, limits: { messageBytes: MIB } },
    );
    const rows: [number, string | undefined][] = [];
    const reading = async () => {
      for await (const { uid, source } of imap.fetchSources([1, 2, 3])) rows.push([uid, source?.toString()]);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'IMAP_ANSWER_TOO_LARGE' });
    expect(rows).toEqual([
      [1, 'one'],
      [2, undefined],
    ]);
  });

  test('a message that never ends has no source, and the connection stays usable', async () => {
    const piece = 'x'.repeat(2 * MIB);
    const imap = await session.selected(
      startScriptedMailbox({
        fetch: ({ tag, rest }: ReceivedLine) =>
          rest.includes('BODY.PEEK[]<')
            ? `${bodyRow(1, piece)}\r\n${tag} OK done`
            : `${bodyRow(2, 'two')}\r\n${tag} OK done`,
      }),
      { deadlines: patient, limits: { messageBytes: 10 * MIB } },
    );
    const sizes = new Map([[1, { size: 9 * MIB }]]);
    expect(await all(imap.fetchSources([1], sizes))).toEqual([{ uid: 1, source: null }]);
    expect(session.server?.received.filter((line) => line.includes('BODY.PEEK[]<'))).toHaveLength(6);
    expect(await all(imap.fetchSources([2]))).toMatchObject([{ uid: 2 }]);
  });
});

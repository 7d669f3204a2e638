import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import type { ImapConnection, ImapLogin } from '../../src/imap/connection.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { all } from './scripted-mailbox.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const mail = (n: number) => ({
  bytes: Buffer.from(`Subject: ${n}\r\nMessage-ID: <${n}@test>\r\n\r\n${'line\r\n'.repeat(n)}`),
});
const mails = (count: number) => Array.from({ length: count }, (_, i) => mail(i + 1));

let users = 0;
let user: string;
let login: ImapLogin;
let connection: ImapConnection | undefined;
let other: RawImap | undefined;

beforeEach(() => {
  user = `imap${++users}-${process.pid}`;
  const { host, port, password } = dovecot;
  login = { host, port, security: 'NONE', username: user, credentials: { password } };
});
afterEach(async () => {
  other?.close();
  await connection?.close();
  other = connection = undefined;
});

const open = async () => {
  connection = await openImapConnection(login);
  return connection;
};
const openOther = async () => {
  const { host, port, password } = dovecot;
  other = await RawImap.login({ host, port, user, password });
  return other;
};

test('lists the mailboxes with their status, INBOX first, Trash last', async () => {
  dovecot.addUser(user, {
    INBOX: [mail(1), { ...mail(2), flags: ['\\Seen'] }],
    Trash: [mail(3)],
    'Büro/Äpfel': [mail(4)],
  });
  const imap = await open();
  expect(imap.server).toMatchObject({ level: 'QRESYNC', isGmail: false });
  const listed = await imap.list();
  expect(listed.map(({ path, specialUse }) => [path, specialUse])).toEqual([
    ['INBOX', '\\Inbox'],
    ['Büro', null],
    ['Büro/Äpfel', null],
    ['Trash', '\\Trash'],
  ]);
  expect(listed.map(({ selectable, status }) => [selectable, status?.messages ?? null])).toEqual([
    [true, 2],
    [false, null],
    [true, 1],
    [true, 1],
  ]);
  expect(listed[0]?.status).toMatchObject({ messages: 2, unseen: 1, uidNext: 3 });
  expect(listed[0]?.status?.highestModseq).toBeTypeOf('bigint');
});

test('lists and opens a personal prefix and a public namespace that LIST omits', async () => {
  const settings = `
namespace inbox {
  prefix = INBOX/
}
namespace public {
  type = public
  separator = /
  prefix = Public/
  location = maildir:%h-public
  subscriptions = no
  list = no
}`;
  const server = await startDovecot({ settings });
  try {
    server.addUser('ann', { INBOX: [mail(1)], Sent: [mail(2)] });
    server.addUser('ann-public', { News: [mail(3), mail(4)] });
    const { host, port, password } = server;
    connection = await openImapConnection({ ...login, host, port, username: 'ann', credentials: { password } });
    const listed = await connection.list();
    expect(connection.unread().count).toBe(0);
    expect(listed.map(({ path, status }) => [path, status?.messages])).toEqual(
      expect.arrayContaining([
        ['INBOX', 1],
        ['INBOX/Sent', 1],
        ['Public/News', 2],
      ]),
    );
    expect(await connection.select('Public/News')).toMatchObject({ exists: 2 });
    await connection.close();
  } finally {
    await server.stop();
  }
});

test('reads every message byte by byte and sets no \\Seen', async () => {
  const sent = mails(300);
  dovecot.addUser(user, { INBOX: sent });
  const imap = await open();
  const snapshot = await imap.select('INBOX');
  expect(snapshot).toMatchObject({ path: 'INBOX', exists: 300, uidNext: 301 });
  const uids = await imap.searchUids('1:*');
  expect(uids).toEqual(sent.map((_, i) => i + 1));

  const metadata = await all(imap.fetchMetadata(uids));
  expect(metadata.map(({ uid, size }) => [uid, size])).toEqual(sent.map(({ bytes }, i) => [i + 1, bytes.length]));
  expect(metadata.every(({ flags, internalDate, modseq }) => flags.length === 0 && internalDate && modseq)).toBe(true);

  const sources = await all(imap.fetchSources(uids));
  expect(sources.map(({ uid, source }) => [uid, source && sha256(source)])).toEqual(
    sent.map(({ bytes }, i) => [i + 1, sha256(bytes)]),
  );
  expect((await imap.fetchFlags('1:*')).every(({ flags }) => flags.length === 0)).toBe(true);
});

test('fetches scattered UIDs in several commands and omits missing ones', async () => {
  dovecot.addUser(user, { INBOX: mails(2500) });
  const imap = await open();
  await imap.select('INBOX');
  const odd = Array.from({ length: 1400 }, (_, i) => i * 2 + 1);
  const there = odd.filter((uid) => uid <= 2500);
  expect((await all(imap.fetchMetadata(odd.toReversed()))).map(({ uid }) => uid)).toEqual(there);
});

test('reports flags that changed and messages that vanished since a snapshot', async () => {
  dovecot.addUser(user, { INBOX: mails(10) });
  const before = await openOther();
  await before.select('INBOX');
  const imap = await open();
  const { highestModseq } = await imap.select('INBOX');
  await before.store('3', '+FLAGS', '\\Flagged', 'project');
  await before.expunge('7:8');

  await imap.select('INBOX');
  const { changed, vanished } = await imap.fetchChanges(10, highestModseq!);
  expect(changed.map(({ uid, flags }) => [uid, flags])).toEqual([[3, ['\\Flagged', 'project']]]);
  expect(String(vanished)).toBe('7:8');
  expect((await imap.fetchChanges(0, highestModseq!)).changed).toEqual([]);
});

test('collects UIDs that vanish during other commands, and returns them once', async () => {
  dovecot.addUser(user, { INBOX: mails(10) });
  const imap = await open();
  await imap.select('INBOX');
  const session = await openOther();
  await session.select('INBOX');
  await session.expunge('4');
  await imap.searchUids('1:*');
  await all(imap.fetchMetadata([1]));
  expect(String(imap.takeVanished())).toBe('4');
  expect(String(imap.takeVanished())).toBe('');
});

test('a snapshot does not change with later responses', async () => {
  dovecot.addUser(user, { INBOX: mails(3) });
  const imap = await open();
  const snapshot = await imap.select('INBOX');
  const copy = { ...snapshot };
  const session = await openOther();
  await session.select('INBOX');
  await session.store('1:3', '+FLAGS', '\\Seen');
  await all(imap.fetchMetadata([1, 2, 3]));
  expect(snapshot).toEqual(copy);
});

test('a slow consumer loses no row, and one that stops early can run a new command', async () => {
  dovecot.addUser(user, { INBOX: mails(40) });
  const imap = await open();
  await imap.select('INBOX');
  const uids = await imap.searchUids('1:*');
  let rows = 0;
  for await (const _ of imap.fetchSources(uids)) {
    rows++;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(rows).toBe(40);
  for await (const _ of imap.fetchSources(uids)) break;
  expect(await imap.searchUids('1:3')).toEqual([1, 2, 3]);
});

test('rejects a second command while rows are read, instead of waiting forever', async () => {
  dovecot.addUser(user, { INBOX: mails(3) });
  const imap = await open();
  await imap.select('INBOX');
  for await (const _ of imap.fetchSources([1, 2, 3])) {
    await expect(imap.searchUids('1:*')).rejects.toMatchObject({ code: 'INTERNAL' });
  }
  expect(await imap.searchUids('1:*')).toEqual([1, 2, 3]);
});

test('select, a deleted mailbox, rejects', async () => {
  dovecot.addUser(user);
  const imap = await open();
  await expect(imap.select('Nowhere')).rejects.toMatchObject({ code: 'IMAP_SERVER_REFUSED' });
  await expect(imap.searchUids('1:*')).rejects.toMatchObject({ code: 'IMAP_SERVER_REFUSED' });
});

test('messages flagged \\Deleted survive the end of the connection', async () => {
  dovecot.addUser(user, { INBOX: [{ ...mail(1), flags: ['\\Deleted'] }, mail(2)] });
  const imap = await open();
  await imap.select('INBOX');
  await imap.close();
  expect((await (await openOther()).examine('INBOX')).exists).toBe(2);
});

test.each([
  ['CONDSTORE', 'IMAP4rev1 ENABLE CONDSTORE UIDPLUS'],
  ['CONDSTORE', 'IMAP4rev1 CONDSTORE'],
  ['NONE', 'IMAP4rev1 UIDPLUS'],
])('works at level %s with the capability %s', async (level, capability) => {
  const server = await startDovecot({ capability });
  try {
    server.addUser('ann', { INBOX: mails(4) });
    const { host, port, password } = server;
    const session = await RawImap.login({ host, port, user: 'ann', password });
    await session.select('INBOX');
    connection = await openImapConnection({ ...login, port, username: 'ann', credentials: { password } });
    expect(connection.server.level).toBe(level);
    await connection.list();
    const { highestModseq } = await connection.select('INBOX');
    await session.store('2', '+FLAGS', '\\Seen');
    session.close();
    await connection.select('INBOX');
    if (level === 'CONDSTORE') {
      const { changed, vanished } = await connection.fetchChanges(4, highestModseq!);
      expect([changed.map(({ uid }) => uid), String(vanished)]).toEqual([[2], '']);
    } else {
      expect(highestModseq).toBeNull();
      await expect(connection.fetchChanges(4, 1n)).rejects.toMatchObject({ code: 'INTERNAL' });
      const seen = (await connection.fetchFlags('1:4')).filter(({ flags }) => flags.includes('\\Seen'));
      expect(seen.map(({ uid }) => uid)).toEqual([2]);
    }
    await connection.close();
  } finally {
    await server.stop();
  }
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { receiptOf } from '../../lab/assertions/receipt.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { mailboxRows } from '../../lab/assertions/stored-rows.ts';
import { storedTruth } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { corpus, withCrlf } from '../../lab/mail/corpus.ts';
import { type FaultProxy, openFaultProxy } from '../../lab/proxies/fault-proxy.ts';
import { startCyrus } from '../../lab/servers/cyrus.ts';
import type { MailServer } from '../../lab/servers/mail-servers.ts';
import type { ServerProcess } from '../../lab/servers/server-process.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, eventsOf, type FinishedRun, sync } from '../../lab/service/sync.ts';
import { startScriptedMailbox } from '../imap/scripted-mailbox.ts';

/**
 * The engine trusts OBJECTID (RFC 8474) before it compares anything: EMAILID identifies a message in any mailbox,
 * MAILBOXID a mailbox under any name. Tested on Debian's only server that has it, in cases that nothing else can
 * decide.
 */
let service: Service;
let databaseUrl: string;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
});

afterAll(() => service?.stop());

describe('Cyrus', () => {
  const emailAddress = 'ann@example.com';
  const messages = corpus().map(({ bytes }) => withCrlf(bytes));
  let server: MailServer & ServerProcess;
  let proxy: FaultProxy;
  let actor: RawImap;
  let account: string;

  const rows = () => mailboxRows({ databaseUrl }, emailAddress);

  async function append(to: string, count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) await actor.append(to, messages.next().value!);
  }

  /** Syncs, checks that both sides are equal, and returns which messages it asked for. */
  async function syncAndCompare(): Promise<{ stats: FinishedRun['stats']; events: string[]; asked: string[] }> {
    const [eventsBefore, commandsBefore] = [(await eventsOf(service, account)).length, proxy.commands.length];
    const run = await sync(service, account);
    expect(await storedTruth({ databaseUrl }, emailAddress)).toEqual(await truth({ ...server, user: 'ann' }));
    expect(await receiptOf(service, run.id)).toMatchObject({ complete: true });
    const events = (await eventsOf(service, account)).slice(eventsBefore).map(({ type }) => type);
    return {
      stats: run.stats,
      events,
      asked: proxy.commands.slice(commandsBefore).filter((line) => line.includes('BODY')),
    };
  }

  beforeAll(async () => {
    server = await startCyrus();
    proxy = await openFaultProxy(server);
    actor = await RawImap.login({ ...server, user: 'ann' });
    await append('INBOX', 5);
    for (const path of ['Archive', 'Work', 'Other']) {
      await actor.create(path);
      await append(path, 3);
    }
    account = await connectAccount(service, { ...server, port: proxy.port }, 'ann', { emailAddress });
    await syncAndCompare();
  }, 60_000);

  afterAll(async () => {
    actor?.close();
    await proxy?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  beforeEach(async () => {
    await actor.select('INBOX');
  });

  test('a moved message is recognised by its EMAILID, without fetching its header', async () => {
    await actor.move('2:3', 'Archive');
    const { stats, events, asked } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 0, messagesCreated: 0, messagesDeleted: 0 });
    expect(events).toEqual(['email_moved', 'email_moved', 'sync_succeeded']);
    expect(asked).toEqual([]);
  });

  test('two messages with equal metadata that move at once are not confused', async () => {
    const twin = (body: string) => Buffer.from(`Subject: twin\r\nMessage-ID: <twin@example.com>\r\n\r\n${body}\r\n`);
    const internalDate = new Date(Date.UTC(2024, 1, 3, 4, 5, 6));
    for (const body of ['one', 'two']) await actor.append('INBOX', twin(body), { internalDate });
    await syncAndCompare();
    await actor.select('INBOX');
    const twins = (await actor.uids()).slice(-2);
    await actor.move(twins.join(','), 'Archive');
    expect(await syncAndCompare()).toMatchObject({
      events: ['email_moved', 'email_moved', 'sync_succeeded'],
      asked: [],
    });
  });

  test('a copy is recognised by its EMAILID, even after the original was deleted', async () => {
    await actor.copy('1', 'Archive');
    expect(await syncAndCompare()).toMatchObject({ events: ['email_copied', 'sync_succeeded'], asked: [] });
    await actor.expunge('1');
    await syncAndCompare();
    await actor.select('Archive');
    await actor.copy(String((await actor.uids()).at(-1)), 'INBOX');
    expect(await syncAndCompare()).toMatchObject({ events: ['email_copied', 'sync_succeeded'], asked: [] });
  });

  test('a renamed mailbox is recognised by its MAILBOXID, without common messages', async () => {
    const before = await rows();
    await actor.rename('Work', 'Büro');
    await actor.select('Büro');
    await actor.expunge('1:*');
    await append('Büro', 2);
    const { stats, events } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 2, messagesDeleted: 3 });
    expect(events).toContain('mailbox_renamed');
    expect(events).not.toContain('mailbox_created');
    expect((await rows()).get('Büro')).toBe(before.get('Work'));
  });

  test('an empty mailbox created under another name is not the deleted one', async () => {
    await actor.create('Empty');
    await syncAndCompare();
    await actor.delete('Empty');
    await actor.create('Void');
    const { events } = await syncAndCompare();
    expect(events.toSorted()).toEqual(['mailbox_created', 'mailbox_deleted', 'sync_succeeded']);
  });

  test('two mailboxes of equal UIDVALIDITY that swap names download no message', async () => {
    // Created together, their UIDVALIDITYs are ahead of the clock. A recreated mailbox gets its old one plus one.
    for (const path of ['A', 'B', 'C', 'D', 'E']) await actor.create(path);
    await actor.delete('C');
    await actor.create('C');
    const [one, other] = [await actor.select('C'), await actor.select('D')];
    expect(one.uidValidity).toBe(other.uidValidity);
    await append('C', 3);
    await append('D', 3);
    await syncAndCompare();
    await actor.rename('C', 'between');
    await actor.rename('D', 'C');
    await actor.rename('between', 'D');
    const { stats, asked } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 0, messagesCreated: 0, messagesDeleted: 0 });
    expect(asked).toEqual([]);
  });
});

test('a message with an EMAILID is fetched once, wherever it moves', async () => {
  const places = { INBOX: 1, Archive: 0 };
  let selected: keyof typeof places = 'INBOX';
  await using server = await startScriptedMailbox({
    capability: 'IMAP4rev1 OBJECTID',
    reply: ({ command, rest, tag }) => {
      if (command === 'LIST') {
        const listed = rest.includes('*')
          ? '* LIST () "/" INBOX\r\n* LIST () "/" Archive'
          : '* LIST (\\Noselect) "/" ""';
        return `${listed}\r\n${tag} OK done`;
      }
      if (command !== 'SELECT') return undefined;
      selected = rest.includes('Archive') ? 'Archive' : 'INBOX';
      const validity = selected === 'INBOX' ? 7 : 8;
      return `* ${places[selected]} EXISTS\r\n* OK [UIDVALIDITY ${validity}] ok\r\n* OK [UIDNEXT 2] ok\r\n${tag} OK done`;
    },
    search: ({ tag }) => `* SEARCH ${places[selected] ? 1 : ''}\r\n${tag} OK done`,
    fetch: ({ tag, rest }) => {
      const item = rest.includes('BODY')
        ? 'BODY[] {4}\r\nA: b'
        : 'EMAILID (M99) FLAGS () INTERNALDATE "01-Nov-2026 10:00:00 +0000" RFC822.SIZE 4';
      return `${places[selected] ? `* 1 FETCH (UID 1 ${item})\r\n` : ''}${tag} OK done`;
    },
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'identified');
  expect((await sync(service, account)).stats.messagesFetched).toBe(1);
  [places.INBOX, places.Archive] = [0, 1];
  expect((await sync(service, account)).stats).toMatchObject({
    messagesFetched: 0,
    messagesCreated: 0,
    messagesUpdated: 1,
  });
  expect(server.received.filter((line) => line.includes('BODY.PEEK'))).toHaveLength(1);
  expect((await eventsOf(service, account)).map(({ type }) => type)).toContain('email_moved');
});

test('a mailbox with a new name and a new UIDVALIDITY keeps its row and its mail', async () => {
  let [path, uidValidity] = ['Work', 7];
  await using server = await startScriptedMailbox({
    capability: 'IMAP4rev1 OBJECTID',
    reply: ({ command, rest, tag }) => {
      if (command === 'LIST') {
        return `* LIST ${rest.includes('*') ? `() "/" ${path}` : '(\\Noselect) "/" ""'}\r\n${tag} OK done`;
      }
      if (command !== 'SELECT') return undefined;
      if (!rest.includes(path)) return `${tag} NO [NONEXISTENT] no`;
      return `* 1 EXISTS\r\n* OK [UIDVALIDITY ${uidValidity}] ok\r\n* OK [UIDNEXT 2] ok\r\n* OK [MAILBOXID (F1)] ok\r\n${tag} OK done`;
    },
    search: ({ tag }) => `* SEARCH 1\r\n${tag} OK done`,
    fetch: ({ tag, rest }) => {
      const item = rest.includes('BODY')
        ? 'BODY[] {4}\r\nA: b'
        : 'EMAILID (M1) FLAGS () INTERNALDATE "01-Nov-2026 10:00:00 +0000" RFC822.SIZE 4';
      return `* 1 FETCH (UID 1 ${item})\r\n${tag} OK done`;
    },
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'renumbered', { verify: false });
  await sync(service, account);
  const before = await mailboxRows({ databaseUrl }, 'renumbered@example.com');
  [path, uidValidity] = ['Job', 8];
  expect((await sync(service, account)).stats).toMatchObject({ messagesFetched: 0, messagesDeleted: 0 });
  expect((await mailboxRows({ databaseUrl }, 'renumbered@example.com')).get('Job')).toBe(before.get('Work'));
  const events = (await eventsOf(service, account)).map(({ type }) => type);
  expect(events.slice(-3)).toEqual(['mailbox_renamed', 'mailbox_reset', 'sync_succeeded']);
});

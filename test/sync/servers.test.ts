import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectOnlyRead } from '../../lab/assertions/read-only.ts';
import { repeatedFacts } from '../../lab/assertions/repeated-facts.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { corpus, withCrlf } from '../../lab/mail/corpus.ts';
import { type FaultProxy, openFaultProxy } from '../../lab/proxies/fault-proxy.ts';
import { startCourier } from '../../lab/servers/courier.ts';
import { startCyrus } from '../../lab/servers/cyrus.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import type { MailServer } from '../../lab/servers/mail-servers.ts';
import type { ServerProcess } from '../../lab/servers/server-process.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, eventsOf, sync, verifyChain } from '../../lab/service/sync.ts';

/**
 * What can happen to a mailbox, on every IMAP server of Debian, and on Dovecot with fewer capabilities. After each sync
 * both sides are equal: mailboxes, UIDVALIDITY, UIDs, flags, internal dates, and the bytes as the server serves them.
 */
const hiding = (capability: string) => async () => startDovecot({ capability });
const servers: [string, () => Promise<MailServer & ServerProcess>][] = [
  ['Dovecot', () => startDovecot()],
  [
    'Dovecot without QRESYNC',
    hiding('IMAP4rev1 ENABLE IDLE UNSELECT UIDPLUS LIST-EXTENDED LIST-STATUS MOVE CONDSTORE'),
  ],
  ['Dovecot without CONDSTORE', hiding('IMAP4rev1 IDLE UIDPLUS NAMESPACE')],
  ['Cyrus', startCyrus],
  ['Courier', startCourier],
];

/** Names that have caused faults in clients and servers, in parts. Not every server allows each. */
const ODD_NAMES = [
  ['two words'],
  ['Entwürfe & Söhne'],
  ['日本語', '台北'],
  ['a "quoted" name'],
  ['50% off'],
  ['back\\slash'],
  ['(brackets)', '[more]', '{3}'],
  ['deep', 'deeper', 'and', 'deeper', 'still'],
  ['🌊'],
  ['~tilde', "it's"],
  ['NIL'],
];

vi.setConfig({ testTimeout: 60_000 });
let databaseUrl: string;
let service: Service;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
});

afterAll(() => service?.stop());

describe.each(servers)('%s', (name, start) => {
  const emailAddress = `${name.replaceAll(' ', '-').toLowerCase()}@example.com`;
  const messages = [...corpus().take(60)].map(({ bytes }) => withCrlf(bytes));
  let server: MailServer & ServerProcess;
  let proxy: FaultProxy;
  let actor: RawImap;
  let account: string;
  let delimiter: string;
  /** The prefix of the user's own mailboxes: Courier has them below INBOX. */
  let prefix: string;
  let taken = 0;

  const path = (...parts: string[]) => prefix + parts.join(delimiter);

  async function append(to: string, count: number, flags: string[] = []): Promise<void> {
    for (const bytes of messages.slice(taken, taken + count)) {
      await actor.append(to, bytes, { flags, internalDate: new Date(Date.UTC(2024, 1, 3, 4, 5, taken)) });
      taken += 1;
    }
  }

  async function syncAndCompare(): Promise<string[]> {
    const before = (await eventsOf(service, account)).length;
    await sync(service, account);
    expect(await storedTruth({ databaseUrl }, emailAddress)).toEqual(await truth({ ...server, user: 'ann' }));
    expect(await verifyChain(service, account)).toMatchObject({ ok: true });
    const events = await eventsOf(service, account);
    expect(repeatedFacts(events)).toEqual([]);
    return events.slice(before).map(({ type }) => type);
  }

  beforeAll(async () => {
    server = await start();
    proxy = await openFaultProxy(server);
    actor = await RawImap.login({ ...server, user: 'ann' });
    [delimiter, prefix] = await actor.namespace();
    await append('INBOX', 12, ['\\Seen']);
    await actor.create(path('Archive'));
    await append(path('Archive'), 4);
    account = await connectAccount(service, { ...server, port: proxy.port }, 'ann', { emailAddress });
  }, 60_000);

  afterAll(async () => {
    actor?.close();
    await proxy?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  beforeEach(async () => {
    await actor.select('INBOX');
  });

  test('the first sync stores everything', async () => {
    const events = await syncAndCompare();
    expect(events.filter((type) => type === 'email_received')).toHaveLength(16);
  });

  test('unusual mailbox names are stored', async () => {
    let made = 0;
    for (const parts of ODD_NAMES) {
      try {
        await actor.create(path(...parts));
      } catch {
        continue;
      }
      made += 1;
      await append(path(...parts), 1);
    }
    // Cyrus rejects quotes, percent signs, backslashes and brackets.
    expect(made).toBeGreaterThan(ODD_NAMES.length - 5);
    const events = await syncAndCompare();
    expect(events.filter((type) => type === 'email_received')).toHaveLength(made);
  });

  test('new mail is received', async () => {
    await append('INBOX', 3, ['\\Flagged']);
    expect(await syncAndCompare()).toEqual(['email_received', 'email_received', 'email_received', 'sync_succeeded']);
  });

  test('flags and keywords are set and removed', async () => {
    await actor.store('2,5', '+FLAGS', '\\Flagged', 'Later');
    await actor.store('3', '-FLAGS', '\\Seen');
    expect(await syncAndCompare()).toEqual([...Array(3).fill('email_flags_changed'), 'sync_succeeded']);
    await actor.store('2', '-FLAGS', 'Later');
    expect(await syncAndCompare()).toEqual(['email_flags_changed', 'sync_succeeded']);
  });

  test('deleted mail is deleted', async () => {
    await actor.expunge('4,6');
    expect(await syncAndCompare()).toEqual(['email_deleted', 'email_deleted', 'sync_succeeded']);
  });

  test('one message in and one out are both found', async () => {
    await actor.expunge('1');
    await append('INBOX', 1);
    expect((await syncAndCompare()).toSorted()).toEqual(['email_deleted', 'email_received', 'sync_succeeded']);
  });

  test('the newest message is deleted and replaced by another', async () => {
    const newest = (await actor.uids()).at(-1)!;
    await actor.expunge(String(newest));
    await append('INBOX', 1);
    expect((await syncAndCompare()).toSorted()).toEqual(['email_deleted', 'email_received', 'sync_succeeded']);
  });

  test('copied mail appends email_copied', async () => {
    await actor.copy('7', path('Archive'));
    expect(await syncAndCompare()).toEqual(['email_copied', 'sync_succeeded']);
  });

  test('moved mail moves, and moves back', async () => {
    await actor.move('8,9', path('Archive'));
    expect(await syncAndCompare()).toEqual(['email_moved', 'email_moved', 'sync_succeeded']);
    await actor.select(path('Archive'));
    const uids = await actor.uids();
    await actor.move(uids.slice(-2).join(','), 'INBOX');
    expect(await syncAndCompare()).toEqual(['email_moved', 'email_moved', 'sync_succeeded']);
  });

  test('mail moved out and back between two syncs', async () => {
    await actor.move('10', path('Archive'));
    await actor.select(path('Archive'));
    await actor.move(String((await actor.uids()).at(-1)), 'INBOX');
    // Its UID changed: the message moved, and was not deleted.
    expect(await syncAndCompare()).toEqual(['email_moved', 'sync_succeeded']);
  });

  test('mail copied to one mailbox and moved to another between two syncs', async () => {
    await actor.create(path('Twice'));
    await actor.select('INBOX');
    const uid = String((await actor.uids()).at(-1));
    await actor.copy(uid, path('Twice'));
    await actor.move(uid, path('Archive'));
    const events = await syncAndCompare();
    expect(events.filter((type) => type.startsWith('email_'))).toEqual(['email_moved', 'email_copied']);
    await actor.delete(path('Twice'));
    await syncAndCompare();
  });

  test('a mailbox is created, another deleted with its mail', async () => {
    await actor.create(path('Projects'));
    await append(path('Projects'), 3);
    await actor.delete(path('Archive'));
    const events = await syncAndCompare();
    expect(events).toContain('mailbox_created');
    expect(events).toContain('mailbox_deleted');
    expect(events.filter((type) => type === 'email_received')).toHaveLength(3);
  });

  test('a mailbox is renamed', async () => {
    await actor.rename(path('Projects'), path('Plans'));
    const events = await syncAndCompare();
    expect(events).not.toContain('email_received');
    expect(events).not.toContain('email_deleted');
  });

  test('a mailbox is deleted, and recreated under the same name', async () => {
    await actor.delete(path('Plans'));
    await actor.create(path('Plans'));
    await append(path('Plans'), 2);
    const events = await syncAndCompare();
    expect(events.filter((type) => type === 'email_received')).toHaveLength(2);
    expect(events.filter((type) => type === 'email_deleted')).toHaveLength(3);
  });

  test('two mailboxes swap names', async () => {
    await actor.create(path('Other'));
    await append(path('Other'), 3);
    await syncAndCompare();
    await actor.rename(path('Plans'), path('Third'));
    await actor.rename(path('Other'), path('Plans'));
    await actor.rename(path('Third'), path('Other'));
    const events = await syncAndCompare();
    expect(events).not.toContain('email_received');
  });

  test('a tree of mailboxes is renamed', async () => {
    await actor.rename(path('deep', 'deeper'), path('deep', 'other'));
    const events = await syncAndCompare();
    expect(events).not.toContain('email_received');
  });

  test('all of these changes at once', async () => {
    await append('INBOX', 2);
    await append(path('Plans'), 1);
    await actor.select('INBOX');
    await actor.store('3,5', '+FLAGS', '\\Answered');
    await actor.move('7', path('Plans'));
    await actor.expunge('2');
    await actor.create(path('Last'));
    await actor.delete(path('Other'));
    await syncAndCompare();
  });

  test('no change appends no event and fetches nothing', async () => {
    const before = proxy.commands.length;
    expect(await syncAndCompare()).toEqual(['sync_succeeded']);
    expect(proxy.commands.slice(before).filter((line) => line.includes('BODY.PEEK'))).toEqual([]);
  });

  test('a full sync finds no difference', async () => {
    await sync(service, account, 'FULL');
    expect(await syncAndCompare()).toEqual(['sync_succeeded']);
  });

  test('no command that could change a mailbox was sent', () => expectOnlyRead(proxy.commands));
});

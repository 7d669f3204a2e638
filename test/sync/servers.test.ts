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
 * What can happen to a mailbox, on every server that Debian has, and on Dovecot as a simpler one. After each sync both
 * sides are equal: mailboxes, UIDVALIDITY, UIDs, flags, internal dates, and the bytes as this server serves them.
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

/** Names that clients and servers have stumbled over, in parts; not every server lets one be made. */
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
  /** Where the user's own mailboxes are: Courier has them below INBOX. */
  let prefix: string;
  let taken = 0;

  const path = (...parts: string[]) => prefix + parts.join(delimiter);

  async function append(to: string, count: number, flags: string[] = []): Promise<void> {
    for (const bytes of messages.slice(taken, taken + count)) {
      await actor.append(to, bytes, { flags, internalDate: new Date(Date.UTC(2024, 1, 3, 4, 5, taken)) });
      taken += 1;
    }
  }

  async function comeOver(): Promise<string[]> {
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

  test('the first sync', async () => {
    const events = await comeOver();
    expect(events.filter((type) => type === 'email_received')).toHaveLength(16);
  });

  test('odd names', async () => {
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
    // Cyrus takes no quotes, no percent, no backslash, no brackets.
    expect(made).toBeGreaterThan(ODD_NAMES.length - 5);
    const events = await comeOver();
    expect(events.filter((type) => type === 'email_received')).toHaveLength(made);
  });

  test('new mail', async () => {
    await append('INBOX', 3, ['\\Flagged']);
    expect(await comeOver()).toEqual(['email_received', 'email_received', 'email_received', 'sync_succeeded']);
  });

  test('flags and keywords, on and off', async () => {
    await actor.store('2,5', '+FLAGS', '\\Flagged', 'Later');
    await actor.store('3', '-FLAGS', '\\Seen');
    expect(await comeOver()).toEqual([...Array(3).fill('email_flags_changed'), 'sync_succeeded']);
    await actor.store('2', '-FLAGS', 'Later');
    expect(await comeOver()).toEqual(['email_flags_changed', 'sync_succeeded']);
  });

  test('deleted mail', async () => {
    await actor.expunge('4,6');
    expect(await comeOver()).toEqual(['email_deleted', 'email_deleted', 'sync_succeeded']);
  });

  test('one in, one out', async () => {
    await actor.expunge('1');
    await append('INBOX', 1);
    expect((await comeOver()).toSorted()).toEqual(['email_deleted', 'email_received', 'sync_succeeded']);
  });

  test('the newest is deleted, and another takes its place', async () => {
    const newest = (await actor.uids()).at(-1)!;
    await actor.expunge(String(newest));
    await append('INBOX', 1);
    expect((await comeOver()).toSorted()).toEqual(['email_deleted', 'email_received', 'sync_succeeded']);
  });

  test('copied mail', async () => {
    await actor.copy('7', path('Archive'));
    expect(await comeOver()).toEqual(['email_copied', 'sync_succeeded']);
  });

  test('moved mail, and back again', async () => {
    await actor.move('8,9', path('Archive'));
    expect(await comeOver()).toEqual(['email_moved', 'email_moved', 'sync_succeeded']);
    await actor.select(path('Archive'));
    const uids = await actor.uids();
    await actor.move(uids.slice(-2).join(','), 'INBOX');
    expect(await comeOver()).toEqual(['email_moved', 'email_moved', 'sync_succeeded']);
  });

  test('moved out and back between two syncs', async () => {
    await actor.move('10', path('Archive'));
    await actor.select(path('Archive'));
    await actor.move(String((await actor.uids()).at(-1)), 'INBOX');
    // To another UID: not that it was deleted, for it is there.
    expect(await comeOver()).toEqual(['email_moved', 'sync_succeeded']);
  });

  test('copied to one mailbox and moved to another between two syncs', async () => {
    await actor.create(path('Twice'));
    await actor.select('INBOX');
    const uid = String((await actor.uids()).at(-1));
    await actor.copy(uid, path('Twice'));
    await actor.move(uid, path('Archive'));
    const events = await comeOver();
    expect(events.filter((type) => type.startsWith('email_'))).toEqual(['email_moved', 'email_copied']);
    await actor.delete(path('Twice'));
    await comeOver();
  });

  test('a mailbox made, and another deleted with its mail', async () => {
    await actor.create(path('Projects'));
    await append(path('Projects'), 3);
    await actor.delete(path('Archive'));
    const events = await comeOver();
    expect(events).toContain('mailbox_created');
    expect(events).toContain('mailbox_deleted');
    expect(events.filter((type) => type === 'email_received')).toHaveLength(3);
  });

  test('a mailbox renamed', async () => {
    await actor.rename(path('Projects'), path('Plans'));
    const events = await comeOver();
    expect(events).not.toContain('email_received');
    expect(events).not.toContain('email_deleted');
  });

  test('a mailbox deleted, and made again under the same name', async () => {
    await actor.delete(path('Plans'));
    await actor.create(path('Plans'));
    await append(path('Plans'), 2);
    const events = await comeOver();
    expect(events.filter((type) => type === 'email_received')).toHaveLength(2);
    expect(events.filter((type) => type === 'email_deleted')).toHaveLength(3);
  });

  test('two mailboxes that swap their names', async () => {
    await actor.create(path('Other'));
    await append(path('Other'), 3);
    await comeOver();
    await actor.rename(path('Plans'), path('Third'));
    await actor.rename(path('Other'), path('Plans'));
    await actor.rename(path('Third'), path('Other'));
    const events = await comeOver();
    expect(events).not.toContain('email_received');
  });

  test('a tree renamed, with all that is in it', async () => {
    await actor.rename(path('deep', 'deeper'), path('deep', 'other'));
    const events = await comeOver();
    expect(events).not.toContain('email_received');
  });

  test('everything at once', async () => {
    await append('INBOX', 2);
    await append(path('Plans'), 1);
    await actor.select('INBOX');
    await actor.store('3,5', '+FLAGS', '\\Answered');
    await actor.move('7', path('Plans'));
    await actor.expunge('2');
    await actor.create(path('Last'));
    await actor.delete(path('Other'));
    await comeOver();
  });

  test('nothing: nothing is told, and nothing fetched', async () => {
    const before = proxy.commands.length;
    expect(await comeOver()).toEqual(['sync_succeeded']);
    expect(proxy.commands.slice(before).filter((line) => line.includes('BODY.PEEK'))).toEqual([]);
  });

  test('a full sync finds all as it is', async () => {
    await sync(service, account, 'FULL');
    expect(await comeOver()).toEqual(['sync_succeeded']);
  });

  test('in all of this nothing was said to the server that could change a mailbox', () =>
    expectOnlyRead(proxy.commands));
});

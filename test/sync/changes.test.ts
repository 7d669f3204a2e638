import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { corpus } from '../../lab/mail/corpus.ts';
import type { LaidDownMail } from '../../lab/mail/maildir.ts';
import { CAPABILITY_LEVELS } from '../../lab/servers/capability-levels.ts';
import { type Dovecot, startDovecot } from '../../lab/servers/dovecot.ts';
import type { ServerProcess } from '../../lab/servers/server-process.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, eventsOf, sync, verifyChain } from '../../lab/service/sync.ts';

/** The same changes must arrive with every capability that helps to find them. */
describe.each(CAPABILITY_LEVELS)('changes on a server with %s', (level, capability) => {
  const user = `changes-${level.toLowerCase()}`;
  let server: Dovecot & ServerProcess;
  let service: Service;
  let databaseUrl: string;
  let account: string;
  let actor: RawImap;

  beforeAll(async () => {
    server = await startDovecot(capability ? { capability } : {});
    server.addUser(user, { INBOX: mails(0, 40), Archive: mails(40, 60) });
    databaseUrl = await postgres.createDatabase();
    service = await startService({ databaseUrl });
    account = await connectAccount(service, server, user);
    await sync(service, account);
    actor = await RawImap.login({ ...server, user });
  }, 60_000);

  afterAll(async () => {
    actor?.[Symbol.dispose]();
    await service?.stop();
    await server?.stop();
  });

  /** Syncs, checks that both sides are equal, and returns the new events. */
  async function syncAndCompare(): Promise<{ stats: Record<string, unknown>; events: string[] }> {
    const before = (await eventsOf(service, account)).length;
    const { stats } = await sync(service, account);
    expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...server, user }));
    expect(await verifyChain(service, account)).toMatchObject({ ok: true });
    const events = (await eventsOf(service, account)).slice(before).map((event) => event.type);
    return { stats, events };
  }

  test('new mail is received', async () => {
    server.deliver(user, 'INBOX', mails(60, 63));
    const { stats, events } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 3, messagesCreated: 3, messagesUpdated: 0, messagesDeleted: 0 });
    expect(events).toEqual(['email_received', 'email_received', 'email_received', 'sync_succeeded']);
  });

  test('changed flags and keywords are updated', async () => {
    await actor.select('INBOX');
    await actor.store('2,5', '+FLAGS', '\\Flagged', 'Later');
    const { stats, events } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 0, messagesUpdated: 2 });
    expect(events).toEqual(['email_flags_changed', 'email_flags_changed', 'sync_succeeded']);
  });

  test('deleted mail is deleted', async () => {
    await actor.select('INBOX');
    await actor.expunge('7:9');
    const { stats, events } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 0, messagesDeleted: 3 });
    expect(events.filter((type) => type === 'email_deleted')).toHaveLength(3);
  });

  test('one message in and one out, the count being equal, are both found', async () => {
    await actor.select('INBOX');
    await actor.expunge('10');
    server.deliver(user, 'INBOX', mails(63, 64));
    const { stats } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 1, messagesCreated: 1, messagesDeleted: 1 });
  });

  test('moved mail keeps its message, and appends email_moved', async () => {
    await actor.select('INBOX');
    await actor.move('11,12', 'Archive');
    const { stats, events } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesCreated: 0, messagesDeleted: 0, messagesUpdated: 2 });
    expect(events).toEqual(['email_moved', 'email_moved', 'sync_succeeded']);
  });

  test('copied mail appends email_copied, and is not fetched', async () => {
    await actor.select('INBOX');
    await actor.copy('13', 'Archive');
    const { stats, events } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesCreated: 0 });
    expect(events).toEqual(['email_copied', 'sync_succeeded']);
  });

  test('a mailbox is created, another deleted with its mail', async () => {
    await actor.create('Projects');
    await actor.select('INBOX');
    await actor.move('14', 'Projects');
    await actor.delete('Archive');
    const { events } = await syncAndCompare();
    expect(events).toContain('mailbox_created');
    expect(events).toContain('email_moved');
    expect(events).toContain('mailbox_deleted');
    expect(events.filter((type) => type === 'email_deleted').length).toBeGreaterThan(20);
  });

  test('mail delivered to two mailboxes and deleted in one is deleted there', async () => {
    const [first, second] = [mails(64, 65), mails(65, 66)];
    server.deliver(user, 'INBOX', [...first, ...second]);
    server.deliver(user, 'Projects', [...first, ...second]);
    expect((await syncAndCompare()).events.toSorted()).toEqual([
      'email_copied',
      'email_copied',
      'email_received',
      'email_received',
      'sync_succeeded',
    ]);
    await actor.select('INBOX');
    await actor.expunge(String((await actor.uids()).at(-1)));
    expect(await syncAndCompare()).toMatchObject({
      stats: { messagesUpdated: 0, messagesDeleted: 1 },
      events: ['email_deleted', 'sync_succeeded'],
    });
    await actor.select('Projects');
    await actor.expunge(String((await actor.uids()).at(-2)));
    expect(await syncAndCompare()).toMatchObject({ events: ['email_deleted', 'sync_succeeded'] });
  });

  test('mail delivered twice to a mailbox and deleted once is deleted', async () => {
    server.deliver(user, 'INBOX', mails(66, 67));
    server.deliver(user, 'INBOX', mails(66, 67));
    expect((await syncAndCompare()).events).toEqual(['email_received', 'email_copied', 'sync_succeeded']);
    await actor.select('INBOX');
    await actor.expunge(String((await actor.uids()).at(-1)));
    expect(await syncAndCompare()).toMatchObject({ events: ['email_deleted', 'sync_succeeded'] });
  });

  test('mail that is copied, and deleted at its origin later, appends both events', async () => {
    await actor.select('INBOX');
    const uid = String((await actor.uids())[3]);
    await actor.copy(uid, 'Projects');
    expect(await syncAndCompare()).toMatchObject({ events: ['email_copied', 'sync_succeeded'] });
    await actor.expunge(uid);
    expect(await syncAndCompare()).toMatchObject({ events: ['email_deleted', 'sync_succeeded'] });
  });

  test('of two copies moved to one mailbox, one is moved and one deleted', async () => {
    server.deliver(user, 'INBOX', [...mails(67, 68), ...mails(67, 68)]);
    await syncAndCompare();
    await actor.select('INBOX');
    const [one, other] = (await actor.uids()).slice(-2).map(String);
    await actor.move(one!, 'Projects');
    await actor.expunge(other!);
    expect((await syncAndCompare()).events.toSorted()).toEqual(['email_deleted', 'email_moved', 'sync_succeeded']);
  });

  test('another UIDVALIDITY receives nothing twice', async () => {
    await server.doveadm('mailbox', 'update', '-u', user, '--uid-validity', '4242424242', 'INBOX');
    const { stats, events } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesCreated: 0, messagesDeleted: 0 });
    expect(events).toEqual(['mailbox_reset', 'sync_succeeded']);
  });

  test('no change appends no event', async () => {
    const { stats, events } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 0, messagesUpdated: 0, messagesDeleted: 0, eventsCreated: 0 });
    expect(events).toEqual(['sync_succeeded']);
  });
});

/** Different real messages, by their position in the corpus. */
function mails(from: number, to: number): LaidDownMail[] {
  const chosen: LaidDownMail[] = [];
  let i = 0;
  for (const { bytes } of corpus()) {
    if (i >= to) break;
    if (i++ >= from) chosen.push({ bytes });
  }
  return chosen;
}

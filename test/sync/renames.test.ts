import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { receiptOf } from '../../lab/assertions/receipt.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { mailboxRows } from '../../lab/assertions/stored-rows.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { mails } from '../../lab/mail/mails.ts';
import { CAPABILITY_LEVELS } from '../../lab/servers/capability-levels.ts';
import { type Dovecot, startDovecot } from '../../lab/servers/dovecot.ts';
import type { ServerProcess } from '../../lab/servers/server-process.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, eventsOf, type FinishedRun, sync } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

let service: Service;
let databaseUrl: string;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
});

afterAll(() => service?.stop());

describe.each(CAPABILITY_LEVELS)('renames on a server with %s', (level, capability) => {
  const user = `renames-${level.toLowerCase()}`;
  let server: Dovecot & ServerProcess;
  let account: string;
  let actor: RawImap;

  beforeAll(async () => {
    server = await startDovecot(capability ? { capability } : {});
    server.addUser(user, {
      INBOX: mails(0, 3),
      Work: mails(3, 15),
      'Work/2025': mails(15, 20),
      'Work/2026': mails(20, 27),
      Empty: [],
      'Zoë & "friends"': mails(27, 30),
    });
    account = await connectAccount(service, server, user);
    await sync(service, account);
    actor = await RawImap.login({ ...server, user });
  }, 60_000);

  afterAll(async () => {
    actor?.[Symbol.dispose]();
    await server?.stop();
  });

  const rows = () => mailboxRows({ databaseUrl }, `${user}@example.com`);

  async function syncAndCompare(): Promise<{
    stats: FinishedRun['stats'];
    events: string[];
    rows: Map<string, string>;
  }> {
    const before = (await eventsOf(service, account)).length;
    const run = await sync(service, account);
    expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...server, user }));
    expect(await receiptOf(service, run.id)).toMatchObject({ complete: true });
    const events = (await eventsOf(service, account)).slice(before).map((event) => event.type);
    return { stats: run.stats, events, rows: await rows() };
  }

  test('a renamed mailbox and all below it keep their rows and download nothing', async () => {
    const before = await rows();
    await actor.rename('Work', 'Büro');
    const { stats, events, rows: after } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 0, messagesCreated: 0, messagesDeleted: 0 });
    expect(events).toEqual(['mailbox_renamed', 'mailbox_renamed', 'mailbox_renamed', 'sync_succeeded']);
    for (const child of ['', '/2025', '/2026']) expect(after.get(`Büro${child}`)).toBe(before.get(`Work${child}`));
  });

  test('a renamed empty mailbox keeps its row', async () => {
    const before = await rows();
    await actor.rename('Empty', 'Still empty');
    const { events, rows: after } = await syncAndCompare();
    expect(events).toEqual(['mailbox_renamed', 'sync_succeeded']);
    expect(after.get('Still empty')).toBe(before.get('Empty'));
  });

  test('two mailboxes that swap names keep their rows', async () => {
    const before = await rows();
    await actor.rename('Büro/2025', 'between');
    await actor.rename('Büro/2026', 'Büro/2025');
    await actor.rename('between', 'Büro/2026');
    const { stats, events, rows: after } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 0, messagesDeleted: 0 });
    expect(events).toEqual(['mailbox_renamed', 'mailbox_renamed', 'sync_succeeded']);
    expect(after.get('Büro/2025')).toBe(before.get('Büro/2026'));
    expect(after.get('Büro/2026')).toBe(before.get('Büro/2025'));
  });

  test('a mailbox renamed during changes of its mail keeps its rows', async () => {
    const before = await rows();
    await actor.rename('Büro', 'Office');
    await actor.select('Office');
    await actor.store('2', '+FLAGS', '\\Flagged');
    await actor.expunge('3:4');
    server.deliver(user, 'Office', mails(30, 32));
    const { stats, events, rows: after } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 2, messagesUpdated: 1, messagesDeleted: 2 });
    expect(events.filter((type) => type === 'mailbox_renamed')).toHaveLength(3);
    expect(after.get('Office')).toBe(before.get('Büro'));
  });

  test('a mailbox recreated under the same name is a new generation', async () => {
    const before = await rows();
    await actor.delete('Office/2025');
    await actor.create('Office/2025');
    server.deliver(user, 'Office/2025', mails(32, 34));
    const { stats, events, rows: after } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 2, messagesDeleted: 7 });
    expect(events).toContain('mailbox_reset');
    expect(after.get('Office/2025')).toBe(before.get('Office/2025'));
  });

  test('a mailbox renamed to a deleted name, its own name being reused, keeps its rows', async () => {
    const before = await rows();
    await actor.delete('Zoë & "friends"');
    await actor.rename('Office/2026', 'Zoë & "friends"');
    await actor.create('Office/2026');
    const { stats, events, rows: after } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 0, messagesDeleted: 3 });
    expect(events).toContain('mailbox_renamed');
    expect(events).toContain('mailbox_created');
    expect(events).toContain('mailbox_deleted');
    expect(after.get('Zoë & "friends"')).toBe(before.get('Office/2026'));
    expect([...before.values()]).not.toContain(after.get('Office/2026'));
  });

  test('moved mail is recognised without being fetched, in both directions', async () => {
    await actor.select('INBOX');
    await actor.move('1:2', 'Office');
    const there = await syncAndCompare();
    expect(there.stats).toMatchObject({ messagesFetched: 0, messagesCreated: 0, messagesDeleted: 0 });
    expect(there.events).toEqual(['email_moved', 'email_moved', 'sync_succeeded']);
    const { uidNext } = await actor.select('Office');
    await actor.move(`${uidNext - 2}:${uidNext - 1}`, 'INBOX');
    const back = await syncAndCompare();
    expect(back.stats).toMatchObject({ messagesFetched: 0, messagesCreated: 0, messagesDeleted: 0 });
    expect(back.events).toEqual(['email_moved', 'email_moved', 'sync_succeeded']);
  });

  test('another UIDVALIDITY: known mail is recognised without being fetched', async () => {
    await server.doveadm('mailbox', 'update', '-u', user, '--uid-validity', '4242424242', 'Office');
    const { stats, events } = await syncAndCompare();
    expect(stats).toMatchObject({ messagesFetched: 0, messagesCreated: 0, messagesDeleted: 0 });
    expect(events).toEqual(['mailbox_reset', 'sync_succeeded']);
  });

  test('while mail moves during syncs, a reader finds every message at any time', async () => {
    const inMailboxes = () =>
      withDatabase({ databaseUrl }, async (client) => {
        const { rows: found } = await client.query<{ count: number }>(
          `SELECT count(DISTINCT l.message_id)::int AS count FROM message_location l JOIN email_account a
           ON a.id = l.account_id WHERE a.email_address = '${user}@example.com' AND l.deleted_at IS NULL`,
        );
        return found[0]!.count;
      });
    const all = await inMailboxes();
    const seen: number[] = [];
    let done = false;
    const reader = waitFor(
      async () => {
        seen.push(await inMailboxes());
        return done;
      },
      { what: 'the syncs to be done', timeoutMs: 30_000 },
    );
    for (const [from, to] of [
      ['Office', 'INBOX'],
      ['INBOX', 'Office'],
    ] as const) {
      const { exists } = await actor.select(from);
      expect(exists).toBeGreaterThan(1);
      await actor.move('1:*', to);
      await syncAndCompare();
    }
    done = true;
    await reader;
    expect(new Set(seen)).toEqual(new Set([all]));
  });
});

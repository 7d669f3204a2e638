import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { receiptOf } from '../../lab/assertions/receipt.ts';
import { repeatedFacts } from '../../lab/assertions/repeated-facts.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { corpus, withCrlf } from '../../lab/mail/corpus.ts';
import { type FaultProxy, openFaultProxy } from '../../lab/proxies/fault-proxy.ts';
import { CAPABILITY_LEVELS } from '../../lab/servers/capability-levels.ts';
import { startCourier } from '../../lab/servers/courier.ts';
import { startCyrus } from '../../lab/servers/cyrus.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import type { MailServer } from '../../lab/servers/mail-servers.ts';
import type { ServerProcess } from '../../lab/servers/server-process.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, eventsOf, finishedRun, startSync, sync, verifyChain } from '../../lab/service/sync.ts';

/**
 * Mailboxes change during a run, between any two of its commands. What the run read is outdated then, and the next run,
 * without changes, finds all that is left.
 */
const servers: [string, () => Promise<MailServer & ServerProcess>][] = [
  ...CAPABILITY_LEVELS.map(([level, capability]): (typeof servers)[number] => [
    `Dovecot with ${level}`,
    () => startDovecot(capability ? { capability } : {}),
  ]),
  ['Cyrus', startCyrus],
  ['Courier', startCourier],
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
  const messages = corpus().map(({ bytes }) => withCrlf(bytes));
  let server: MailServer & ServerProcess;
  let proxy: FaultProxy;
  let actor: RawImap;
  let account: string;
  let [archive, large] = ['Archive', 'Large'];

  const isEqual = async () => {
    expect(await storedTruth({ databaseUrl }, emailAddress)).toEqual(await truth({ ...server, user: 'ann' }));
    const events = await eventsOf(service, account);
    expect(repeatedFacts(events)).toEqual([]);
    expect(await verifyChain(service, account)).toMatchObject({ ok: true });
    return events.map(({ type }) => type);
  };

  beforeAll(async () => {
    server = await start();
    proxy = await openFaultProxy(server);
    actor = await RawImap.login({ ...server, user: 'ann' });
    const [, prefix] = await actor.namespace();
    [archive, large] = [prefix + archive, prefix + large];
    for (const path of [archive, large]) await actor.create(path);
    for (let i = 0; i < 30; i += 1) await actor.append('INBOX', messages.next().value!);
    for (let i = 0; i < 4; i += 1) await actor.append(archive, messages.next().value!);
    account = await connectAccount(service, { ...server, port: proxy.port }, 'ann', { emailAddress });
  }, 60_000);

  afterAll(async () => {
    actor?.close();
    await proxy?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  test('a change before every command, in the first sync and in later ones, is found', async () => {
    let step = 0;
    const change = async () => {
      step += 1;
      await actor.append(step % 3 ? 'INBOX' : archive, messages.next().value!);
      await actor.select('INBOX');
      const uids = await actor.uids();
      const at = (i: number) => String(uids[i % uids.length]);
      await actor.store(at(step), step % 2 ? '+FLAGS' : '-FLAGS', '\\Flagged');
      if (step % 4 === 0) await actor.expunge(at(0));
      if (step % 4 === 1) await actor.move(at(-1 + uids.length), archive);
      if (step % 4 === 2) await actor.copy(at(2), archive);
    };
    for (let round = 1; round <= 4; round += 1) {
      await change();
      const steps = step;
      let changing = Promise.resolve();
      proxy.fault = {
        before({ name }) {
          if (!/^(SELECT|UID)/.test(name)) return undefined;
          changing = changing.then(change);
          return changing;
        },
      };
      const run = await finishedRun(service, await startSync(service, account, round === 4 ? 'FULL' : undefined));
      proxy.fault = null;
      await changing;
      expect(step - steps).toBeGreaterThan(5);
      expect(run).toMatchObject({ status: 'SUCCEEDED' });
      const after = await sync(service, account);
      await isEqual();
      expect(await receiptOf(service, after.id)).toMatchObject({ complete: true });
    }
  });

  test('a large mailbox that is renamed while it is read deletes nothing', async () => {
    await actor.select('INBOX');
    await actor.copy('1:*', large);
    await actor.copy('1:*', large);
    await sync(service, account);
    const before = (await isEqual()).length;
    await actor.append(large, messages.next().value!);
    let renamed = false;
    proxy.fault = {
      before({ name }) {
        if (name !== 'UID SEARCH' || renamed) return undefined;
        renamed = true;
        return actor.rename(large, `${large}2`);
      },
    };
    await finishedRun(service, await startSync(service, account));
    proxy.fault = null;
    expect(renamed).toBe(true);
    await sync(service, account);
    const events = (await isEqual()).slice(before);
    // Courier has no stable ids, so the mailbox is recognised by its messages.
    expect(events).toContain(name === 'Courier' ? 'email_moved' : 'mailbox_renamed');
    expect(events).not.toContain('email_deleted');
  });
});

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { provenCurrentAt, receiptOf } from '../../lab/assertions/receipt.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { mails } from '../../lab/mail/mails.ts';
import { CAPABILITY_LEVELS } from '../../lab/servers/capability-levels.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, eventsOf, finishedRun, startSync, sync } from '../../lab/service/sync.ts';
import { startScriptedMailbox } from '../imap/scripted-mailbox.ts';

let service: Service;
let databaseUrl: string;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
});

afterAll(() => service?.stop());

const inDatabase = (sql: string): Promise<number | null> =>
  withDatabase({ databaseUrl }, async (client) => (await client.query(sql)).rowCount);

/** The digest as docs/correctness.md defines it: from UIDVALIDITY and `UID SEARCH ALL`. */
async function digestOnServer(actor: RawImap, path: string): Promise<string> {
  const { uidValidity } = await actor.select(path);
  const ranges: number[][] = [];
  for (const uid of (await actor.uids()).sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last.at(-1) === uid - 1) last[1] = uid;
    else ranges.push([uid]);
  }
  const set = ranges.map((range) => range.join(':')).join(',');
  return createHash('sha256').update(`${uidValidity}\n${set}`).digest('hex');
}

describe.each(CAPABILITY_LEVELS)('on a server with %s', (level, capability) => {
  test('each run proves what is stored, from what the server reported', async () => {
    await using server = await startDovecot(capability ? { capability } : {});
    const user = `receipt-${level.toLowerCase()}`;
    server.addUser(user, { INBOX: mails(0, 30), Archive: mails(30, 35) });
    const account = await connectAccount(service, server, user);
    using actor = await RawImap.login({ ...server, user });
    const flagsAreProven = { flagsProven: true, complete: true, gaps: [], gapCount: 0, repairs: 0 };

    const first = await sync(service, account);
    const receipt = await receiptOf(service, first.id);
    expect(receipt).toMatchObject({
      complete: true,
      mailboxes: [
        { mailbox: 'INBOX', serverMessages: 30, storedMessages: 30, proof: 'UID_SET', ...flagsAreProven },
        { mailbox: 'Archive', serverMessages: 5, storedMessages: 5, proof: 'UID_SET', ...flagsAreProven },
      ],
    });
    for (const { mailbox, uidSetDigest } of receipt!.mailboxes) {
      expect(uidSetDigest).toBe(await digestOnServer(actor, mailbox));
    }
    const provenFirst = await provenCurrentAt(service, account);

    // Without changes, the server's STATUS is enough if it has mod-sequences.
    const again = await receiptOf(service, (await sync(service, account)).id);
    expect(again!.mailboxes.map(({ uidSetDigest }) => uidSetDigest)).toEqual(
      receipt!.mailboxes.map(({ uidSetDigest }) => uidSetDigest),
    );
    expect(again!.complete).toBe(true);
    const proof = level === 'neither' ? 'UID_SET' : 'STATUS';
    expect(again!.mailboxes.map((mailbox) => mailbox.proof)).toEqual([proof, proof]);
    for (const [path, at] of await provenCurrentAt(service, account)) {
      expect(Date.parse(at!)).toBeGreaterThan(Date.parse(provenFirst.get(path)!));
    }

    await actor.select('INBOX');
    await actor.expunge('3,7:9');
    server.deliver(user, 'INBOX', mails(35, 37));
    const changed = await receiptOf(service, (await sync(service, account)).id);
    expect(changed).toMatchObject({
      complete: true,
      mailboxes: [{ serverMessages: 28, storedMessages: 28, ...flagsAreProven }, { mailbox: 'Archive' }],
    });
    expect(changed!.mailboxes[0]!.uidSetDigest).toBe(await digestOnServer(actor, 'INBOX'));
  });

  test('a full sync finds and repairs lost rows without fetching known messages', async () => {
    await using server = await startDovecot(capability ? { capability } : {});
    const user = `full-${level.toLowerCase()}`;
    server.addUser(user, { INBOX: mails(0, 30) });
    const account = await connectAccount(service, server, user);
    await sync(service, account);
    const sane = await sync(service, account, 'FULL');
    expect(sane.stats).toMatchObject({ messagesFetched: 0, messagesUpdated: 0, messagesDeleted: 0 });
    expect((await receiptOf(service, sane.id))!.mailboxes).toMatchObject([
      { proof: 'UID_SET', flagsProven: true, complete: true, repairs: 0 },
    ]);

    // Faults that no sync should cause: a lost row, an extra one, flags that are not the server's.
    const rows = `message_location l USING mailbox m, email_account a
      WHERE l.mailbox_id = m.id AND m.account_id = a.id AND a.email_address = '${user}@example.com'`;
    await inDatabase(`DELETE FROM ${rows} AND l.uid = 4`);
    await inDatabase(
      `UPDATE message_location l SET flags = '{Wrong}' FROM ${rows.split('USING ')[1]} AND l.uid IN (5, 6)`,
    );
    const full = await sync(service, account, 'FULL');
    expect(full.stats.messagesFetched).toBeLessThanOrEqual(1);
    expect((await receiptOf(service, full.id))!.mailboxes).toMatchObject([
      { proof: 'UID_SET', flagsProven: true, complete: true, storedMessages: 30 },
    ]);
    expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...server, user }));
  });
});

test('repairs of a full sync are counted and logged as faults', async () => {
  dovecot.addUser('repaired', { INBOX: mails(0, 20) });
  const account = await connectAccount(service, dovecot, 'repaired');
  await sync(service, account);
  await inDatabase(
    `UPDATE message_location l SET flags = '{Wrong}' FROM mailbox m, email_account a WHERE l.mailbox_id = m.id
     AND m.account_id = a.id AND a.email_address = 'repaired@example.com' AND l.uid IN (5, 6)`,
  );
  await inDatabase(
    `INSERT INTO message_location (mailbox_id, generation, uid, account_id, flags, size)
     SELECT m.id, 0, 3000000000, a.id, '{}', 7 FROM mailbox m JOIN email_account a ON a.id = m.account_id
     WHERE a.email_address = 'repaired@example.com'`,
  );
  // A change on the server meanwhile is no fault.
  using actor = await RawImap.login({ ...dovecot, user: 'repaired' });
  await actor.select('INBOX');
  await actor.store('9', '+FLAGS', '\\Flagged');
  const run = await sync(service, account, 'FULL');
  expect((await receiptOf(service, run.id))!.mailboxes).toMatchObject([{ gaps: [], complete: true, repairs: 3 }]);
  expect(service.log()).toContain('stored messages differed from the server and were corrected');
  expect((await eventsOf(service, account)).filter(({ type }) => type === 'email_flags_changed')).toHaveLength(3);
  expect((await receiptOf(service, (await sync(service, account, 'FULL')).id))!.mailboxes[0]!.repairs).toBe(0);
});

test('a failed run, and one that has not ended, have no receipt', async () => {
  await using server = await startScriptedMailbox({
    reply: ({ command, tag }) => (command === 'LIST' ? `${tag} BAD no` : undefined),
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'unproven', { verify: false });
  const run = await finishedRun(service, await startSync(service, account));
  expect(run.status).toBe('FAILED');
  expect(await receiptOf(service, run.id)).toBeNull();
});

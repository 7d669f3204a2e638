import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type MailboxReceipt, receiptOf } from '../../lab/assertions/receipt.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, sync } from '../../lab/service/sync.ts';
import { startScriptedMailbox } from '../imap/scripted-mailbox.ts';

let service: Service;
let databaseUrl: string;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
});

afterAll(() => service?.stop());

async function receipt(runId: string): Promise<MailboxReceipt[]> {
  return (await receiptOf(service, runId))!.mailboxes;
}

test('a mailbox that cannot be opened is quarantined, and keeps its mail', async () => {
  dovecot.addUser('closed', { INBOX: mails(0, 5), Secret: mails(5, 9), Sent: mails(9, 12) });
  const account = await connectAccount(service, dovecot, 'closed');
  await sync(service, account);
  const secret = join(dovecot.folder, 'mail', 'closed', '.Secret');
  dovecot.deliver('closed', 'Sent', mails(12, 13));
  dovecot.deliver('closed', 'Secret', mails(13, 14));
  for (const folder of ['cur', 'new', 'tmp', '.']) chmodSync(join(secret, folder), 0);
  const run = await sync(service, account);
  for (const folder of ['.', 'cur', 'new', 'tmp']) chmodSync(join(secret, folder), 0o700);
  const receipts = await receipt(run.id);
  expect(receipts.find(({ mailbox }) => mailbox === 'Secret')).toMatchObject({
    storedMessages: 4,
    serverMessages: null,
    uidSetDigest: null,
    complete: false,
    gaps: [{ uid: null, reason: 'MAILBOX_REFUSED' }],
  });
  expect(receipts.find(({ mailbox }) => mailbox === 'Sent')).toMatchObject({ storedMessages: 4, complete: true });
  expect(run.stats).toMatchObject({ messagesFetched: 1, messagesDeleted: 0 });

  expect(await receiptOf(service, (await sync(service, account)).id)).toMatchObject({ complete: true });
  expect(await storedTruth({ databaseUrl }, 'closed@example.com')).toEqual(await truth({ ...dovecot, user: 'closed' }));
});

test('a mailbox that is deleted between LIST and SELECT blocks no other', async () => {
  await using server = await startScriptedMailbox({
    exists: 0,
    search: ({ tag }) => `* SEARCH\r\n${tag} OK done`,
    reply: ({ command, rest, tag }) => {
      if (command === 'LIST') {
        const listed = rest.includes('*') ? '* LIST () "/" INBOX\r\n* LIST () "/" Gone' : '* LIST (\\Noselect) "/" ""';
        return `${listed}\r\n${tag} OK done`;
      }
      return command === 'SELECT' && /Gone/.test(rest) ? `${tag} NO [NONEXISTENT] no such mailbox` : undefined;
    },
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'hasty');
  expect(await receipt((await sync(service, account)).id)).toMatchObject([
    { mailbox: 'INBOX', complete: true },
    { mailbox: 'Gone', complete: false, gaps: [{ uid: null, reason: 'MAILBOX_GONE' }] },
  ]);
});

test('a server that refuses every mailbox fails the run', async () => {
  await using server = await startScriptedMailbox({
    reply: ({ command, tag }) => (command === 'SELECT' ? `${tag} NO not today` : undefined),
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'shut', { verify: false });
  const run = await finishedRun(service, await startSync(service, account));
  expect(run).toMatchObject({ status: 'FAILED', error: { code: 'IMAP_SERVER_REFUSED' } });
});

test('a SEARCH with fewer UIDs than EXISTS deletes nothing', async () => {
  let listed = [1, 2, 3];
  await using server = await startScriptedMailbox({
    exists: 3,
    search: ({ tag, rest }) => {
      const set = rest.split('UID ').at(-1)!;
      const found = set.includes('*') ? listed : listed.filter((uid) => set.split(/[:,]/).includes(String(uid)));
      return `* SEARCH ${found.join(' ')}\r\n${tag} OK done`;
    },
    fetch: ({ tag, rest }) => {
      const item = (uid: number) =>
        rest.includes('BODY')
          ? 'BODY[] {4}\r\nA: b'
          : `FLAGS () INTERNALDATE "01-Nov-2026 10:00:0${uid} +0000" RFC822.SIZE 4`;
      return [...listed.map((uid) => `* ${uid} FETCH (UID ${uid} ${item(uid)})`), `${tag} OK done`].join('\r\n');
    },
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'short', { verify: false });
  expect(await receiptOf(service, (await sync(service, account)).id)).toMatchObject({ complete: true });
  listed = [1, 3];
  for (const mode of ['FULL', 'INCREMENTAL']) {
    const run = await sync(service, account, mode);
    expect(run.stats.messagesDeleted).toBe(0);
    expect(await receiptOf(service, run.id)).toMatchObject({
      complete: false,
      mailboxes: [{ storedMessages: 3, gaps: [{ uid: null, reason: 'SERVER_CONTRADICTS_ITSELF' }] }],
    });
  }
  listed = [1, 2, 3];
  expect(await receiptOf(service, (await sync(service, account, 'FULL')).id)).toMatchObject({ complete: true });
});

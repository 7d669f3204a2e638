import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { explain, type History, mailboxId } from '../../lab/assertions/explain-difference.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, sync } from '../../lab/service/sync.ts';

let service: Service;

beforeAll(async () => {
  service = await startService({ databaseUrl: await postgres.createDatabase() });
});

afterAll(() => service?.stop());

/** Each history as lines, after checking that its times never decrease. */
const linesOf = (histories: History[]): string[][] =>
  histories.map(({ facts }) => {
    expect(facts.map(({ at }) => at)).toEqual(facts.map(({ at }) => at).toSorted());
    return facts.map(({ kind, mailbox, uid }) => `${kind} ${mailbox} ${uid}`);
  });

const mail = (id: string): { bytes: Buffer } => ({
  bytes: Buffer.from(`From: ann@example.com\r\nSubject: ${id}\r\nMessage-ID: <${id}@example.com>\r\n\r\nhello\r\n`),
});

test('explainMessage, flagged, copied, moved, renumbered and deleted mail', async () => {
  dovecot.addUser('story', { INBOX: [mail('other'), mail('hero')], Archive: [], Copies: [] });
  const account = await connectAccount(service, dovecot, 'story');
  using actor = await RawImap.login({ ...dovecot, user: 'story' });
  await sync(service, account);
  await actor.select('INBOX');
  await actor.store('2', '+FLAGS', '\\Flagged');
  await sync(service, account);
  await actor.copy('2', 'Copies');
  await sync(service, account);
  await actor.move('2', 'Archive');
  await sync(service, account);
  await dovecot.doveadm('mailbox', 'update', '-u', 'story', '--uid-validity', '4242424242', 'Copies');
  await sync(service, account);
  await actor.select('Archive');
  await actor.expunge('1');
  await sync(service, account);

  const story = [
    'SEEN INBOX 2',
    'FETCHED INBOX 2',
    'FLAGS_CHANGED INBOX 2',
    'SEEN Copies 1',
    'DEDUPLICATED Copies 1',
    'SEEN Archive 1',
    'RECOGNISED Archive 1',
    'MOVED INBOX 2',
    'SEEN Copies 1',
    'RENUMBERED Copies 1',
    'DELETED Archive 1',
  ];
  for (const header of ['<hero@example.com>', 'hero@example.com']) {
    expect(linesOf(await explain(service, { account, header }))).toEqual([story]);
  }
  const [hero] = await explain(service, { account, mailbox: await mailboxId(service, account, 'INBOX'), uid: '2' });
  expect(hero!.facts.map(({ kind }) => kind)).toEqual(story.map((line) => line.split(' ')[0]));
  expect(hero!.facts.find(({ kind }) => kind === 'MOVED')!.detail).toBe('to Archive, UID 1');
  expect(hero!.facts.find(({ kind }) => kind === 'FLAGS_CHANGED')!.detail).toBe('() to (\\Flagged)');
});

test('explainMessage, quarantined mail, retried without success, then stored', async () => {
  dovecot.addUser('patient', { INBOX: [mail('first'), mail('patient')] });
  const folder = join(dovecot.folder, 'mail', 'patient', 'cur');
  const file = join(folder, readdirSync(folder).toSorted()[1]!);
  chmodSync(file, 0);
  const account = await connectAccount(service, dovecot, 'patient');
  await sync(service, account);
  await sync(service, account, 'FULL');
  const place = { account, mailbox: await mailboxId(service, account, 'INBOX'), uid: '2' };
  const waiting = ['SEEN INBOX 2', 'QUARANTINED INBOX 2', 'QUARANTINED INBOX 2'];
  expect(await explain(service, place)).toMatchObject([
    { messageId: null, facts: [{}, { detail: 'NOT_SERVED, attempt 1' }, {}] },
  ]);
  expect(linesOf(await explain(service, place))).toEqual([waiting]);
  chmodSync(file, 0o600);
  await sync(service, account, 'FULL');
  expect(linesOf(await explain(service, place))).toEqual([[...waiting, 'FETCHED INBOX 2']]);
  expect(linesOf(await explain(service, { account, header: 'patient@example.com' }))).toEqual([
    [...waiting, 'FETCHED INBOX 2'],
  ]);
});

test('explainMessage, an unknown message or too few arguments', async () => {
  dovecot.addUser('plain');
  const account = await connectAccount(service, dovecot, 'plain');
  await sync(service, account);
  expect(await explain(service, { account, header: 'nobody@example.com' })).toEqual([]);
  expect(await explain(service, { account, mailbox: await mailboxId(service, account, 'INBOX'), uid: '9' })).toEqual(
    [],
  );
  for (const variables of [{ account }, { account, uid: '1' }, { account, header: 'a@b', uid: '1' }]) {
    const { errors } = await service.ask(
      `query ($account: ID!, $uid: BigInt, $header: String) {
        explainMessage(accountId: $account, uid: $uid, messageIdHeader: $header) { messageId }
      }`,
      variables,
    );
    expect(errors![0]!.extensions.code).toBe('BAD_USER_INPUT');
  }
});

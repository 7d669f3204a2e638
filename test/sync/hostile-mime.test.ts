import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { HOSTILE } from '../../lab/mail/hostile-mime.ts';
import { startCourier } from '../../lab/servers/courier.ts';
import { startCyrus } from '../../lab/servers/cyrus.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, sync } from '../../lab/service/sync.ts';

vi.setConfig({ testTimeout: 180_000 });
let databaseUrl: string;
let service: Service;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
});

afterAll(() => service?.stop());

/** How many messages of the account have a parse_error, and how many there are. */
const parsed = (emailAddress: string) =>
  withDatabase({ databaseUrl }, async (client) => {
    const { rows } = await client.query<{ subject: string | null; error: string | null }>(
      `SELECT m.subject, m.parse_error AS error FROM message m JOIN email_account a ON a.id = m.account_id
       WHERE a.email_address = $1`,
      [emailAddress],
    );
    return rows;
  });

test('hostile messages are stored byte for byte as Dovecot serves them', async () => {
  const user = 'hostile';
  const plain = (n: number) => ({ bytes: Buffer.from(`Subject: plain ${n}\r\n\r\nx\r\n`) });
  const all = Object.values(HOSTILE).flatMap((make, n) => [{ bytes: make() }, plain(n)]);
  dovecot.addUser(user, { INBOX: all });
  const account = await connectAccount(service, dovecot, user);
  const { stats } = await sync(service, account);
  expect(stats.messagesFetched).toBe(all.length);
  expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));
  const messages = await parsed(`${user}@example.com`);
  expect(messages.filter(({ subject, error }) => subject?.startsWith('plain') && !error)).toHaveLength(all.length / 2);
  // No content of a message makes a second run do anything.
  expect((await sync(service, account)).stats).toMatchObject({ messagesFetched: 0, eventsCreated: 0 });
});

test.each([
  ['Cyrus', startCyrus],
  ['Courier', startCourier],
])('hostile messages are stored byte for byte as %s serves them', async (name, start) => {
  await using server = await start();
  using actor = await RawImap.login({ ...server, user: 'ann' });
  let taken = 0;
  for (const make of Object.values(HOSTILE)) {
    // Both reject some messages.
    taken += await actor.append('INBOX', make()).then(
      () => 1,
      () => 0,
    );
  }
  expect(taken).toBeGreaterThan(Object.keys(HOSTILE).length / 2);
  const emailAddress = `${name}@hostile.example.com`;
  const account = await connectAccount(service, server, 'ann', { emailAddress });
  expect((await sync(service, account)).stats.messagesFetched).toBe(taken);
  expect(await storedTruth({ databaseUrl }, emailAddress)).toEqual(await truth({ ...server, user: 'ann' }));
});

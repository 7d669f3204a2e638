import { expect } from 'vitest';
import type { Dovecot } from '../servers/dovecot.ts';
import type { Service } from '../service/service.ts';
import { eventsOf, verifyChain } from '../service/sync.ts';
import { repeatedFacts } from './repeated-facts.ts';
import { truth } from './server-truth.ts';
import { storedTruth, withDatabase } from './stored-truth.ts';

/**
 * Checks what must hold after any fault: the database equals the server, the timeline verifies and repeats nothing, and
 * none of the account's runs is lost, stuck or duplicated.
 */
export async function expectConsistent(
  at: { service: Service; databaseUrl: string; server: Dovecot },
  { account, user, runs }: { account: string; user: string; runs: number },
): Promise<void> {
  const { service, databaseUrl, server } = at;
  expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...server, user }));
  expect(await verifyChain(service, account)).toMatchObject({ ok: true });
  const events = await eventsOf(service, account);
  expect(repeatedFacts(events)).toEqual([]);
  expect(events.filter(({ type }) => type === 'sync_succeeded')).toHaveLength(runs);
  const { rows } = await withDatabase({ databaseUrl }, (client) =>
    client.query<{ status: string }>(
      `SELECT r.status FROM sync_run r JOIN email_account a ON a.id = r.account_id WHERE a.email_address = $1`,
      [`${user}@example.com`],
    ),
  );
  expect(rows.map(({ status }) => status)).toEqual(Array(runs).fill('SUCCEEDED'));
}

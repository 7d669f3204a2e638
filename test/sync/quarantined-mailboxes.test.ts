import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDatabase } from '../../lab/assertions/stored-truth.ts';
import { parseCaseScript } from '../../lab/scripted-servers/case-script.ts';
import { startCaseServer } from '../../lab/scripted-servers/case-server.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync } from '../../lab/service/sync.ts';

const SCRIPT = `# The SELECT of one mailbox ends the connection
mailbox INBOX
message 1 "inbox"
mailbox Bad uidvalidity=4
message 1 "bad"
on SELECT Bad
  !close
on EXAMINE Bad
  !close
`;
const MINUTE = 60_000;

let databaseUrl: string;
let service: Service;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
});

afterAll(() => service?.stop());

test('a mailbox that ends the connection is retried after doubling delays', async () => {
  await using server = await startCaseServer(parseCaseScript(SCRIPT));
  const account = await connectAccount(service, { ...server, password: 'secret' }, 'ann', {
    emailAddress: 'backoff@example.com',
  });
  /** How often a run selects the mailbox. */
  async function selectsOf(mode: 'INCREMENTAL' | 'FULL' = 'INCREMENTAL'): Promise<number> {
    const before = server.received.length;
    expect(await finishedRun(service, await startSync(service, account, mode))).toMatchObject({ status: 'SUCCEEDED' });
    return server.received.slice(before).filter((line) => /(SELECT|EXAMINE) "?Bad/i.test(line)).length;
  }

  expect(await selectsOf()).toBeGreaterThan(0);
  expect(await stored()).toEqual({ attempts: 1, wait: 20 * MINUTE });
  expect(await selectsOf()).toBe(0);
  expect(await stored()).toMatchObject({ attempts: 1 });

  await becomeDue();
  expect(await selectsOf()).toBeGreaterThan(0);
  expect(await stored()).toEqual({ attempts: 2, wait: 40 * MINUTE });
  expect(await selectsOf()).toBe(0);

  expect(await selectsOf('FULL')).toBeGreaterThan(0);
  expect(await stored()).toEqual({ attempts: 3, wait: 80 * MINUTE });
});

/** The attempts on the mailbox so far, and the time until the next one in milliseconds, to the minute. */
async function stored(): Promise<{ attempts: number; wait: number }> {
  const { rows } = await withDatabase({ databaseUrl }, (client) =>
    client.query<{ attempts: number; retryAt: Date }>(
      `SELECT attempts, retry_at AS "retryAt" FROM mailbox WHERE path = 'Bad'`,
    ),
  );
  const { attempts, retryAt } = rows[0]!;
  return { attempts, wait: Math.round((retryAt.getTime() - Date.now()) / MINUTE) * MINUTE };
}

async function becomeDue(): Promise<void> {
  await withDatabase({ databaseUrl }, (client) =>
    client.query(`UPDATE mailbox SET retry_at = now() - interval '1 second' WHERE path = 'Bad'`),
  );
}

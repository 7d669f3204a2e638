import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { mails } from '../lab/mail/mails.ts';
import { startDovecot } from '../lab/servers/dovecot.ts';
import { startPostgres } from '../lab/servers/postgres.ts';
import { type Service, startService } from '../lab/service/service.ts';
import { verifyChain } from '../lab/service/sync.ts';
import { findings } from './soak-findings.ts';

/**
 * Runs the service on its own: many accounts on a private Dovecot, synced by the schedule every minute, while mail
 * arrives, flags change, passwords become wrong and right again, and the service is restarted and killed. Then the rows
 * show whether a run was lost or repeated, and how long accounts had to wait.
 *
 *   npm run soak -- [--accounts 1000] [--minutes 10] [--concurrency 16] [--restarts 4] [--changes 5]
 *
 * Restarts happen in the first half, so that the second one shows whether memory grows. Changes are per second. Exits
 * with 1 if an invariant is violated.
 */
const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '10' },
    concurrency: { type: 'string', default: '16' },
    restarts: { type: 'string', default: '4' },
    changes: { type: 'string', default: '5' },
  },
});
const [count, minutes, restarts, changesPerSecond] = [
  Number(values.accounts),
  Number(values.minutes),
  Number(values.restarts),
  Number(values.changes),
];
const INTERVAL_S = 60;
const API_KEY = `mt_soak_${'0'.repeat(32)}`;
const CREATE = 'mutation ($input: CreateEmailAccountInput!) { createEmailAccount(input: $input) { id } }';
const UPDATE =
  'mutation ($id: ID!, $input: UpdateEmailAccountInput!) { updateEmailAccount(id: $id, input: $input) { id } }';

await using dovecot = await startDovecot({ maxConnections: 200 });
await using postgres = await startPostgres();
const databaseUrl = await postgres.createDatabase();
const some = mails(0, 200);
const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;

const startOne = () =>
  startService({
    databaseUrl,
    environment: {
      API_KEY,
      SYNC_ENABLED: 'true',
      SYNC_INTERVAL_MINUTES: '1',
      SYNC_CONCURRENCY: values.concurrency,
      SYNC_MAX_RETRIES: '3',
      SYNC_RETRY_BASE_SECONDS: '5',
      LOG_LEVEL: 'error',
    },
  });
let service: Service = await startOne();
/** Log lines of all processes so far that report an error. */
const errors: string[] = [];

console.log(`connecting ${count} accounts ...`);
const accounts: { user: string; id: string; messages: number }[] = [];
for (let i = 0; i < count; i += 1) {
  const user = `soak-${i}`;
  dovecot.addUser(user, { INBOX: [pick(some), pick(some)] });
  const { createEmailAccount } = await service.data<{ createEmailAccount: { id: string } }>(CREATE, {
    input: {
      emailAddress: `${user}@example.com`,
      imap: { host: dovecot.host, port: dovecot.port, security: 'NONE', username: user },
      credentials: { password: dovecot.password },
      verify: false,
    },
  });
  accounts.push({ user, id: createEmailAccount.id, messages: 2 });
}

const began = Date.now();
const ends = began + minutes * 60_000;
const elapsed = () => (Date.now() - began) / 1000;
const tally = { delivered: 0, flagged: 0, lockedOut: 0, mended: 0, restarts: 0, kills: 0 };
/** Accounts that have a wrong password now, and since when: they are not to be synced. */
const lockedOut = new Map<string, number>();

await Promise.all([disturb(), restart(), sampleMemory()]);
console.log('waiting for what is under way ...');
for (const id of lockedOut.keys()) await mend(id);
// Two intervals: by then everything that was delivered must be stored.
await pause(2 * INTERVAL_S * 1000);

const client = new Client({ connectionString: databaseUrl });
await client.connect();
const found = await findings(client, { from: new Date(began), intervalSeconds: INTERVAL_S, accounts });
await client.end();
const chains = await Promise.all(Array.from({ length: 20 }, () => verifyChain(service, pick(accounts).id)));
keepErrors();
await service.stop();

console.log('\nwhat happened', tally);
console.log('what was found', found.figures);
const broken = [
  ...found.broken,
  ...(chains.every(({ ok }) => ok) ? [] : ['a timeline does not verify']),
  ...(errors.length > 0 ? [`${errors.length} errors were logged, the first: ${errors[0]}`] : []),
];
console.log(broken.length > 0 ? `\nBROKEN\n${broken.join('\n')}` : '\nnothing lost, nothing doubled, nobody forgotten');
process.exit(broken.length > 0 ? 1 : 0);

async function disturb(): Promise<void> {
  while (Date.now() < ends) {
    const account = pick(accounts);
    const dice = Math.random();
    if (dice < 0.8) {
      dovecot.deliver(account.user, 'INBOX', [pick(some)]);
      account.messages += 1;
      tally.delivered += 1;
    } else if (dice < 0.95) {
      await dovecot.doveadm('flags', 'add', '-u', account.user, pick(['\\Seen', '\\Flagged']), 'mailbox', 'INBOX', '1');
      tally.flagged += 1;
    } else {
      const [first] = lockedOut.keys();
      if (first && lockedOut.size > count / 50) await mend(first);
      else if (await update(account.id, 'wrong')) {
        lockedOut.set(account.id, Date.now());
        tally.lockedOut += 1;
      }
    }
    await pause(1000 / changesPerSecond);
  }
}

async function mend(id: string): Promise<void> {
  while (!(await update(id, dovecot.password))) await pause(200);
  lockedOut.delete(id);
  tally.mended += 1;
}

/** False while the service is down. */
async function update(id: string, password: string): Promise<boolean> {
  try {
    await service.data(UPDATE, { id, input: { credentials: { password }, verify: false } });
    return true;
  } catch {
    return false;
  }
}

async function restart(): Promise<void> {
  for (let i = 0; i < restarts; i += 1) {
    await pause((minutes * 60_000) / 2 / (restarts + 1));
    const kill = i % 2 === 1;
    keepErrors();
    await service.stop(kill ? 'SIGKILL' : 'SIGTERM');
    service = await startOne();
    tally[kill ? 'kills' : 'restarts'] += 1;
  }
}

function keepErrors(): void {
  errors.push(
    ...service
      .log()
      .split('\n')
      .filter((line) => line.startsWith('{')),
  );
}

async function sampleMemory(): Promise<void> {
  while (Date.now() < ends) {
    await pause(Math.min(30_000, ends - Date.now()));
    try {
      const status = readFileSync(`/proc/${service.pid}/status`, 'utf8');
      const rss = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024);
      console.log(`${elapsed().toFixed(0).padStart(5)} s: ${rss} MB, ${tally.delivered} delivered`);
    } catch {
      console.log(`${elapsed().toFixed(0).padStart(5)} s: the service is down`);
    }
  }
}

import { randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { repeatedFacts } from '../lab/assertions/repeated-facts.ts';
import { truth } from '../lab/assertions/server-truth.ts';
import { type StoredAt, storedTruth, withDatabase } from '../lab/assertions/stored-truth.ts';
import { RawImap } from '../lab/imap-client/raw-imap.ts';
import { enlargedCorpus, withCrlf } from '../lab/mail/corpus.ts';
import { type Dovecot, startDovecot } from '../lab/servers/dovecot.ts';
import { startPostgres } from '../lab/servers/postgres.ts';
import { type Service, startService } from '../lab/service/service.ts';
import { connectAccount, eventsOf, finishedRun, startSync, verifyChain } from '../lab/service/sync.ts';

/**
 * Kills the service with SIGKILL at random moments of its syncs, for some minutes. A mailbox of real messages changes,
 * a run begins, and the service is killed up to four times. After the run, the database must equal the server, and the
 * chain of events must be intact and repeat nothing. Alternates between the embedded database and PostgreSQL.
 *
 *   npm run random-kills [-- --minutes 10]
 */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const API_KEY = `mt_kills_${randomBytes(32).toString('base64url')}`;
const MAILBOXES = ['INBOX', 'Archive', 'Work'];
const MOST_KILLS = 4;
/** Longer than most runs, in milliseconds, so that kills hit all of a run and the time between two. */
const LONGEST_LIFE = 1500;

const messages = enlargedCorpus(50);
const take = (count: number) => Array.from({ length: count }, () => messages.next().value!);

class Candidate {
  readonly name: string;
  readonly at: StoredAt;
  readonly #server: Dovecot;
  #service: Service | undefined;
  #account = '';
  rounds = 0;
  kills = 0;

  constructor(name: string, at: StoredAt, server: Dovecot) {
    this.name = name;
    this.at = at;
    this.#server = server;
  }

  async begin(): Promise<void> {
    this.#server.addUser(this.name, Object.fromEntries(MAILBOXES.map((path) => [path, take(200)])));
    await this.#start();
    this.#account = await connectAccount(this.#service!, this.#server, this.name);
  }

  async round(): Promise<void> {
    this.rounds += 1;
    await this.#change();
    const runId = await startSync(this.#service!, this.#account);
    for (let kills = randomInt(1, MOST_KILLS + 1); kills > 0; kills -= 1) {
      await pause(randomInt(LONGEST_LIFE));
      this.kills += 1;
      await this.#service!.stop('SIGKILL');
      await this.#start();
    }
    const run = await finishedRun(this.#service!, runId);
    if (run.status !== 'SUCCEEDED') throw new Error(`${this.name}: ${run.status} ${JSON.stringify(run.error)}`);
    await this.#check();
  }

  /** Everything that happens to mailboxes, partly at random. */
  async #change(): Promise<void> {
    const { name } = this;
    for (const path of MAILBOXES) this.#server.deliver(name, path, take(randomInt(150)));
    using actor = await RawImap.login({ ...this.#server, user: name });
    for (const path of MAILBOXES) {
      await actor.select(path);
      let uids = await actor.uids();
      const some = (most: number) =>
        Array.from({ length: randomInt(1, most) }, () => uids[randomInt(uids.length)]).join(',');
      await actor.store(some(40), '+FLAGS', '\\Flagged');
      await actor.store(some(40), '-FLAGS', '\\Flagged');
      await actor.move(some(10), MAILBOXES[randomInt(MAILBOXES.length)]!);
      // Dovecot copies nothing of what has just been moved away.
      uids = await actor.uids();
      await actor.copy(some(5), 'Archive');
      await actor.expunge(some(20));
    }
    const [passing] = take(1);
    if ((await actor.list()).some(({ path }) => path === 'Passing')) await actor.delete('Passing');
    else await actor.create('Passing').then(() => actor.append('Passing', withCrlf(passing!.bytes)));
  }

  async #check(): Promise<void> {
    const stored = await storedTruth(this.at, `${this.name}@example.com`);
    const real = await truth({ ...this.#server, user: this.name });
    if (!isDeepStrictEqual(stored, real)) throw new Error(`${this.name}: the database is not equal to the server`);
    const chain = await verifyChain(this.#service!, this.#account);
    if (!chain.ok) throw new Error(`${this.name}: the chain is broken: ${JSON.stringify(chain)}`);
    const repeated = repeatedFacts(await eventsOf(this.#service!, this.#account));
    if (repeated.length > 0) throw new Error(`${this.name}: repeated: ${repeated.join('\n')}`);
  }

  async #start(): Promise<void> {
    // On a database that nodes may share, the rest of a dead worker's lease has to pass; here it does not.
    if ('databaseUrl' in this.at && this.kills > 0) {
      await withDatabase(this.at, (client) =>
        client.query(`UPDATE sync_run SET lease_expires_at = now() - interval '1 second' WHERE status = 'RUNNING'`),
      );
    }
    // On a busy machine the service may not live long enough for progress, and a run that is lost so often fails.
    const environment = { API_KEY, LOG_LEVEL: 'warn', SYNC_MAX_RETRIES: '20' };
    this.#service = await startService({ ...this.at, environment });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.stop();
  }
}

await using dovecot = await startDovecot();
await using postgres = await startPostgres();
const dataDir = mkdtempSync(join(tmpdir(), 'data-'));
await using embedded = new Candidate('embedded', { dataDir }, dovecot);
await using onPostgres = new Candidate('postgres', { databaseUrl: await postgres.createDatabase() }, dovecot);
const candidates = [embedded, onPostgres];
for (const candidate of candidates) await candidate.begin();

const end = performance.now() + Number(values.minutes) * 60_000;
while (performance.now() < end) {
  for (const candidate of candidates) {
    await candidate.round();
    process.stdout.write(
      `\r${candidates.map(({ name, rounds, kills }) => `${name}: ${rounds} rounds, ${kills} kills`).join('; ')}`,
    );
  }
}
console.log('\nafter each round the database was equal to the server');
rmSync(dataDir, { recursive: true, force: true });

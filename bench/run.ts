import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { enlargedCorpus } from '../lab/mail/corpus.ts';
import { startDovecot } from '../lab/servers/dovecot.ts';
import { startPostgres } from '../lab/servers/postgres.ts';
import type { Contender, Result } from './contender.ts';
import { mailtide } from './mailtide.ts';
import { mbsync } from './mbsync.ts';
import { startLatency } from './start-latency.ts';

/**
 * A mailbox of 24,184 real messages on a private Dovecot, copied by Mailtide (embedded database and PostgreSQL) and by
 * mbsync, alternately, so that other load on the machine affects all of them. Prints the median of the rounds and, in
 * brackets, the smallest and largest value.
 *
 *   npm run bench [-- --rounds 3] [--copies 4]
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    copies: { type: 'string', default: '4' },
    only: { type: 'string', default: '' },
  },
});
const USER = 'bench';

await using dovecot = await startDovecot();
await using postgres = await startPostgres();
console.log('laying down the mailbox ...');
dovecot.addUser(USER, { INBOX: enlargedCorpus(Number(values.copies)) });
// Dovecot indexes a new mailbox when it is first opened, which is not part of any measurement.
await dovecot.doveadm('index', '-u', USER, 'INBOX');

const contenders: Contender[] = [
  mailtide('Mailtide, embedded', dovecot, USER, null),
  mailtide('Mailtide, PostgreSQL', dovecot, USER, () => postgres.createDatabase()),
  mbsync(dovecot, USER, true),
  mbsync(dovecot, USER, false),
].filter((contender) => contender.name.includes(values.only));
const results = new Map<string, Result[]>();
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const contender of contenders) {
    const result = await contender.run();
    results.set(contender.name, [...(results.get(contender.name) ?? []), result]);
    console.log(`round ${round}, ${contender.name}: ${result.seconds.toFixed(1)} s, ${result.messages} messages`);
  }
}

console.log(
  `\n${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}\n`,
);
console.log('| | seconds | messages/s | CPU s | peak RSS MB | nothing new, s | time / mbsync |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
const reference = median((results.get('mbsync') ?? []).map((result) => result.seconds));
for (const [name, rows] of results) {
  const column = (of: (row: Result) => number, digits: number): string => {
    const sorted = rows.map(of).sort((a, b) => a - b);
    const [low, high] = [sorted[0]!, sorted.at(-1)!].map((value) => value.toFixed(digits));
    return `${median(sorted).toFixed(digits)} (${low} to ${high})`;
  };
  const seconds = median(rows.map((row) => row.seconds));
  console.log(
    `| ${name} | ${column((row) => row.seconds, 1)} | ${(rows[0]!.messages / seconds).toFixed(0)} | ` +
      `${column((row) => row.cpuSeconds, 1)} | ${column((row) => row.peakRssMb, 0)} | ` +
      `${column((row) => row.unchangedSeconds, 2)} | ${(seconds / reference).toFixed(2)} |`,
  );
}

console.log('\n`startEmailSync` while another account syncs, ms: median, 95th percentile, answers');
for (const [name, databaseUrl] of [
  ['embedded', undefined],
  ['PostgreSQL', await postgres.createDatabase()],
] as const) {
  const taken = await startLatency(dovecot, USER, databaseUrl);
  const at = (share: number): string => (taken[Math.floor(taken.length * share)] ?? Number.NaN).toFixed(1);
  console.log(`${name}: ${at(0.5)}, ${at(0.95)}, ${taken.length}`);
}
process.exit(0);

function median(numbers: number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

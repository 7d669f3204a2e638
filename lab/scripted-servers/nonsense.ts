import fc from 'fast-check';
import { expect } from 'vitest';
import type { SyncReceipt } from '../../src/domain/receipt.ts';
import { type Engine, startEngine } from '../service/engine.ts';
import { newScript } from './case-script.ts';
import { type Alter, startCaseServer } from './case-server.ts';
import { altering, costsOf, type Fault, faults, isUnproven } from './odd-faults.ts';
import type { Cost, Place } from './odd-fields.ts';
import { ODD_MAILBOXES, stagesOf, type Truth, truthOf, uidAt, type World, worlds } from './odd-world.ts';

/** Deadlines in milliseconds: what silence costs a run. */
const DEADLINES = { connectMs: 2000, greetingMs: 250, loginMs: 500, silenceMs: 250, commandMs: 5000, logoutMs: 100 };
/** An example that takes longer than this hangs, in milliseconds. Each of its runs may meet silence a few times. */
const PATIENCE = 60_000;
/** Servers at a time, because most of a server's time passes in silence. */
const LANES = 6;

export type OddServer = { world: World; odd: Fault[] };

const oddServer: fc.Arbitrary<OddServer> = fc.record({
  world: worlds,
  // Mostly one fault, whose cost is then known exactly.
  odd: fc.oneof(
    { weight: 4, arbitrary: fc.array(faults, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(faults, { minLength: 2, maxLength: 3 }) },
  ),
});

/**
 * Syncs servers with invalid answers for `forMs`, several at a time. No run may end as INTERNAL, all valid data must be
 * stored, what is not stored must have a gap, and a server that is correct again must be equal after one full sync.
 * Fails with the seed and the smallest failing server.
 * @returns the number of servers.
 */
export async function expectNothingLostOverNonsense(
  forMs: number,
  examples: readonly OddServer[],
  seed = Date.now() & 0x3fff_ffff,
): Promise<number> {
  await using engine = await startEngine(DEADLINES);
  console.log(`nonsense: seeds ${seed} to ${seed + LANES - 1}`);
  let played = 0;
  for (const example of examples) await play(engine, example);
  const lane = (at: number) =>
    fc.assert(
      fc.asyncProperty(oddServer, async (server) => {
        await play(engine, server);
        played += 1;
      }),
      {
        seed: seed + at,
        numRuns: 1_000_000,
        interruptAfterTimeLimit: forMs,
        markInterruptAsFailure: false,
        timeout: PATIENCE,
      },
    );
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, (_, at) => lane(at)));
  const failures = lanes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  if (failures.length > 0)
    throw failures.length === 1
      ? failures[0]
      : new AggregateError(failures, failures.map((one) => (one as Error).message).join('\n\n'));
  console.log(`nonsense: ${played} servers`);
  return played;
}

/** Two runs with the faults, and a full one once the server is correct. */
async function play(engine: Engine, { world, odd }: OddServer): Promise<void> {
  const stages = stagesOf(world);
  const script = newScript();
  const truths = stages.map((_, stage) => truthOf(stages.slice(stage, stage + 1), script));
  const placed = odd.map((fault) => ({ fault, at: placeOf(world, fault) }));
  let alter: Alter = altering(placed);
  await using server = await startCaseServer(stages, (response, asked) => alter(response, asked));
  const account = await engine.newAccount();
  const sync = async (mode: 'INCREMENTAL' | 'FULL') => {
    const outcome = await engine.sync(account, server, mode);
    if ('code' in outcome && !outcome.code.startsWith('IMAP_')) throw outcome.error;
    return outcome;
  };
  const allowed = new Set(placed.flatMap(({ fault, at }) => costsOf(fault, at)));
  // The search for renamed mailboxes opens others, and a break on one of these ends the run.
  if (odd.length > 1 && allowed.has('mailbox')) allowed.add('run');

  for (const [run, truth] of truths.entries()) {
    const outcome = await sync('INCREMENTAL');
    if ('code' in outcome) {
      if (!allowed.has('run')) throw outcome.error;
    } else {
      expectHonest(outcome.receipt, truth, await storedFacts(engine, account.accountId), placed);
    }
    server.afterRun(run + 1);
  }
  if (!allowed.has('run')) expectSoundStored(truths.at(-1)!, await storedFacts(engine, account.accountId), placed);

  alter = (response) => [response];
  const outcome = await sync('FULL');
  if ('code' in outcome) throw outcome.error;
  expectEqual(truths.at(-1)!, await storedFacts(engine, account.accountId), placed);
  expect(outcome.receipt, 'of a sound server').toMatchObject({ complete: true });
}

type Placed = { fault: Fault; at: Place };

function placeOf({ counts }: World, { mailbox, message }: Fault): Place {
  const count = counts[ODD_MAILBOXES.indexOf(mailbox)]!;
  const uids = Array.from({ length: count + 1 }, (_, index) => uidAt(index));
  return { mailbox, uid: uids[message % uids.length]!, uids };
}

/**
 * Checks that each valid message of each mailbox is stored as it is on the server, except for what the faults may cost.
 */
function expectSoundStored(truth: Truth, stored: Truth, placed: readonly Placed[]): void {
  for (const [name, messages] of truth) {
    const here = placed.filter(({ at }) => at.mailbox === name);
    const anywhere = new Set<Cost>(here.flatMap(({ fault, at }) => costsOf(fault, at)));
    if (anywhere.has('mailbox')) continue;
    for (const [uid, facts] of messages) {
      const its = new Set(here.filter(({ at }) => at.uid === uid).flatMap(({ fault, at }) => costsOf(fault, at)));
      const found = stored.get(name)?.get(uid);
      if (its.has('message')) continue;
      expect(found, `UID ${uid} of ${name}`).toBeDefined();
      if (!its.has('trust')) expect(found!.sha256, `bytes of UID ${uid} of ${name}`).toBe(facts.sha256);
      if (its.has('metadata') || anywhere.has('metadata of all')) continue;
      expect(found!.date, `date of UID ${uid} of ${name}`).toBe(facts.date);
      if (!anywhere.has('flags')) expect(found!.flags, `flags of UID ${uid} of ${name}`).toEqual(facts.flags);
    }
  }
}

/** Checks that all is equal, except dates that could not be read, which are not fetched again. */
function expectEqual(truth: Truth, stored: Truth, placed: readonly Placed[]): void {
  for (const { at } of placed.filter(({ fault, at }) =>
    costsOf(fault, at).some((cost) => cost.startsWith('metadata')),
  )) {
    const messages = stored.get(at.mailbox);
    for (const [uid, facts] of messages ?? []) {
      if (facts.date === '') facts.date = truth.get(at.mailbox)?.get(uid)?.date ?? '';
    }
  }
  // If the server has sent other bytes for a message, no client can tell them from the message.
  for (const { at } of placed.filter(({ fault, at }) => costsOf(fault, at).includes('trust'))) {
    const facts = stored.get(at.mailbox)?.get(at.uid);
    if (facts) facts.sha256 = truth.get(at.mailbox)?.get(at.uid)?.sha256 ?? facts.sha256;
  }
  expect(stored, 'after the server is sound again').toEqual(truth);
}

/** Checks that a mailbox whose receipt is complete is equal, and that an incomplete one has a gap. */
function expectHonest(receipt: SyncReceipt, truth: Truth, stored: Truth, placed: readonly Placed[]): void {
  const distrusted = placed.some(({ fault, at }) => costsOf(fault, at).includes('run'));
  for (const { mailbox, complete, gapCount, serverMessages } of receipt.mailboxes) {
    if (!complete) expect(gapCount, `gaps of ${mailbox}`).toBeGreaterThan(0);
    const here = placed.filter(({ at }) => at.mailbox === mailbox);
    // Two wrong values may agree with each other.
    if (!complete || here.length > 1 || !truth.has(mailbox)) continue;
    if (distrusted || here.some(({ fault, at }) => costsOf(fault, at).includes('trust'))) continue;
    const theirs = [...truth.get(mailbox)!.keys()].toSorted((a, b) => a - b);
    expect([...(stored.get(mailbox)?.keys() ?? [])], `${mailbox}, which is complete`).toEqual(theirs);
    if (here.some(({ fault }) => isUnproven(fault))) expect(serverMessages, `${mailbox}, EXISTS`).toBe(theirs.length);
  }
  if (receipt.complete && !distrusted && placed.length === 1) {
    const shown = receipt.mailboxes.map(({ mailbox }) => mailbox);
    const [{ fault, at }] = placed as [Placed];
    const isHidden = costsOf(fault, at).includes('trust') || ('field' in fault && fault.field === 'LIST attributes');
    if (!isHidden) expect(shown).toEqual(expect.arrayContaining([...truth.keys()]));
  }
}

async function storedFacts({ pool }: Engine, accountId: string): Promise<Truth> {
  type Row = { path: string; uid: string; flags: string[]; date: Date | null; sha256: string };
  const { rows } = await pool.query<Row>(
    `SELECT b.path, l.uid, l.flags, l.internal_date AS date, encode(m.sha256, 'hex') AS sha256 FROM mailbox b
     LEFT JOIN message_location l ON l.mailbox_id = b.id AND l.deleted_at IS NULL AND l.state = 'STORED'
       AND l.generation = b.generation
     LEFT JOIN message m ON m.id = l.message_id
     WHERE b.account_id = $1 AND b.deleted_at IS NULL ORDER BY b.path, l.uid`,
    [accountId],
  );
  const stored = new Map<string, Map<number, { flags: string[]; date: string; sha256: string }>>();
  for (const { path, uid, flags, date, sha256 } of rows) {
    const mailbox = stored.get(path) ?? new Map();
    stored.set(path, mailbox);
    const facts = { flags: flags?.toSorted(), date: date?.toISOString() ?? '', sha256 };
    if (uid !== null) mailbox.set(Number(uid), facts);
  }
  return stored;
}

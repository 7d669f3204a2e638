import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { DelayedError, type Job, type Queue, Worker } from 'bullmq';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { RedisLink } from '../../redis.ts';
import { type Blocked, type ClaimedRun, nextRun } from '../../store/runs/claim-run.ts';
import { dispatchableRuns } from '../../store/runs/dispatchable-runs.ts';
import { frontOf } from './job-fronts.ts';
import { idOf, QUEUE_NAME, type SyncJob } from './sync-job.ts';
import type { RunHandler } from './sync-queue.ts';
import type { WorkerSlot, WorkerSlots } from './worker-slots.ts';

/**
 * A message's lock is renewed from a timer, at half of it. A worker that died is found by its run's lease, in the rows,
 * which is renewed more often (LEASE_SECONDS); this only returns messages that their worker had not acted on yet.
 */
const LOCK_MS = 20_000;
const STALLED_EVERY_MS = 5_000;
/** How often a message may be handed out anew: the rows say when to give a run up. */
const MAX_STALLED = 1_000;
/** How long BullMQ waits before it tries again what failed for want of Redis. */
const TRY_AGAIN_MS = 1_000;

/** A run that may not begin yet is asked about again after this; later, when many are, so that asking costs little. */
const ASK_AGAIN_MS = 1_000;
const ASK_AGAIN_MS_EACH = 10;
/** A claim takes milliseconds. Who waits longer for it leaves the message to others, whose database may answer. */
const CLAIM_WITHIN_MS = 3_000;
/** Progress is for who looks at the dashboard. */
const PROGRESS_EVERY_MS = 1_000;

export interface BullmqWorkerOptions {
  readonly redis: RedisLink;
  readonly prefix: string;
  readonly pool: Pool;
  readonly messages: Queue<SyncJob>;
  readonly worker: { readonly slots: WorkerSlots; readonly concurrency: number; readonly handler: RunHandler };
  /** Sends the message of what comes next for a run; resolves when it has gone out, and never rejects. */
  readonly dispatch: (runs: readonly SyncRun[]) => Promise<void>;
  readonly log: Logger;
}

export interface BullmqWorker {
  /** To be said again and again: only a worker whose database answers takes messages. */
  databaseAnswers(): void;
  close(): Promise<void>;
}

/**
 * Takes messages from BullMQ as long as there are places:
 *
 *   claimed                       -> the run is carried out; the message ends with its attempt
 *   the run may not begin yet     -> the message is put off, by the rules that hold without BullMQ too
 *   it does not wait any more     -> the message ends
 *   the database does not answer  -> the message goes back, and no other is taken until it does: this worker may be cut
 *                                    off from it alone, and whatever it holds the others cannot do
 */
export function createBullmqWorker(options: BullmqWorkerOptions): BullmqWorker {
  const { redis, prefix, pool, messages, worker, dispatch, log } = options;
  /** Is there while messages are put off until something ends. */
  const putOff = `${prefix}:put-off`;

  const bullWorker = new Worker<SyncJob>(QUEUE_NAME, take, {
    connection: redis.blocking(),
    prefix,
    name: `${hostname()}-${process.pid}`,
    concurrency: worker.concurrency,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_EVERY_MS,
    maxStalledCount: MAX_STALLED,
    runRetryDelay: TRY_AGAIN_MS,
    metrics: { maxDataPoints: 24 * 60 },
  });
  bullWorker.on('error', (error) => log.debug({ err: error }, 'queue worker'));

  async function take(job: Job<SyncJob>, token: string | undefined): Promise<unknown> {
    // One that was on its way when we stopped taking them.
    const slot = bullWorker.isPaused() ? null : worker.slots.take();
    // Full of runs that were taken from the rows, or closing.
    if (!slot) return askAgain(job, token, null);
    const claim = worker.handler.claimNamed(job.data.runId, slot.isLast);
    const answer = await inTime(claim, CLAIM_WITHIN_MS).catch((error: unknown) => {
      log.error({ err: error, runId: job.data.runId }, 'a run could not be claimed');
      return null;
    });
    if (!answer) {
      void afterAll(claim, slot);
      await takeNoMore();
      return askAgain(job, token, null);
    }
    const [claimed] = answer;
    if (!isClaimed(claimed)) {
      slot.leave();
      return claimed ? askAgain(job, token, claimed.until) : 'not waiting any more';
    }
    const latest = await carryOut(slot, claimed, job);
    return outcomeOf(latest);
  }

  async function takeNoMore(): Promise<void> {
    if (bullWorker.isPaused()) return;
    log.warn('the database does not answer: syncs are left to other workers');
    await bullWorker.pause(true);
  }

  /** What comes of a claim whose message was given back: a run that it took all the same is carried out without one. */
  async function afterAll(claim: Promise<ClaimedRun | Blocked | null>, slot: WorkerSlot): Promise<void> {
    const claimed = await claim.catch((error: unknown) => {
      log.debug({ err: error }, 'a claim came to nothing');
      return null;
    });
    if (isClaimed(claimed)) await carryOut(slot, claimed, null);
    else slot.leave();
  }

  /** @returns the run as its attempt left it; the message of what comes next is sent. */
  async function carryOut(slot: WorkerSlot, claimed: ClaimedRun, job: Job<SyncJob> | null): Promise<SyncRun> {
    let latest = claimed.run;
    let shownAt = 0;
    await slot.carryOut(claimed, (row) => {
      latest = row;
      if (row.status === 'RUNNING' && performance.now() - shownAt < PROGRESS_EVERY_MS) return;
      shownAt = performance.now();
      // For the dashboard only: who watches a run is told by the bus.
      job?.updateProgress(row.percent).catch(() => {});
    });
    // First of all its own, or this worker would go on with what came after it.
    if (latest.status === 'QUEUED' || latest.status === 'WAITING_RETRY') await dispatch([latest]);
    await callNext(latest.status === 'QUEUED').catch((error: unknown) =>
      log.debug({ err: error }, 'nobody was called'),
    );
    return latest;
  }

  /** Puts a message off. Throws what tells BullMQ so. */
  async function askAgain(job: Job<SyncJob>, token: string | undefined, until: Date | null): Promise<never> {
    let waitMs = until ? until.getTime() - Date.now() : ASK_AGAIN_MS;
    if (!until) {
      waitMs += (await messages.getDelayedCount()) * ASK_AGAIN_MS_EACH;
      await redis.commands.set(putOff, 1, 'PX', waitMs + ASK_AGAIN_MS);
    }
    // A run's time is kept by the database's clock: whatever ours says, not again at once.
    await job.moveToDelayed(Date.now() + Math.max(waitMs, ASK_AGAIN_MS / 10), token);
    throw new DelayedError();
  }

  /**
   * Something has ended: of the runs that wait for that, the one whose turn it is has its message back at once. And who
   * was given way to comes next, whatever was sent before: its tenant waits, and another run of the same one would only
   * have to give way in its turn.
   */
  async function callNext(gaveWay: boolean): Promise<void> {
    if (!redis.isReady || !(gaveWay || (await redis.commands.get(putOff)) !== null)) return;
    const next = await nextRun(pool);
    const [run] = next === null ? [] : await dispatchableRuns(pool, [next]);
    const job = run && (await messages.getJob(idOf(run.runId, run.sequence)));
    if (!job) return;
    if (await job.isDelayed()) await job.promote();
    if (!gaveWay) return;
    const head = await frontOf(redis, messages, run.trigger);
    // Null when another worker was quicker.
    if (head !== null) await job.changePriority({ priority: head, lifo: true });
  }

  return {
    databaseAnswers() {
      if (!bullWorker.isPaused()) return;
      log.info('the database answers again');
      void bullWorker.resume();
    },
    close: () => bullWorker.close().catch(() => {}),
  };
}

const isClaimed = (claim: ClaimedRun | Blocked | null): claim is ClaimedRun => claim !== null && 'lease' in claim;

/** What `promise` resolves to, in a list; null when it takes longer than that many milliseconds. */
async function inTime<T>(promise: Promise<T>, ms: number): Promise<[T] | null> {
  const waiting = new AbortController();
  const late = pause(ms, null, { signal: waiting.signal }).catch(() => null);
  const answer = promise.then((value): [T] => [value]);
  return Promise.race([answer, late]).finally(() => waiting.abort());
}

/** What became of an attempt, for the dashboard. */
function outcomeOf(run: SyncRun): unknown {
  const { status, errorCode, errorMessage, messagesCreated, messagesUpdated, messagesDeleted } = run;
  if (errorCode) {
    const failed = new Error(`${errorCode}: ${errorMessage}`);
    failed.stack = '';
    throw failed;
  }
  if (status === 'RUNNING') return 'cancelled, or taken over by another worker';
  return { status, messagesCreated, messagesUpdated, messagesDeleted };
}

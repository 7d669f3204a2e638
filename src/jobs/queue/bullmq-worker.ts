import { hostname } from 'node:os';
import { DelayedError, type Job, type Queue, Worker } from 'bullmq';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { RedisLink } from '../../redis.ts';
import { type Blocked, type ClaimedRun, nextRun } from '../../store/runs/claim-run.ts';
import { dispatchableRuns } from '../../store/runs/dispatchable-runs.ts';
import { TimedOut, withTimeout } from '../../with-timeout.ts';
import { frontOf } from './job-fronts.ts';
import { jobIdOf, QUEUE_NAME, type SyncJob } from './sync-job.ts';
import type { RunHandler } from './sync-queue.ts';
import type { WorkerSlot, WorkerSlots } from './worker-slots.ts';

/**
 * A job's lock. BullMQ renews it from a timer, at half of this time. A dead worker is detected by the lease of its run
 * (LEASE_SECONDS), which is renewed more often. The lock only returns jobs that a worker took without claiming their
 * run.
 */
const LOCK_MS = 20_000;
const STALLED_EVERY_MS = 5_000;
/**
 * How often a job may stall and be delivered again. Practically without limit: the run's row decides when to give up.
 */
const MAX_STALLED = 1_000;
/** How long BullMQ waits before it retries a failed Redis command. */
const TRY_AGAIN_MS = 1_000;

/**
 * Delay of the job of a run that may not begin yet. It grows with the number of delayed jobs, so that polls stay cheap.
 */
const ASK_AGAIN_MS = 1_000;
const ASK_AGAIN_MS_EACH = 10;
/**
 * A claim takes milliseconds. If it takes longer than this, the worker leaves the job to others with a working
 * database.
 */
const CLAIM_WITHIN_MS = 3_000;
/** Interval of progress updates on the dashboard. */
const PROGRESS_EVERY_MS = 1_000;

export interface BullmqWorkerOptions {
  readonly redis: RedisLink;
  readonly prefix: string;
  readonly pool: Pool;
  readonly messages: Queue<SyncJob>;
  readonly worker: { readonly slots: WorkerSlots; readonly concurrency: number; readonly handler: RunHandler };
  /** Adds the next job of each run. Resolves when they are added, and never rejects. */
  readonly dispatch: (runs: readonly SyncRun[]) => Promise<void>;
  readonly log: Logger;
}

export interface BullmqWorker {
  /** To be called whenever the database has answered: a worker takes jobs only while its database does. */
  databaseAnswers(): void;
  close(): Promise<void>;
}

/**
 * Takes jobs from BullMQ while slots are free, and claims their runs:
 *
 *   claimed                       -> the worker carries out the run; the job ends with the attempt
 *   the run may not begin yet     -> the job is delayed, by the same rules as without BullMQ
 *   the run is not waiting        -> the job ends
 *   the database does not answer  -> the job is returned, and the worker takes no other until the database answers:
 *                                    perhaps only this worker is cut off, and others cannot do the jobs that it holds
 */
export function createBullmqWorker(options: BullmqWorkerOptions): BullmqWorker {
  const { redis, prefix, pool, messages, worker, dispatch, log } = options;
  /** Key that exists while jobs are delayed until another run ends. */
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
  bullWorker.on('error', (error) => log.debug({ err: error }, 'queue worker error'));

  async function take(job: Job<SyncJob>, token: string | undefined): Promise<unknown> {
    // A paused worker may still receive a job that was on its way.
    const slot = bullWorker.isPaused() ? null : worker.slots.take();
    // All slots are taken by runs claimed without jobs, or the worker is closing.
    if (!slot) return askAgain(job, token, null);
    const claim = worker.handler.claimNamed(job.data.runId, slot.isLast);
    let claimed: ClaimedRun | Blocked | null;
    try {
      claimed = await withTimeout(claim, CLAIM_WITHIN_MS);
    } catch (error) {
      if (!(error instanceof TimedOut)) log.error({ err: error, runId: job.data.runId }, 'a run could not be claimed');
      void afterAll(claim, slot);
      await takeNoMore();
      return askAgain(job, token, null);
    }
    if (!isClaimed(claimed)) {
      slot.leave();
      return claimed ? askAgain(job, token, claimed.until) : 'no longer queued';
    }
    const latest = await carryOut(slot, claimed, job);
    return outcomeOf(latest);
  }

  async function takeNoMore(): Promise<void> {
    if (bullWorker.isPaused()) return;
    log.warn('the database does not respond: this worker claims no runs');
    await bullWorker.pause(true);
  }

  /** Handles a claim that completes after its job was returned: a run that it still claimed is carried out. */
  async function afterAll(claim: Promise<ClaimedRun | Blocked | null>, slot: WorkerSlot): Promise<void> {
    const claimed = await claim.catch((error: unknown) => {
      log.debug({ err: error }, 'late claim failed');
      return null;
    });
    if (isClaimed(claimed)) await carryOut(slot, claimed, null);
    else slot.leave();
  }

  /** Carries out a run, adds its next job if it still waits, and returns it as the attempt left it. */
  async function carryOut(slot: WorkerSlot, claimed: ClaimedRun, job: Job<SyncJob> | null): Promise<SyncRun> {
    let latest = claimed.run;
    let shownAt = 0;
    await slot.carryOut(claimed, (row) => {
      latest = row;
      if (row.status === 'RUNNING' && performance.now() - shownAt < PROGRESS_EVERY_MS) return;
      shownAt = performance.now();
      // For the dashboard only: subscribers receive progress from the bus.
      job?.updateProgress(row.percent).catch(() => {});
    });
    // Its own job first, or this worker would take a later job before it.
    if (latest.status === 'QUEUED' || latest.status === 'WAITING_RETRY') await dispatch([latest]);
    await callNext(latest.status === 'QUEUED').catch((error: unknown) =>
      log.debug({ err: error }, 'the next job could not be promoted'),
    );
    return latest;
  }

  /** Delays a job. @throws DelayedError, by which BullMQ recognises that it was delayed */
  async function askAgain(job: Job<SyncJob>, token: string | undefined, until: Date | null): Promise<never> {
    let waitMs = until ? until.getTime() - Date.now() : ASK_AGAIN_MS;
    if (!until) {
      waitMs += (await messages.getDelayedCount()) * ASK_AGAIN_MS_EACH;
      await redis.commands.set(putOff, 1, 'PX', waitMs + ASK_AGAIN_MS);
    }
    // The database's clock decides when a run is due. If this node's clock differs, the job still does not return at
    // once.
    await job.moveToDelayed(Date.now() + Math.max(waitMs, ASK_AGAIN_MS / 10), token);
    throw new DelayedError();
  }

  /**
   * Promotes the job of the next run after a run has ended: jobs may be delayed until then. After a preemption, the run
   * that it made room for comes first, whichever jobs were added before. Otherwise another run of the preempted tenant
   * could begin, and would only be preempted in turn.
   */
  async function callNext(wasPreempted: boolean): Promise<void> {
    if (!redis.isReady || !(wasPreempted || (await redis.commands.get(putOff)) !== null)) return;
    const next = await nextRun(pool);
    const [run] = next === null ? [] : await dispatchableRuns(pool, [next]);
    const job = run && (await messages.getJob(jobIdOf(run.runId, run.sequence)));
    if (!job) return;
    if (await job.isDelayed()) await job.promote();
    if (!wasPreempted) return;
    const front = await frontOf(redis, messages, run.trigger);
    // Null if another worker was faster.
    if (front !== null) await job.changePriority({ priority: front, lifo: true });
  }

  return {
    databaseAnswers() {
      if (!bullWorker.isPaused()) return;
      log.info('the database responds again');
      void bullWorker.resume();
    },
    close: () => bullWorker.close().catch(() => {}),
  };
}

const isClaimed = (claim: ClaimedRun | Blocked | null): claim is ClaimedRun => claim !== null && 'lease' in claim;

/** Returns or throws the outcome of an attempt, for the dashboard. */
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

import { Queue } from 'bullmq';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { coalesced } from '../../coalesced.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { RedisLink } from '../../redis.ts';
import { type DispatchableRun, dispatchableRuns, waitingRuns } from '../../store/runs/dispatchable-runs.ts';
import { type BullmqWorkerOptions, createBullmqWorker } from './bullmq-worker.ts';
import { frontOf } from './job-fronts.ts';
import { createLocalQueue } from './local-queue.ts';
import { jobIdOf, messageOf, QUEUE_NAME, type SyncJob } from './sync-job.ts';
import type { SyncQueue } from './sync-queue.ts';

export interface BullmqQueueOptions {
  readonly redis: RedisLink;
  /** Prefix of all keys and channels. Installations that share a Redis have different ones. */
  readonly prefix: string;
  readonly pool: Pool;
  /** Makes this process a worker; without it, the process only adds jobs. */
  readonly worker?: BullmqWorkerOptions['worker'];
  readonly log: Logger;
}

export interface BullmqQueue extends SyncQueue {
  /** BullMQ's queue, for the dashboard. */
  readonly messages: Queue;
}

/** Jobs in one command. */
const BATCH = 500;

/** How long closing waits for Redis, in milliseconds: a Redis that does not answer must not keep a process running. */
const CLOSE_WITHIN_MS = 3_000;

/**
 * The queue between nodes, over BullMQ. Each time a run is queued, one job is added. Its id contains the run and the
 * sequence of that frame, so that adding it again has no effect. BullMQ delivers jobs in the order of their priority
 * (job-priority.ts) to a free worker, which claims the run in the database (bullmq-worker.ts). BullMQ retries no job
 * (`attempts: 1`): after a failure, jobs/attempt/retry-policy.ts decides, and a retry is a new job.
 *
 * Redis may be emptied or unavailable at any time. While it is unavailable, workers claim runs from the database, as
 * nodes without Redis do.
 */
export function createBullmqQueue(options: BullmqQueueOptions): BullmqQueue {
  const { redis, prefix, pool, worker, log } = options;
  const cancels = `${prefix}:cancelled`;
  const messages = new Queue<SyncJob>(QUEUE_NAME, { connection: redis.commands, prefix });
  messages.on('error', (error) => log.debug({ err: error }, 'queue error'));
  const fromRows = worker ? createLocalQueue(worker.slots, worker.handler, log) : null;
  /** Runs whose jobs are still to be added. */
  const unsent = new Set<string>();
  /** Whether the last poll found fewer jobs than waiting runs. */
  let someMissed = false;

  async function send(asked: Promise<readonly DispatchableRun[]>): Promise<void> {
    const [runs, ...fronts] = await Promise.all([
      asked,
      frontOf(redis, messages, 'USER'),
      frontOf(redis, messages, 'SCHEDULE'),
    ]);
    for (let from = 0; from < runs.length; from += BATCH) {
      await messages.addBulk(runs.slice(from, from + BATCH).map((run) => messageOf(run, fronts)));
    }
  }

  /** Resolves when the jobs are added. Never rejects. */
  async function dispatch(runs: readonly SyncRun[]): Promise<void> {
    if (runs.length === 0) return;
    if (!redis.isReady) {
      fromRows?.dispatch(runs);
      return;
    }
    for (const { id } of runs) unsent.add(id);
    await sendUnsent();
  }

  const sendUnsent = coalesced(async () => {
    while (unsent.size > 0) {
      const runIds = [...unsent].slice(0, BATCH);
      for (const id of runIds) unsent.delete(id);
      // If a job is not added, reconcile finds it missing.
      await send(dispatchableRuns(pool, runIds)).catch((error: unknown) =>
        log.debug({ err: error }, 'jobs could not be added'),
      );
    }
  });

  async function reconcile(): Promise<void> {
    if (!redis.isReady) {
      await fromRows?.reconcile();
      return;
    }
    const [waiting, counts] = await Promise.all([
      waitingRuns(pool),
      // If Redis is unavailable since the check, the next poll counts.
      messages.getJobCounts('wait', 'prioritized', 'delayed').catch(() => null),
    ]);
    takes?.databaseAnswers();
    if (!counts) return;
    const some = Object.values(counts).reduce((sum, count) => sum + count, 0) < waiting;
    // For a moment a run has no job, between delivery and claim, so one count proves nothing.
    if (some && someMissed) {
      log.debug({ waiting, counts }, 'jobs are missing: adding them again');
      await sendAgain().catch((error: unknown) => log.debug({ err: error }, 'jobs could not be added'));
    }
    someMissed = some;
  }

  /** Adds the jobs of all waiting runs. Existing jobs are not duplicated. */
  async function sendAgain(): Promise<void> {
    const runs = await dispatchableRuns(pool, null);
    // BullMQ accepts an id once. A job that ended without its run, because Redis failed in between, must be removed
    // first.
    const ids = runs.map((run) => jobIdOf(run.runId, run.sequence));
    for (const state of ['completed', 'failed']) {
      for (let from = 0; from < ids.length; from += BATCH) {
        const some = ids.slice(from, from + BATCH);
        const ended = await redis.commands.zmscore(messages.toKey(state), ...some);
        for (const [i, score] of ended.entries()) if (score !== null) await messages.remove(some[i]!);
      }
    }
    await send(Promise.resolve(runs));
  }

  const takes = worker && createBullmqWorker({ redis, prefix, pool, messages, worker, dispatch, log });
  const stopListening = worker && redis.subscribe(cancels, (runId) => worker.slots.cancel(runId));

  return {
    messages,
    dispatch: (runs) => void dispatch(runs),
    reconcile,
    cancel(run) {
      worker?.slots.cancel(run.id);
      redis.publish(cancels, run.id);
      if (!redis.isReady) return;
      // An optimisation: no worker can claim a cancelled run. The job's id has the sequence of the previous frame if the
      // run was QUEUED, or of this one if it was WAITING_RETRY.
      for (const sequence of [run.sequence - 1n, run.sequence])
        messages.remove(jobIdOf(run.id, sequence)).catch(() => {});
    },
    async close() {
      stopListening?.();
      // If Redis is unavailable, closing does not wait for it: other workers find the returned runs in the database.
      const closing = takes?.close();
      await fromRows?.close();
      const quiet = async (): Promise<void> => {
        await closing;
        // The jobs of returned runs are added, so that another worker claims them at once.
        await sendUnsent();
      };
      await Promise.race([quiet(), new Promise((resolve) => setTimeout(resolve, CLOSE_WITHIN_MS).unref())]);
      await messages.close().catch(() => {});
    },
  };
}

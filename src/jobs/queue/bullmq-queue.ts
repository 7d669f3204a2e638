import { Queue } from 'bullmq';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { RedisLink } from '../../redis.ts';
import { type DispatchableRun, dispatchableRuns, waitingRuns } from '../../store/runs/dispatchable-runs.ts';
import { type BullmqWorkerOptions, createBullmqWorker } from './bullmq-worker.ts';
import { frontOf } from './job-fronts.ts';
import { createLocalQueue } from './local-queue.ts';
import { idOf, messageOf, QUEUE_NAME, type SyncJob } from './sync-job.ts';
import type { SyncQueue } from './sync-queue.ts';

export interface BullmqQueueOptions {
  readonly redis: RedisLink;
  /** Of all keys and channels: installations that share a Redis have different ones. */
  readonly prefix: string;
  readonly pool: Pool;
  /** What makes this process a worker; without it, it only sends messages. */
  readonly worker?: BullmqWorkerOptions['worker'];
  readonly log: Logger;
}

export interface BullmqQueue extends SyncQueue {
  /** To be looked at. */
  readonly messages: Queue;
}

/** Messages in one command. */
const BATCH = 500;

/** A Redis that does not answer must not keep a process from stopping. */
const CLOSE_WITHIN_MS = 3_000;

/**
 * BullMQ between nodes: one message for each time that a run is queued, with an id that says so, so that it can be sent
 * again. BullMQ brings it to a free worker in the order of its priority (message-priority.ts), which claims the run in
 * the rows (bullmq-worker.ts). BullMQ retries nothing (`attempts: 1`): what follows a failure jobs/attempt/retry-policy.ts
 * decides, and it is a new message.
 *
 * Redis may be emptied or gone at any time. While it is gone, workers take from the rows as nodes without it do.
 */
export function createBullmqQueue(options: BullmqQueueOptions): BullmqQueue {
  const { redis, prefix, pool, worker, log } = options;
  const cancels = `${prefix}:cancelled`;
  const messages = new Queue<SyncJob>(QUEUE_NAME, { connection: redis.commands, prefix });
  messages.on('error', (error) => log.debug({ err: error }, 'queue'));
  const fromRows = worker ? createLocalQueue(worker.slots, worker.handler, log) : null;
  /** Runs to be told of, and the sending that is under way: what comes meanwhile goes out together. */
  const unsent = new Set<string>();
  let sending: Promise<void> | null = null;
  /** Whether fewer messages than waiting runs were there the last time. */
  let someMissed = false;

  async function send(asked: Promise<readonly DispatchableRun[]>): Promise<void> {
    const [runs, ...heads] = await Promise.all([
      asked,
      frontOf(redis, messages, 'USER'),
      frontOf(redis, messages, 'SCHEDULE'),
    ]);
    for (let from = 0; from < runs.length; from += BATCH) {
      await messages.addBulk(runs.slice(from, from + BATCH).map((run) => messageOf(run, heads)));
    }
  }

  /** @returns when the messages have gone out. Never rejects. */
  async function dispatch(runs: readonly SyncRun[]): Promise<void> {
    if (runs.length === 0) return;
    if (!redis.isReady) {
      fromRows?.dispatch(runs);
      return;
    }
    for (const { id } of runs) unsent.add(id);
    while (unsent.size > 0) {
      sending ??= sendAll().finally(() => {
        sending = null;
      });
      await sending;
    }
  }

  async function sendAll(): Promise<void> {
    while (unsent.size > 0) {
      const runIds = [...unsent].slice(0, BATCH);
      for (const id of runIds) unsent.delete(id);
      // What did not go out is found missing (reconcile).
      await send(dispatchableRuns(pool, runIds)).catch((error: unknown) =>
        log.debug({ err: error }, 'messages were not sent'),
      );
    }
  }

  async function reconcile(): Promise<void> {
    if (!redis.isReady) {
      await fromRows?.reconcile();
      return;
    }
    const [waiting, counts] = await Promise.all([
      waitingRuns(pool),
      // Gone since we asked: the next look tells.
      messages.getJobCounts('wait', 'prioritized', 'delayed').catch(() => null),
    ]);
    takes?.databaseAnswers();
    if (!counts) return;
    const some = Object.values(counts).reduce((sum, count) => sum + count, 0) < waiting;
    // Between its arrival and its claim a run has no message for a moment, so one look says nothing.
    if (some && someMissed) {
      log.debug({ waiting, counts }, 'messages are missing: sending them again');
      await sendAgain().catch((error: unknown) => log.debug({ err: error }, 'messages were not sent'));
    }
    someMissed = some;
  }

  /** All that waits is told of; what is there is not doubled. */
  async function sendAgain(): Promise<void> {
    const runs = await dispatchableRuns(pool, null);
    // BullMQ takes an id once. A message that ended without its run, because Redis went in between, is in the way.
    const ids = runs.map((run) => idOf(run.runId, run.sequence));
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
      // Only to spare a worker the look: the message of a cancelled run is refused by its row.
      // It was queued one frame before its end; or it waited for its time, and would have been queued with this one.
      for (const sequence of [run.sequence - 1n, run.sequence]) messages.remove(idOf(run.id, sequence)).catch(() => {});
    },
    async close() {
      stopListening?.();
      // Without a Redis there is nobody to say goodbye to; the rows tell the others what was given back.
      const closing = takes?.close();
      await fromRows?.close();
      const quiet = async (): Promise<void> => {
        await closing;
        // Runs that were given back are told of, so that another worker has them at once.
        await sending;
      };
      await Promise.race([quiet(), new Promise((resolve) => setTimeout(resolve, CLOSE_WITHIN_MS).unref())]);
      await messages.close().catch(() => {});
    },
  };
}

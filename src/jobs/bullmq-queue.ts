import { hostname } from 'node:os';
import { DelayedError, type Job, Queue, Worker } from 'bullmq';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { SyncRun } from '../generated/prisma/client.ts';
import type { RedisLink } from '../redis.ts';
import { type Blocked, type ClaimedRun, nextRun } from '../store/runs/claim-run.ts';
import { type DispatchableRun, dispatchableRuns, waitingRuns } from '../store/runs/dispatchable-runs.ts';
import { createLocalQueue } from './local-queue.ts';
import { FIRST_SCHEDULED } from './message-priority.ts';
import type { Places } from './places.ts';
import { idOf, messageOf, type SyncJob, scoreOf } from './sync-message.ts';
import type { RunHandler, SyncQueue } from './sync-queue.ts';

export const QUEUE_NAME = 'syncs';

export interface BullmqQueueOptions {
  readonly redis: RedisLink;
  /** Of all keys and channels: installations that share a Redis have different ones. */
  readonly prefix: string;
  readonly pool: Pool;
  /** What makes this process a worker; without it, it only sends messages. */
  readonly worker?: { readonly places: Places; readonly concurrency: number; readonly handler: RunHandler };
  readonly log: Logger;
}

export interface BullmqQueue extends SyncQueue {
  /** To be looked at. */
  readonly messages: Queue;
}

/** Messages in one command. */
const BATCH = 500;

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
/** Progress is for who looks at the dashboard. */
const PROGRESS_EVERY_MS = 1_000;
/** A Redis that does not answer must not keep a process from stopping. */
const CLOSE_WITHIN_MS = 3_000;

/**
 * BullMQ between nodes: one message for each time that a run is queued, with an id that says so, so that it can be sent
 * again. BullMQ brings it to a free worker in the order of its priority (message-priority.ts); the worker
 * claims the run in the rows, by the rules that hold without BullMQ too, and puts the message off when they say so.
 * BullMQ retries nothing (`attempts: 1`): what follows a failure jobs/retry-policy.ts decides, and it is a new message.
 *
 * Redis may be emptied or gone at any time. While it is gone, workers take from the rows as nodes without it do.
 */
export function createBullmqQueue(options: BullmqQueueOptions): BullmqQueue {
  const { redis, prefix, pool, worker, log } = options;
  const cancels = `${prefix}:cancelled`;
  /** Is there while messages are put off until something ends. */
  const putOff = `${prefix}:put-off`;
  const messages = new Queue<SyncJob>(QUEUE_NAME, { connection: redis.commands, prefix });
  messages.on('error', (error) => log.debug({ err: error }, 'queue'));
  const fromRows = worker ? createLocalQueue(worker.places, worker.handler, log) : null;
  /** Runs to be told of, and the sending that is under way: what comes meanwhile goes out together. */
  const unsent = new Set<string>();
  let sending: Promise<void> | null = null;
  /** Whether fewer messages than waiting runs were there the last time. */
  let someMissed = false;

  async function send(asked: Promise<readonly DispatchableRun[]>): Promise<void> {
    const [runs, ...heads] = await Promise.all([
      asked,
      headOf(0, FIRST_SCHEDULED - 1),
      headOf(FIRST_SCHEDULED, Number.MAX_SAFE_INTEGER),
    ]);
    for (let from = 0; from < runs.length; from += BATCH) {
      await messages.addBulk(runs.slice(from, from + BATCH).map((run) => messageOf(run, heads)));
    }
  }

  /** The smallest priority of those that wait, from one to another; null when none does. */
  async function headOf(from: number, to: number): Promise<number | null> {
    const [, score] = await redis.commands.zrangebyscore(
      messages.toKey('prioritized'),
      scoreOf(from),
      scoreOf(to + 1) - 1,
      'WITHSCORES',
      'LIMIT',
      0,
      1,
    );
    return score === undefined ? null : Math.floor(Number(score) / scoreOf(1));
  }

  function dispatch(runs: readonly SyncRun[]): void {
    if (runs.length === 0) return;
    if (!redis.isReady) {
      fromRows?.dispatch(runs);
      return;
    }
    for (const { id } of runs) unsent.add(id);
    sendUnsent();
  }

  function sendUnsent(): void {
    sending ??= sendAll().finally(() => {
      sending = null;
      if (unsent.size > 0) sendUnsent();
    });
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
    const isAsked = run.trigger === 'USER';
    const head = await (isAsked ? headOf(0, FIRST_SCHEDULED - 1) : headOf(FIRST_SCHEDULED, Number.MAX_SAFE_INTEGER));
    // Null when another worker was quicker.
    if (head !== null) await job.changePriority({ priority: head, lifo: true });
  }

  async function carryOut(job: Job<SyncJob>, token: string | undefined): Promise<unknown> {
    const place = worker!.places.take();
    // Full of runs that were taken from the rows, or closing.
    if (!place) return askAgain(job, token, null);
    let claimed: ClaimedRun | Blocked | null;
    try {
      claimed = await worker!.handler.claimNamed(job.data.runId, place.isLast);
    } catch (error) {
      place.leave();
      log.error({ err: error, runId: job.data.runId }, 'a run could not be claimed');
      return askAgain(job, token, null);
    }
    if (!claimed || !('lease' in claimed)) {
      place.leave();
      return claimed ? askAgain(job, token, claimed.until) : 'not waiting any more';
    }
    let latest = claimed.run;
    let shownAt = 0;
    await place.carryOut(claimed, (row) => {
      latest = row;
      if (row.status === 'RUNNING' && performance.now() - shownAt < PROGRESS_EVERY_MS) return;
      shownAt = performance.now();
      // For the dashboard only: who watches a run is told by the bus.
      job.updateProgress(row.percent).catch(() => {});
    });
    await callNext(latest.status === 'QUEUED').catch((error: unknown) =>
      log.debug({ err: error }, 'nobody was called'),
    );
    return outcomeOf(latest);
  }

  /** What became of an attempt, for the dashboard; and the message of what comes next. */
  function outcomeOf(run: SyncRun): unknown {
    const { status, errorCode, errorMessage, messagesCreated, messagesUpdated, messagesDeleted } = run;
    if (status === 'QUEUED' || status === 'WAITING_RETRY') dispatch([run]);
    if (errorCode) {
      const failed = new Error(`${errorCode}: ${errorMessage}`);
      failed.stack = '';
      throw failed;
    }
    if (status === 'RUNNING') return 'cancelled, or taken over by another worker';
    return { status, messagesCreated, messagesUpdated, messagesDeleted };
  }

  const bullWorker =
    worker &&
    new Worker<SyncJob>(QUEUE_NAME, carryOut, {
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
  bullWorker?.on('error', (error) => log.debug({ err: error }, 'queue worker'));
  const stopListening = worker && redis.subscribe(cancels, (runId) => worker.places.cancel(runId));

  return {
    messages,
    dispatch,
    reconcile,
    cancel(run) {
      worker?.places.cancel(run.id);
      redis.publish(cancels, run.id);
      if (!redis.isReady) return;
      // Only to spare a worker the look: the message of a cancelled run is refused by its row.
      // It was queued one frame before its end; or it waited for its time, and would have been queued with this one.
      for (const sequence of [run.sequence - 1n, run.sequence]) messages.remove(idOf(run.id, sequence)).catch(() => {});
    },
    async close() {
      stopListening?.();
      // Without a Redis there is nobody to say goodbye to; the rows tell the others what was given back.
      const closing = bullWorker?.close().catch(() => {});
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

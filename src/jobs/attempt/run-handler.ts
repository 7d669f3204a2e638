import type { Logger } from 'pino';
import { progressOf } from '../../domain/progress.ts';
import type { SyncReceipt } from '../../domain/receipt.ts';
import { MailtideError, toMailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { ProgressBus } from '../../live/progress-bus.ts';
import { SpeedMeter } from '../../live/speed-meter.ts';
import { hasSynced } from '../../store/accounts/has-synced.ts';
import type { Database } from '../../store/plumbing/database.ts';
import { type ClaimedRun, claimNextRun, claimRun } from '../../store/runs/claim-run.ts';
import { finishRun } from '../../store/runs/finish-run.ts';
import { postponeRun } from '../../store/runs/postpone-run.ts';
import { preempt } from '../../store/runs/preempt.ts';
import { giveBackRun } from '../../store/runs/requeue-runs.ts';
import type { RunHandler, StopReason } from '../queue/sync-queue.ts';
import { startHeartbeat } from './heartbeat.ts';
import { createPreemption } from './preemption.ts';
import { type RetrySettings, reactionTo } from './retry-policy.ts';

export interface RunHandlerOptions {
  readonly database: Database;
  readonly bus: ProgressBus;
  readonly log: Logger;
  readonly retry: RetrySettings;
  /** Time limit of an attempt, in milliseconds. */
  readonly timeLimitMs: number;
  /** Does the work of a claimed run. Its writes are fenced; it stops soon after `signal` is aborted. */
  readonly work: (claimed: ClaimedRun, tools: RunTools) => Promise<SyncReceipt>;
}

export interface RunTools {
  readonly publish: (run: SyncRun) => void;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Runs one attempt of a run under its lease, from claim to outcome:
 *
 *   work resolves       -> SUCCEEDED
 *   work rejects        -> WAITING_RETRY or FAILED, with the error's code and sentence (retry-policy.ts)
 *   signal 'time-limit' -> the end of the queue; a failure if the attempt made no headway
 *   signal 'gives-way'  -> QUEUED: the run is preempted in favour of another; no attempt is counted
 *   signal 'shutdown'   -> QUEUED: another worker, or this one after its restart, resumes the run
 *   signal 'cancelled'  -> nothing to do: the row is already CANCELLED
 *   lease lost          -> nothing to do: another worker has the run
 */
export function createRunHandler(options: RunHandlerOptions): RunHandler {
  const { database, bus, log: parentLog, retry, timeLimitMs, work } = options;
  const { pool } = database;
  const preemption = createPreemption(pool, parentLog);

  async function attempt(
    claimed: ClaimedRun,
    signal: AbortSignal,
    log: Logger,
    onChange: (run: SyncRun) => void,
  ): Promise<void> {
    const { lease, run } = claimed;
    const meter = new SpeedMeter();
    let latest = run;
    const publish = (row: SyncRun): void => {
      latest = row;
      const speed = row.phase === 'FETCHING' ? meter.measure(row.messagesProcessed, row.messagesTotal) : undefined;
      bus.publish(progressOf(lease.tenantId, row, speed));
      onChange(row);
    };
    const stop = new AbortController();
    const stopFor = (reason: StopReason) => () => stop.abort(reason);
    const heartbeat = startHeartbeat(pool, lease, stopFor('lease-lost'), log);
    const limit = setTimeout(stopFor('time-limit'), timeLimitMs);
    const endSlice = preemption.begin(run.id, stopFor('gives-way'));
    const either = AbortSignal.any([signal, stop.signal]);
    try {
      publish(run);
      log.info({ mode: run.mode, trigger: run.trigger, attempt: run.attempt }, 'sync started');
      const receipt = await work(claimed, { publish, signal: either, log });
      ended(await finishRun(pool, lease, { status: 'SUCCEEDED', receipt }), receipt);
    } catch (error) {
      const reason = either.aborted ? (either.reason as StopReason) : null;
      await afterFailure(toMailtideError(error), reason);
    } finally {
      clearTimeout(limit);
      heartbeat.stop();
      await endSlice();
    }

    function madeHeadway(): boolean {
      return workOf(latest) > workOf(run);
    }

    async function afterFailure(error: MailtideError, reason: StopReason | null): Promise<void> {
      if (reason === 'shutdown') {
        await giveBack(false);
      } else if (reason === 'gives-way') {
        const queued = await preempt(pool, lease, madeHeadway());
        if (queued) publish(queued);
        log.info('sync preempted');
      } else if (reason === 'cancelled' || reason === 'lease-lost' || error.code === 'LEASE_LOST') {
        log.info({ reason: reason ?? error.code }, 'sync stopped');
      } else if (reason === 'time-limit') {
        if (madeHeadway()) await giveBack(true);
        else await react(new MailtideError('SYNC_TIME_LIMIT', { cause: error }));
      } else {
        await react(error);
      }
    }

    async function giveBack(toTheEnd: boolean): Promise<void> {
      const queued = await giveBackRun(pool, lease, toTheEnd);
      if (queued) publish(queued);
      log.info('sync returned to the queue');
    }

    async function react(error: MailtideError): Promise<void> {
      const { retries } = run;
      const facts = { retries, madeHeadway: madeHeadway(), hasSynced: await hasSynced(pool, lease.accountId) };
      const reaction = reactionTo(error, facts, retry, Math.random());
      const { code, message } = error;
      log.warn({ err: error, code, reaction }, 'sync attempt failed');
      if (reaction.kind === 'retry') publish(await postponeRun(pool, lease, { ...reaction, error: { code, message } }));
      else {
        const { needsAuth } = reaction;
        ended(await finishRun(pool, lease, { status: 'FAILED', error: { code, message }, needsAuth }));
      }
    }

    function ended(finished: SyncRun, receipt?: SyncReceipt): void {
      publish(finished);
      const { status, messagesCreated: created } = finished;
      log.info({ status, created, complete: receipt?.complete }, 'sync ended');
    }
  }

  return {
    claim: (lastSlot) => claimNextRun(pool, null, lastSlot),
    claimNamed: (runId, lastSlot) => claimRun(pool, runId, null, lastSlot),
    async carryOut(claimed, signal, onChange = () => {}) {
      const log = parentLog.child({ runId: claimed.run.id, accountId: claimed.lease.accountId });
      try {
        await attempt(claimed, signal, log, onChange);
      } catch (error) {
        // The run's row is still RUNNING: recovery finds it when its lease has expired.
        log.error({ err: error }, 'carrying out a run failed');
      }
    },
  };
}

/** Returns the sum of the counters that grow only by work that no later attempt repeats. */
const workOf = (run: SyncRun): number => run.messagesProcessed + run.messagesUpdated + run.messagesDeleted;

import type { DispatchableRun } from '../../store/runs/dispatchable-runs.ts';
import { priorityOf } from './job-priority.ts';

/** BullMQ's name of the queue. */
export const QUEUE_NAME = 'syncs';

/** Messages that went out, kept for the dashboard: the rows hold the history. */
const KEEP_COMPLETED = { count: 1000, age: 24 * 60 * 60 };
const KEEP_FAILED = { count: 1000, age: 7 * 24 * 60 * 60 };

/** What the dashboard shows of a run. */
export interface SyncJob extends Pick<DispatchableRun, 'runId' | 'accountId' | 'emailAddress' | 'mode' | 'trigger'> {
  readonly attempt: number;
}

/** BullMQ orders what waits by this: priorities first, then the order of arrival (its getPriorityScore.lua). */
export const scoreOf = (priority: number): number => priority * 2 ** 32;

/** The id of a message; BullMQ allows no colon. */
export const idOf = (runId: string, sequence: bigint): string => `${runId}-${sequence}`;

/**
 * The message that says that a run is queued, or will be.
 * @param heads the priorities of what is next: of what somebody asked for, and of what the schedule started
 */
export function messageOf(run: DispatchableRun, [user, scheduled]: (number | null)[]) {
  const { runId, accountId, emailAddress, mode, trigger, attempt, sequence, delayMs, turn } = run;
  return {
    name: 'sync',
    data: { runId, accountId, emailAddress, mode, trigger, attempt } satisfies SyncJob,
    opts: {
      jobId: idOf(runId, sequence),
      attempts: 1,
      delay: Math.ceil(delayMs),
      priority: priorityOf(trigger, turn, (trigger === 'USER' ? user : scheduled) ?? null),
      removeOnComplete: KEEP_COMPLETED,
      removeOnFail: KEEP_FAILED,
    },
  };
}

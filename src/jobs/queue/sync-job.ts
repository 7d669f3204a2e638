import type { DispatchableRun } from '../../store/runs/dispatchable-runs.ts';
import { priorityOf } from './job-priority.ts';

/** BullMQ's name of the queue. */
export const QUEUE_NAME = 'syncs';

/** Finished jobs kept for the dashboard. The database holds the history of runs. */
const KEEP_COMPLETED = { count: 1000, age: 24 * 60 * 60 };
const KEEP_FAILED = { count: 1000, age: 7 * 24 * 60 * 60 };

/** The data of a job, which the dashboard shows. */
export interface SyncJob extends Pick<DispatchableRun, 'runId' | 'accountId' | 'emailAddress' | 'mode' | 'trigger'> {
  readonly attempt: number;
}

/**
 * Returns the least score of a priority. BullMQ orders jobs by priority, then by arrival (its getPriorityScore.lua).
 */
export const scoreOf = (priority: number): number => priority * 2 ** 32;

/** Returns the id of a job. BullMQ allows no colon in it. */
export const jobIdOf = (runId: string, sequence: bigint): string => `${runId}-${sequence}`;

/**
 * Returns the job of a run that is queued, or will be.
 * @param fronts the priorities of the next jobs: of a user's run, and of a scheduled one
 */
export function messageOf(run: DispatchableRun, [user, scheduled]: (number | null)[]) {
  const { runId, accountId, emailAddress, mode, trigger, attempt, sequence, delayMs, turn } = run;
  return {
    name: 'sync',
    data: { runId, accountId, emailAddress, mode, trigger, attempt } satisfies SyncJob,
    opts: {
      jobId: jobIdOf(runId, sequence),
      attempts: 1,
      delay: Math.ceil(delayMs),
      priority: priorityOf(trigger, turn, (trigger === 'USER' ? user : scheduled) ?? null),
      removeOnComplete: KEEP_COMPLETED,
      removeOnFail: KEEP_FAILED,
    },
  };
}

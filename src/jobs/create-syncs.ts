import { progressOf } from '../domain/progress.ts';
import { type ErrorCode, MailtideError } from '../errors.ts';
import type { ProgressBus } from '../live/progress-bus.ts';
import type { Database } from '../store/plumbing/database.ts';
import { cancelRun } from '../store/runs/finish-run.ts';
import { queuePosition } from '../store/runs/queue-position.ts';
import { startRun } from '../store/runs/start-run.ts';
import type { SyncQueue } from './queue/sync-queue.ts';
import type { StartedSync, Syncs } from './syncs.ts';

const NOT_TO_SYNC: ReadonlySet<ErrorCode> = new Set(['NOT_FOUND', 'ACCOUNT_PAUSED', 'ACCOUNT_NEEDS_AUTH']);

function unlessNotToSync(error: unknown): null {
  if (error instanceof MailtideError && NOT_TO_SYNC.has(error.code)) return null;
  throw error;
}

export function createSyncs({
  database,
  bus,
  queue,
  traceParent = () => null,
}: {
  database: Database;
  bus: ProgressBus;
  queue: SyncQueue;
  /** Returns the trace parent of the present call, which the run that it starts inherits. */
  traceParent?: () => string | null;
}): Syncs {
  const { pool, prisma } = database;

  const start: Syncs['start'] = async (tenantId, accountId, mode, trigger = 'USER') => {
    const started = await startRun(pool, tenantId, accountId, mode, trigger, null, traceParent());
    if (!started.alreadyActive) {
      queue.dispatch([started.run]);
      bus.publish(progressOf(tenantId, started.run));
    }
    return started;
  };

  const cancel: Syncs['cancel'] = async (tenantId, runId) => {
    const { run, cancelled } = await cancelRun(pool, tenantId, runId);
    if (cancelled) {
      queue.cancel(run);
      bus.publish(progressOf(tenantId, run));
    }
    return run;
  };

  const startIfPossible: Syncs['startIfPossible'] = (tenantId, accountId) =>
    start(tenantId, accountId, 'INCREMENTAL').catch(unlessNotToSync);

  return {
    start,
    startIfPossible,
    cancel,
    async startAll(tenantId) {
      const accounts = await prisma.emailAccount.findMany({
        where: { tenantId, isActive: true, needsAuthSince: null },
        select: { id: true },
        orderBy: { createdAt: 'asc' },
      });
      const started: StartedSync[] = [];
      for (const { id } of accounts) {
        // An account that was paused, refused or deleted since the query is skipped.
        const one = await startIfPossible(tenantId, id);
        if (one) started.push(one);
      }
      return started;
    },
    queuePosition: (runId) => queuePosition(pool, runId),
    async cancelOfAccount(accountId) {
      const run = await prisma.syncRun.findFirst({
        where: { accountId, finishedAt: null },
        select: { id: true, account: { select: { tenantId: true } } },
      });
      if (run) await cancel(run.account.tenantId, run.id);
    },
  };
}

import type { SyncProgress as Progress } from '../../domain/progress.ts';
import { abortable } from '../abortable.ts';
import { builder } from '../builder.ts';
import { requireVisible } from '../found.ts';
import { encodeId } from '../ids.ts';
import { SyncError } from './sync-error.ts';
import { PLACE_COMPLEXITY, SyncPhase, SyncRunStatus, SyncStats } from './sync-run.ts';

const SyncProgress = builder.objectRef<Progress>('SyncProgress').implement({
  description: "A run's progress after a commit, from what the database holds. Counts are messages.",
  fields: (t) => ({
    accountId: t.id({ resolve: ({ accountId }) => encodeId('EmailAccount', accountId) }),
    runId: t.id({ resolve: ({ runId }) => encodeId('SyncRun', runId) }),
    sequence: t.expose('sequence', {
      type: 'BigInt',
      description: 'Grows with every frame of an account, also from one run to the next.',
    }),
    at: t.expose('at', { type: 'DateTime' }),
    status: t.expose('status', { type: SyncRunStatus }),
    phase: t.expose('phase', { type: SyncPhase }),
    attempt: t.exposeInt('attempt'),
    mailbox: t.exposeString('mailbox', { nullable: true }),
    messagesProcessed: t.exposeInt('messagesProcessed'),
    messagesTotal: t.exposeInt('messagesTotal', {
      nullable: true,
      description: 'Null until the server has said how much there is to do.',
    }),
    bytesProcessed: t.expose('bytesProcessed', { type: 'BigInt' }),
    percent: t.exposeFloat('percent', {
      nullable: true,
      description: '0 to 100, never less than before within a run; null while the total is unknown.',
    }),
    messagesPerSecond: t.exposeFloat('messagesPerSecond', {
      nullable: true,
      description: 'Over the last seconds; null while nothing was measured.',
    }),
    etaSeconds: t.exposeFloat('etaSeconds', { nullable: true }),
    nextAttemptAt: t.expose('nextAttemptAt', { type: 'DateTime', nullable: true }),
    queuePosition: t.int({
      nullable: true,
      description: 'Its place in the queue when this frame was sent, from 1; null when it is not queued.',
      complexity: PLACE_COMPLEXITY,
      resolve: ({ status, runId }, _args, { services }) =>
        status === 'QUEUED' ? services.syncs.queuePosition(runId) : null,
    }),
    stats: t.expose('stats', { type: SyncStats }),
    error: t.expose('error', { type: SyncError, nullable: true }),
  }),
});

builder.subscriptionFields((t) => ({
  syncProgress: t.field({
    description:
      "An account's progress: the present state at once (its active run, else its last one), then every change, across runs, until the account is deleted. Who reads slowly gets fewer frames, never old ones.",
    type: SyncProgress,
    args: { accountId: t.arg.id({ required: true }) },
    subscribe: async (_root, args, context) => {
      const accountId = await requireVisible(context, 'EmailAccount', args.accountId);
      return abortable(context.signal, (signal) =>
        context.services.progress.ofAccount(context.tenantId, accountId, signal),
      );
    },
    resolve: (frame) => frame,
  }),
  syncActivity: t.field({
    description: 'The progress of all your accounts: the active runs at once, then every change.',
    type: SyncProgress,
    subscribe: (_root, _args, { services, tenantId, signal }) =>
      abortable(signal, (ended) => services.progress.ofTenant(tenantId, ended)),
    resolve: (frame) => frame,
  }),
}));

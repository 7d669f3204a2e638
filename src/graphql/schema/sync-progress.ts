import type { SyncProgress as Progress } from '../../domain/progress.ts';
import { abortable } from '../abortable.ts';
import { builder } from '../builder.ts';
import { requireVisible } from '../found.ts';
import { encodeId } from '../ids.ts';
import { SyncError } from './sync-error.ts';
import { PLACE_COMPLEXITY, SyncPhase, SyncRunStatus, SyncStats } from './sync-run.ts';

const SyncProgress = builder.objectRef<Progress>('SyncProgress').implement({
  description: "A progress frame: a run's progress after a commit, from the database. Counts are in messages.",
  fields: (t) => ({
    accountId: t.id({ resolve: ({ accountId }) => encodeId('EmailAccount', accountId) }),
    runId: t.id({ resolve: ({ runId }) => encodeId('SyncRun', runId) }),
    sequence: t.expose('sequence', {
      type: 'BigInt',
      description: 'Increases with every frame of an account, across runs.',
    }),
    at: t.expose('at', { type: 'DateTime' }),
    status: t.expose('status', { type: SyncRunStatus }),
    phase: t.expose('phase', { type: SyncPhase }),
    attempt: t.exposeInt('attempt'),
    mailbox: t.exposeString('mailbox', { nullable: true }),
    messagesProcessed: t.exposeInt('messagesProcessed'),
    messagesTotal: t.exposeInt('messagesTotal', {
      nullable: true,
      description: 'Null until the total is known.',
    }),
    bytesProcessed: t.expose('bytesProcessed', { type: 'BigInt' }),
    percent: t.exposeFloat('percent', {
      nullable: true,
      description: '0 to 100. Never decreases within a run. Null while the total is unknown.',
    }),
    messagesPerSecond: t.exposeFloat('messagesPerSecond', {
      nullable: true,
      description: 'The average over the last few seconds; null while it is unknown.',
    }),
    etaSeconds: t.exposeFloat('etaSeconds', { nullable: true }),
    nextAttemptAt: t.expose('nextAttemptAt', { type: 'DateTime', nullable: true }),
    queuePosition: t.int({
      nullable: true,
      description: 'The position in the queue when this frame was sent, from 1; null if the run is not queued.',
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
      "Sends an account's progress: its active or else its last run at once, then every change, across runs, until the account is deleted. A slow client receives fewer frames, never outdated ones.",
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
    description: 'Sends the progress of all your accounts: the active runs at once, then every change.',
    type: SyncProgress,
    subscribe: (_root, _args, { services, tenantId, signal }) =>
      abortable(signal, (ended) => services.progress.ofTenant(tenantId, ended)),
    resolve: (frame) => frame,
  }),
}));

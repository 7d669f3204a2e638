import { PLAN_REASONS } from '../../domain/plan-reasons.ts';
import { type SyncStats as Stats, statsOf } from '../../domain/progress.ts';
import { type SyncRunStatus as Status, SYNC_PHASES, SYNC_RUN_TRANSITIONS } from '../../domain/sync-run.ts';
import type { StartedSync } from '../../jobs/syncs.ts';
import { builder } from '../builder.ts';
import { requireVisible } from '../found.ts';
import { decodeIdOrNone, encodeId, requireId } from '../ids.ts';
import { SyncError } from './sync-error.ts';

export const SyncRunStatus = builder.enumType('SyncRunStatus', {
  values: Object.keys(SYNC_RUN_TRANSITIONS) as Status[],
});
export const SyncPhase = builder.enumType('SyncPhase', { values: SYNC_PHASES });
const SyncMode = builder.enumType('SyncMode', {
  values: {
    INCREMENTAL: { description: 'Syncs what changed since the last run. The first run syncs everything.' },
    FULL: { description: 'Compares everything with the server. Stored messages are not fetched again.' },
  } as const,
});
const SyncTrigger = builder.enumType('SyncTrigger', { values: ['USER', 'SCHEDULE'] as const });

export const SyncStats = builder.objectRef<Stats>('SyncStats').implement({
  description: 'What a run did. The counts are committed together with the work.',
  fields: (t) => ({
    mailboxesSynced: t.exposeInt('mailboxesSynced'),
    messagesFetched: t.exposeInt('messagesFetched'),
    messagesCreated: t.exposeInt('messagesCreated'),
    messagesUpdated: t.exposeInt('messagesUpdated'),
    messagesDeleted: t.exposeInt('messagesDeleted'),
    eventsCreated: t.exposeInt('eventsCreated'),
    bytesDownloaded: t.expose('bytesDownloaded', { type: 'BigInt' }),
    durationMs: t.exposeFloat('durationMs', {
      description: "Milliseconds since the start of the run's first attempt.",
    }),
  }),
});

/** Each queue position requires the order of the whole queue. */
export const PLACE_COMPLEXITY = 10;

const SyncRunMailbox = builder.prismaObject('SyncRunMailbox', {
  description: 'How a run synced a mailbox.',
  fields: (t) => ({
    path: t.exposeString('path'),
    reason: t.exposeString('reason', {
      description: [
        'Why the run synced the mailbox the way it did, as a code. Later versions may add codes. Runs of versions before',
        'these codes have an English sentence here.\n',
        ...Object.entries(PLAN_REASONS).map(([code, meaning]) => `- \`${code}\`: ${meaning}`),
      ].join('\n'),
    }),
    attempt: t.exposeInt('attempt', { description: 'The last attempt that opened the mailbox.' }),
    plannedAt: t.expose('plannedAt', { type: 'DateTime' }),
  }),
});

export const SyncRun = builder.prismaObject('SyncRun', {
  description: 'One sync of one account, in one or more attempts.',
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('SyncRun', id) }),
    account: t.relation('account'),
    mode: t.expose('mode', { type: SyncMode }),
    trigger: t.expose('trigger', { type: SyncTrigger }),
    status: t.expose('status', { type: SyncRunStatus }),
    phase: t.expose('phase', { type: SyncPhase }),
    attempt: t.exposeInt('attempt', { description: 'The number of the current attempt, from 1.' }),
    retries: t.exposeInt('retries', { description: 'Consecutive failures that were followed by another attempt.' }),
    queuePosition: t.int({
      nullable: true,
      description: 'The position in the queue of the whole installation, from 1; null if the run is not queued.',
      complexity: PLACE_COMPLEXITY,
      resolve: (run, _args, { services }) => (run.status === 'QUEUED' ? services.syncs.queuePosition(run.id) : null),
    }),
    requestedAt: t.expose('requestedAt', { type: 'DateTime' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true }),
    nextAttemptAt: t.expose('nextAttemptAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the next attempt is due; null unless the run waits for it.',
    }),
    error: t.field({
      type: SyncError,
      nullable: true,
      resolve: (run) => (run.errorCode === null ? null : { code: run.errorCode, message: run.errorMessage ?? '' }),
    }),
    sequence: t.expose('sequence', { type: 'BigInt', description: 'The sequence number of its last progress frame.' }),
    progressAt: t.expose('progressAt', { type: 'DateTime' }),
    mailbox: t.exposeString('mailbox', {
      nullable: true,
      description: 'The path of the mailbox that the run is working on.',
    }),
    messagesProcessed: t.exposeInt('messagesProcessed'),
    messagesTotal: t.exposeInt('messagesTotal', {
      nullable: true,
      description: 'Null until the total is known.',
    }),
    bytesProcessed: t.expose('bytesProcessed', { type: 'BigInt' }),
    percent: t.float({ nullable: true, resolve: (run) => (run.messagesTotal === null ? null : run.percent) }),
    stats: t.field({ type: SyncStats, resolve: statsOf }),
    receipt: t.relation('receipt', {
      nullable: true,
      description: 'What the run proved. Null until it succeeds.',
    }),
    mailboxes: t.relatedConnection('mailboxes', {
      description:
        'The mailboxes that the run has opened so far, ordered by path. If the run succeeded, all others were proven unchanged without being opened.',
      cursor: 'runId_path',
      type: SyncRunMailbox,
      query: { orderBy: { path: 'asc' } },
    }),
  }),
});

const StartEmailSyncPayload = builder.objectRef<StartedSync>('StartEmailSyncPayload').implement({
  fields: (t) => ({
    status: t.field({ type: SyncRunStatus, resolve: ({ run }) => run.status }),
    run: t.field({ type: SyncRun, resolve: ({ run }) => run }),
    alreadyActive: t.exposeBoolean('alreadyActive', {
      description: 'True if the account already had an active run. `run` is then that run.',
    }),
    message: t.string({
      resolve: ({ alreadyActive }) =>
        alreadyActive
          ? 'A sync of this account is already active.'
          : 'The sync is queued. Subscribe to syncProgress to watch it.',
    }),
  }),
});

builder.queryFields((t) => ({
  syncRun: t.prismaField({
    description: 'The run with this id. Null if it does not exist or you do not have access to it.',
    type: SyncRun,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, args, { prisma }) =>
      prisma.syncRun.findUnique({ ...query, where: { id: decodeIdOrNone('SyncRun', args.id) } }),
  }),
  syncRuns: t.prismaConnection({
    description: 'The runs of all your accounts or of one, newest first.',
    type: SyncRun,
    cursor: 'id',
    args: { accountId: t.arg.id(), status: t.arg({ type: SyncRunStatus }) },
    resolve: async (query, _root, { accountId, status }, context) => {
      const ofAccount = accountId ? { accountId: await requireVisible(context, 'EmailAccount', accountId) } : {};
      return context.prisma.syncRun.findMany({
        ...query,
        where: { ...ofAccount, ...(status ? { status } : {}) },
        orderBy: [{ requestedAt: 'desc' }, { id: 'desc' }],
      });
    },
  }),
}));

builder.mutationFields((t) => ({
  startEmailSync: t.field({
    description:
      'Starts a sync in the background and returns at once. If the account has an active run, returns that run.',
    type: StartEmailSyncPayload,
    args: {
      accountId: t.arg.id({ required: true }),
      mode: t.arg({ type: SyncMode, required: true, defaultValue: 'INCREMENTAL' }),
    },
    resolve: (_root, { accountId, mode }, { services, tenantId }) =>
      services.syncs.start(tenantId, requireId('EmailAccount', accountId), mode),
  }),
  startAllEmailSyncs: t.field({
    description: 'Starts a sync of every account that is not paused and does not need credentials.',
    type: [StartEmailSyncPayload],
    resolve: (_root, _args, { services, tenantId }) => services.syncs.startAll(tenantId),
  }),
  cancelEmailSync: t.field({
    description: 'Cancels a run. What it has stored is kept. A run that has ended is returned unchanged.',
    type: SyncRun,
    args: { runId: t.arg.id({ required: true }) },
    resolve: (_root, { runId }, { services, tenantId }) => services.syncs.cancel(tenantId, requireId('SyncRun', runId)),
  }),
}));

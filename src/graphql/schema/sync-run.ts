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
    INCREMENTAL: { description: 'What changed since the last run; everything, the first time.' },
    FULL: { description: 'Everything is compared anew; what is stored is not fetched again.' },
  } as const,
});
const SyncTrigger = builder.enumType('SyncTrigger', { values: ['USER', 'SCHEDULE'] as const });

export const SyncStats = builder.objectRef<Stats>('SyncStats').implement({
  description: 'What a run did, counted in the transactions that did it.',
  fields: (t) => ({
    mailboxesSynced: t.exposeInt('mailboxesSynced'),
    messagesFetched: t.exposeInt('messagesFetched'),
    messagesCreated: t.exposeInt('messagesCreated'),
    messagesUpdated: t.exposeInt('messagesUpdated'),
    messagesDeleted: t.exposeInt('messagesDeleted'),
    eventsCreated: t.exposeInt('eventsCreated'),
    bytesDownloaded: t.expose('bytesDownloaded', { type: 'BigInt' }),
    durationMs: t.exposeFloat('durationMs', { description: "From the start of the run's first attempt." }),
  }),
});

/** The order of the whole queue is worked out for each. */
export const PLACE_COMPLEXITY = 10;

const SyncRunMailbox = builder.prismaObject('SyncRunMailbox', {
  description: 'How a mailbox was brought up to date in a run.',
  fields: (t) => ({
    path: t.exposeString('path'),
    reason: t.exposeString('reason', {
      description: [
        'Why the run synced the mailbox the way it did, as a code. Later versions may add codes. Runs of versions before',
        'these codes have an English sentence here.\n',
        ...Object.entries(PLAN_REASONS).map(([code, meaning]) => `- \`${code}\`: ${meaning}`),
      ].join('\n'),
    }),
    attempt: t.exposeInt('attempt', { description: 'The last attempt that opened it.' }),
    plannedAt: t.expose('plannedAt', { type: 'DateTime' }),
  }),
});

export const SyncRun = builder.prismaObject('SyncRun', {
  description: 'One series of attempts to bring one account up to date.',
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('SyncRun', id) }),
    account: t.relation('account'),
    mode: t.expose('mode', { type: SyncMode }),
    trigger: t.expose('trigger', { type: SyncTrigger }),
    status: t.expose('status', { type: SyncRunStatus }),
    phase: t.expose('phase', { type: SyncPhase }),
    attempt: t.exposeInt('attempt', { description: 'The first is 1.' }),
    retries: t.exposeInt('retries', { description: 'Failures in a row that were followed by another attempt.' }),
    queuePosition: t.int({
      nullable: true,
      description: 'Its place in the queue of the whole installation, from 1; null when it is not queued.',
      complexity: PLACE_COMPLEXITY,
      resolve: (run, _args, { services }) => (run.status === 'QUEUED' ? services.syncs.queuePosition(run.id) : null),
    }),
    requestedAt: t.expose('requestedAt', { type: 'DateTime' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true }),
    nextAttemptAt: t.expose('nextAttemptAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is tried again; null unless it waits for that.',
    }),
    error: t.field({
      type: SyncError,
      nullable: true,
      resolve: (run) => (run.errorCode === null ? null : { code: run.errorCode, message: run.errorMessage ?? '' }),
    }),
    sequence: t.expose('sequence', { type: 'BigInt', description: 'Of its last progress frame.' }),
    progressAt: t.expose('progressAt', { type: 'DateTime' }),
    mailbox: t.exposeString('mailbox', { nullable: true, description: 'The mailbox that it works on.' }),
    messagesProcessed: t.exposeInt('messagesProcessed'),
    messagesTotal: t.exposeInt('messagesTotal', {
      nullable: true,
      description: 'Null until the server has said how much there is to do.',
    }),
    bytesProcessed: t.expose('bytesProcessed', { type: 'BigInt' }),
    percent: t.float({ nullable: true, resolve: (run) => (run.messagesTotal === null ? null : run.percent) }),
    stats: t.field({ type: SyncStats, resolve: statsOf }),
    receipt: t.relation('receipt', {
      nullable: true,
      description: 'What it proved, in the end. Null until it has succeeded.',
    }),
    mailboxes: t.relatedConnection('mailboxes', {
      description:
        'The mailboxes that it has opened so far, by path. Of a run that has succeeded, the others were proven unchanged without that.',
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
      description: 'True when the account had an active run: `run` is that one.',
    }),
    message: t.string({
      resolve: ({ alreadyActive }) =>
        alreadyActive
          ? 'A sync of this account is active already.'
          : 'The sync has been queued. Watch it with the subscription syncProgress.',
    }),
  }),
});

builder.queryFields((t) => ({
  syncRun: t.prismaField({
    description: 'Null when there is no such run, or it is not yours.',
    type: SyncRun,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, args, { prisma }) =>
      prisma.syncRun.findUnique({ ...query, where: { id: decodeIdOrNone('SyncRun', args.id) } }),
  }),
  syncRuns: t.prismaConnection({
    description: 'Runs of all your accounts or of one, newest first.',
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
    description: 'Starts a sync in the background and returns at once. The active run is returned where there is one.',
    type: StartEmailSyncPayload,
    args: {
      accountId: t.arg.id({ required: true }),
      mode: t.arg({ type: SyncMode, required: true, defaultValue: 'INCREMENTAL' }),
    },
    resolve: (_root, { accountId, mode }, { services, tenantId }) =>
      services.syncs.start(tenantId, requireId('EmailAccount', accountId), mode),
  }),
  startAllEmailSyncs: t.field({
    description: 'Starts a sync of every account that is neither paused nor in need of credentials.',
    type: [StartEmailSyncPayload],
    resolve: (_root, _args, { services, tenantId }) => services.syncs.startAll(tenantId),
  }),
  cancelEmailSync: t.field({
    description: 'Ends a run as CANCELLED. What it has stored stays; a run that has ended is returned as it is.',
    type: SyncRun,
    args: { runId: t.arg.id({ required: true }) },
    resolve: (_root, { runId }, { services, tenantId }) => services.syncs.cancel(tenantId, requireId('SyncRun', runId)),
  }),
}));

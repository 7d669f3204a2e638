import { type SyncRunStatus as Status, SYNC_RUN_TRANSITIONS } from '../../domain/sync-run.ts';
import { builder } from '../builder.ts';
import { found } from '../found.ts';
import { requireId } from '../ids.ts';
import { SyncError, SyncRun, SyncRunStatus } from './sync-run.ts';

/** At most one run of an account is active, so that its newest active run is the one. */
const ACTIVE: Status[] = (Object.keys(SYNC_RUN_TRANSITIONS) as Status[]).filter(
  (status) => SYNC_RUN_TRANSITIONS[status].length > 0,
);
const activeRun = { where: { status: { in: ACTIVE } }, take: 1 };

export const SyncStatus = builder.prismaObject('EmailAccount', {
  variant: 'SyncStatus',
  description: 'How far an account is. What is not known is null; nothing here is a guess.',
  select: { id: true },
  fields: (t) => ({
    account: t.variant('EmailAccount'),
    emailAddress: t.exposeString('emailAddress'),
    isActive: t.exposeBoolean('isActive', { description: 'False while the account is paused.' }),
    isSyncing: t.boolean({
      description: 'Whether there is an active run: queued, running, or waiting for its next attempt.',
      select: { runs: activeRun },
      resolve: ({ runs }) => runs.length > 0,
    }),
    lastSyncAt: t.expose('lastSyncAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a run last ended, well or not.',
    }),
    lastSyncStatus: t.expose('lastSyncStatus', {
      type: SyncRunStatus,
      nullable: true,
      description: 'How that run ended: SUCCEEDED, FAILED or CANCELLED.',
    }),
    lastSyncError: t.field({
      type: SyncError,
      nullable: true,
      select: { lastSyncErrorCode: true, lastSyncErrorMessage: true },
      resolve: (account) =>
        account.lastSyncErrorCode === null
          ? null
          : { code: account.lastSyncErrorCode, message: account.lastSyncErrorMessage ?? '' },
    }),
    syncCount: t.exposeInt('syncCount', { description: 'Runs that have ended, however they did.' }),
    activeRun: t.field({
      type: SyncRun,
      nullable: true,
      select: (_args, _context, nested) => ({ runs: nested(activeRun) }),
      resolve: ({ runs }) => runs[0] ?? null,
    }),
  }),
});

builder.queryField('syncStatus', (t) =>
  t.prismaField({
    description: 'How far an account is.',
    type: SyncStatus,
    args: { accountId: t.arg.id({ required: true }) },
    resolve: async (query, _root, args, { prisma }) => {
      const id = requireId('EmailAccount', args.accountId);
      return found(await prisma.emailAccount.findUnique({ ...query, where: { id } }));
    },
  }),
);

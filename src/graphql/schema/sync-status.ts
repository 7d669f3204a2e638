import { hintFor } from '../../accounts/connection-hints.ts';
import { ACTIVE_STATUSES } from '../../domain/sync-run.ts';
import { describeState, SYNC_STATES, syncStateOf } from '../../domain/sync-state.ts';
import { ERRORS, type ErrorCode } from '../../errors.ts';
import { builder } from '../builder.ts';
import { found } from '../found.ts';
import { requireId } from '../ids.ts';
import { SyncError } from './sync-error.ts';
import { SyncRun, SyncRunStatus } from './sync-run.ts';

/** At most one run of an account is active. */
const activeRun = { where: { status: { in: [...ACTIVE_STATUSES] } }, take: 1 };

const SyncState = builder.enumType('SyncState', {
  description: 'The state of an account: its active run, else what prevents a sync, else how its last sync ended.',
  values: SYNC_STATES,
});

/** The columns from which the state is derived. */
const stateFacts = {
  isActive: true,
  needsAuthSince: true,
  throttledUntil: true,
  lastSyncStatus: true,
  lastSyncErrorCode: true,
  runs: activeRun,
} as const;

const LOGIN_CHANGED = 'The login has changed since. The next sync tries the new one.';

/** True if the error was a rejected login, and the login has changed since. */
const isMended = (code: ErrorCode, { needsAuthSince }: { needsAuthSince: Date | null }): boolean =>
  ERRORS[code]?.run === 'needs-auth' && needsAuthSince === null;

export const SyncStatus = builder.prismaObject('EmailAccount', {
  variant: 'SyncStatus',
  description: 'The sync status of an account. Unknown values are null, never a guess.',
  select: { id: true },
  fields: (t) => ({
    account: t.variant('EmailAccount'),
    emailAddress: t.exposeString('emailAddress'),
    isActive: t.exposeBoolean('isActive', { description: 'False while the account is paused.' }),
    state: t.field({
      type: SyncState,
      select: stateFacts,
      resolve: (account) => syncStateOf(account, account.runs[0] ?? null, new Date()),
    }),
    message: t.string({
      description: 'The state as a sentence for people.',
      select: stateFacts,
      resolve: (account) => {
        const run = account.runs[0] ?? null;
        return describeState(syncStateOf(account, run, new Date()), account, run);
      },
    }),
    isSyncing: t.boolean({
      description: 'True if the account has an active run: queued, running, or waiting for its next attempt.',
      select: { runs: activeRun },
      resolve: ({ runs }) => runs.length > 0,
    }),
    lastSyncAt: t.expose('lastSyncAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a run last ended, whatever its outcome.',
    }),
    lastSyncStatus: t.expose('lastSyncStatus', {
      type: SyncRunStatus,
      nullable: true,
      description: 'How that run ended: SUCCEEDED, FAILED or CANCELLED.',
    }),
    lastSyncError: t.field({
      type: SyncError,
      nullable: true,
      description: 'Why the last run failed; null if it did not. It stays after the login changes, until the next run.',
      select: {
        lastSyncErrorCode: true,
        lastSyncErrorMessage: true,
        imapHost: true,
        imapPort: true,
        imapSecurity: true,
        imapUsername: true,
        needsAuthSince: true,
      },
      resolve: (account) => {
        if (account.lastSyncErrorCode === null) return null;
        const code = account.lastSyncErrorCode as ErrorCode;
        const { imapHost: host, imapPort: port, imapSecurity: security, imapUsername: username } = account;
        const hint = isMended(code, account) ? LOGIN_CHANGED : hintFor(code, { host, port, security, username });
        return { code, message: account.lastSyncErrorMessage ?? '', hint };
      },
    }),
    syncCount: t.exposeInt('syncCount', { description: 'The number of runs that have ended, whatever their outcome.' }),
    nextSyncAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the next scheduled sync is due; null while the account is paused, needs credentials, or has no schedule.',
      select: { nextSyncAt: true },
      resolve: ({ nextSyncAt }, _args, { services }) => (services.isScheduled ? nextSyncAt : null),
    }),
    needsAuthSince: t.expose('needsAuthSince', {
      type: 'DateTime',
      nullable: true,
      description:
        'Since when no login is attempted, because the server rejected the credentials, or opens no mailbox for them.',
    }),
    throttledUntil: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Until when the provider has asked Mailtide to pause; null if it has not.',
      select: { throttledUntil: true },
      resolve: ({ throttledUntil }) => (throttledUntil && throttledUntil > new Date() ? throttledUntil : null),
    }),
    hostPausedUntil: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Until when no sync starts at the mail server, because it refused a connection; null if one may start.',
      select: { imapHost: true },
      resolve: async ({ imapHost }, _args, { hostPausedUntil }) => (await hostPausedUntil(imapHost)) ?? null,
    }),
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
    description: 'The sync status of an account.',
    type: SyncStatus,
    args: { accountId: t.arg.id({ required: true }) },
    resolve: async (query, _root, args, { prisma }) => {
      const id = requireId('EmailAccount', args.accountId);
      return found(await prisma.emailAccount.findUnique({ ...query, where: { id } }));
    },
  }),
);

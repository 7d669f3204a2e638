import { firstDue } from '../../domain/schedule.ts';
import { MailtideError } from '../../errors.ts';
import type { EmailAccount } from '../../generated/prisma/client.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import { deleteUnusedGrant } from '../oauth/grants.ts';
import type { Sql, Transaction } from '../plumbing/sql.ts';
import { appendEvents } from '../timeline/append-events.ts';

/** The new values of an account; absent ones stay. */
export interface AccountPatch {
  readonly displayName?: string | null;
  readonly syncIntervalMinutes?: number | null;
  readonly isActive?: boolean;
  readonly login?: Partial<Pick<EmailAccount, 'imapHost' | 'imapPort' | 'imapSecurity' | 'imapUsername'>> & NewSecret;
}

/** Credentials replace a grant, and a grant replaces credentials. */
type NewSecret =
  | { readonly credentials?: string; readonly grantId?: undefined }
  | { readonly credentials?: undefined; readonly grantId: string };

type Present = Pick<
  EmailAccount,
  'imapHost' | 'isActive' | 'syncIntervalMinutes' | 'nextSyncAt' | 'needsAuthSince' | 'grantId'
> & { now: Date };

/**
 * Changes the account's row together with its next sync time, whether logins are tried again, and the events that
 * record the change.
 * @param intervalMinutes the interval of accounts that have none of their own
 * @returns whether a running sync has to end, because the account is paused or the sync uses its old login
 * @throws NOT_FOUND for an account that is not the tenant's
 */
export async function changeAccount(
  tx: Transaction,
  { tenantId, id }: { tenantId: string; id: string },
  change: AccountPatch,
  intervalMinutes: number,
): Promise<{ endsSync: boolean }> {
  const [present] = await tx.query<Present>(
    `SELECT imap_host, is_active, sync_interval_minutes, next_sync_at, needs_auth_since, grant_id, now() AS now
     FROM email_account WHERE id = $1 AND tenant_id = $2 FOR UPDATE`,
    [id, tenantId],
  );
  if (!present) throw new MailtideError('NOT_FOUND');
  const { login, displayName, syncIntervalMinutes, isActive } = change;
  const isSecretNew = login?.credentials !== undefined || login?.grantId !== undefined;
  await update(tx, id, {
    display_name: displayName,
    sync_interval_minutes: syncIntervalMinutes,
    is_active: isActive,
    imap_host: login?.imapHost,
    imap_port: login?.imapPort,
    imap_security: login?.imapSecurity,
    imap_username: login?.imapUsername,
    ...(isSecretNew ? { credentials: login.credentials ?? null, grant_id: login.grantId ?? null } : {}),
    next_sync_at: dueAfter(present, change, intervalMinutes),
    ...(login ? { needs_auth_since: null } : {}),
    // The former server asked for the pause.
    ...(login?.imapHost && login.imapHost !== present.imapHost ? { throttled_until: null } : {}),
  });
  if (login) await tx.query('UPDATE email_account SET login_version = login_version + 1 WHERE id = $1', [id]);
  if (isSecretNew && present.grantId !== null && present.grantId !== login.grantId) {
    await deleteUnusedGrant(tx, present.grantId);
  }
  await appendEvents(tx, id, eventsOf(present, change));
  return { endsSync: isActive === false || login !== undefined };
}

/**
 * Returns the account's new sync time, or undefined to keep it. It is now if the account is resumed or its login
 * changed.
 */
function dueAfter(present: Present, change: AccountPatch, defaultMinutes: number): Date | null | undefined {
  if (!(change.isActive ?? present.isActive)) return null;
  if (present.needsAuthSince && !change.login) return undefined;
  if (!present.nextSyncAt || change.login) return present.now;
  if (change.syncIntervalMinutes === undefined || change.syncIntervalMinutes === present.syncIntervalMinutes) {
    return undefined;
  }
  return firstDue(present.now, change.syncIntervalMinutes ?? defaultMinutes, Math.random());
}

function eventsOf(present: Present, { isActive = present.isActive, login }: AccountPatch): EventInput[] {
  const events: EventInput[] = [];
  if (login) events.push({ type: 'account_reconnected', payload: { imapHost: login.imapHost ?? present.imapHost } });
  if (isActive !== present.isActive)
    events.push({ type: isActive ? 'account_resumed' : 'account_paused', payload: {} });
  return events;
}

async function update(tx: Sql, id: string, columns: Record<string, unknown>): Promise<void> {
  const given = Object.entries(columns).filter(([, value]) => value !== undefined);
  const assignments = given.map(([column], i) => `${column} = $${i + 2}`);
  await tx.query(`UPDATE email_account SET ${[...assignments, 'updated_at = now()'].join(', ')} WHERE id = $1`, [
    id,
    ...given.map(([, value]) => value),
  ]);
}

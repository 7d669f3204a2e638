import type { Pool } from 'pg';
import { firstDue } from '../../domain/schedule.ts';
import { MailtideError } from '../../errors.ts';
import type { EmailAccount } from '../../generated/prisma/client.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import { inTransaction, type Sql } from '../plumbing/sql.ts';
import { appendEvents } from '../timeline/append-events.ts';

/** What of an account is to be another; what is absent stays. */
export interface AccountPatch {
  readonly displayName?: string | null;
  readonly syncIntervalMinutes?: number | null;
  readonly isActive?: boolean;
  readonly login?: Partial<
    Pick<EmailAccount, 'imapHost' | 'imapPort' | 'imapSecurity' | 'imapUsername' | 'credentials'>
  >;
}

type Present = Pick<EmailAccount, 'imapHost' | 'isActive' | 'syncIntervalMinutes' | 'nextSyncAt' | 'needsAuthSince'> & {
  now: Date;
};

/**
 * Changes the account's row together with what follows from it: its place in the schedule, whether logins are tried
 * again, and the events that tell of it.
 * @param intervalMinutes of accounts that have none of their own
 * @returns whether a sync that is going on has to end: the account is paused, or the sync uses its old login.
 * @throws NOT_FOUND for an account that is not the tenant's.
 */
export function changeAccount(
  pool: Pool,
  { tenantId, id }: { tenantId: string; id: string },
  change: AccountPatch,
  intervalMinutes: number,
): Promise<{ endsSync: boolean }> {
  return inTransaction(pool, async (tx) => {
    const [present] = await tx.query<Present>(
      `SELECT imap_host, is_active, sync_interval_minutes, next_sync_at, needs_auth_since, now() AS now
       FROM email_account WHERE id = $1 AND tenant_id = $2 FOR UPDATE`,
      [id, tenantId],
    );
    if (!present) throw new MailtideError('NOT_FOUND');
    const { login, displayName, syncIntervalMinutes, isActive } = change;
    await update(tx, id, {
      display_name: displayName,
      sync_interval_minutes: syncIntervalMinutes,
      is_active: isActive,
      imap_host: login?.imapHost,
      imap_port: login?.imapPort,
      imap_security: login?.imapSecurity,
      imap_username: login?.imapUsername,
      credentials: login?.credentials,
      next_sync_at: dueAfter(present, change, intervalMinutes),
      ...(login ? { needs_auth_since: null } : {}),
      // The pause was asked for by another server.
      ...(login?.imapHost && login.imapHost !== present.imapHost ? { throttled_until: null } : {}),
    });
    if (login) await tx.query('UPDATE email_account SET login_version = login_version + 1 WHERE id = $1', [id]);
    await appendEvents(tx, id, eventsOf(present, change));
    return { endsSync: isActive === false || login !== undefined };
  });
}

/** Undefined where the account keeps its time. Whoever resumes an account, or mends its login, wants to see it sync. */
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

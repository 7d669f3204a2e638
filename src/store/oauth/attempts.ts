import type { Pool } from 'pg';
import type { OAuthAttempt } from '../../generated/prisma/client.ts';
import { namedStatement } from '../plumbing/named-statement.ts';
import { sqlOf, type Transaction } from '../plumbing/sql.ts';

/**
 * An attempt to connect a mailbox by signing in:
 *
 *   insertAttempt      beginSignIn        takeCallback       finishAttempt
 *   ──> CREATED ──────> SIGNING_IN ──────> CONNECTING ──────> SUCCEEDED
 *           ▲              │  ▲                  │
 *           │  beginSignIn │  └── beginSignIn ── FAILED <── failAttempt
 *           └── each sign-in replaces the one before
 *
 * Only the browser whose cookie `beginSignIn` recorded can take the callback, and only once, because the state's hash
 * is then removed from the row. A failed attempt may begin again until it expires.
 */
export type NewAttempt = Pick<
  OAuthAttempt,
  'id' | 'tenantId' | 'provider' | 'emailAddress' | 'isShared' | 'accountId' | 'returnTo'
> & { readonly ticketHash: Uint8Array };

export type AttemptRow = OAuthAttempt & { readonly tenantName: string; readonly isExpired: boolean };

/** Attempts of a tenant that may wait at a time. The oldest is deleted for one more. */
const MAX_ATTEMPTS = 1000;

/** Inserts an attempt that lasts for `seconds`, and deletes what expired a day ago. @returns when it expires */
export async function insertAttempt(pool: Pool, attempt: NewAttempt, seconds: number): Promise<Date> {
  const sql = sqlOf(pool);
  await sql.query(`DELETE FROM oauth_attempt WHERE expires_at < now() - interval '1 day'`);
  await sql.query(
    `DELETE FROM oauth_attempt WHERE id IN (
       SELECT id FROM oauth_attempt WHERE tenant_id = $1 ORDER BY created_at DESC, id DESC OFFSET $2)`,
    [attempt.tenantId, MAX_ATTEMPTS - 1],
  );
  const [row] = await sql.query<{ expiresAt: Date }>(
    INSERT_ATTEMPT.text,
    INSERT_ATTEMPT.values({ ...attempt, seconds }),
  );
  return row!.expiresAt;
}

const INSERT_ATTEMPT = namedStatement(`
  INSERT INTO oauth_attempt (id, tenant_id, provider, ticket_hash, email_address, is_shared, account_id, return_to,
    expires_at)
  VALUES (@id, @tenantId, @provider, @ticketHash, @emailAddress, @isShared, @accountId, @returnTo,
    now() + make_interval(secs => @seconds))
  RETURNING expires_at`);

const ROW = `a.*, t.name AS tenant_name, a.expires_at < now() AS is_expired
  FROM oauth_attempt a JOIN tenant t ON t.id = a.tenant_id`;

/** Returns the attempt of a link, or null. */
export async function attemptOfTicket(pool: Pool, ticketHash: Uint8Array): Promise<AttemptRow | null> {
  const [row] = await sqlOf(pool).query<AttemptRow>(`SELECT ${ROW} WHERE a.ticket_hash = $1`, [ticketHash]);
  return row ?? null;
}

/** Records the secrets of a sign-in that begins. @returns false if the attempt has expired, succeeded, or is connecting */
export async function beginSignIn(
  pool: Pool,
  id: string,
  { stateHash, browserHash, verifier }: { stateHash: Uint8Array; browserHash: Uint8Array; verifier: string },
): Promise<boolean> {
  const begun = await sqlOf(pool).query(
    `UPDATE oauth_attempt SET status = 'SIGNING_IN', state_hash = $2, browser_hash = $3, verifier = $4,
       error_code = NULL, error_message = NULL
     WHERE id = $1 AND status IN ('CREATED', 'SIGNING_IN', 'FAILED') AND expires_at > now() RETURNING id`,
    [id, stateHash, browserHash, verifier],
  );
  return begun.length > 0;
}

/** An attempt whose person has come back from the provider. `verifier` is that of the sign-in. */
export type TakenAttempt = Pick<
  OAuthAttempt,
  'id' | 'tenantId' | 'provider' | 'emailAddress' | 'isShared' | 'accountId' | 'returnTo' | 'verifier'
>;

/** Takes the sign-in of a state out of its attempt, once, for the browser that began it. @returns null for any other */
export async function takeCallback(
  pool: Pool,
  { stateHash, browserHash }: { stateHash: Uint8Array; browserHash: Uint8Array },
): Promise<TakenAttempt | null> {
  const [row] = await sqlOf(pool).query<TakenAttempt>(
    `UPDATE oauth_attempt a SET status = 'CONNECTING', state_hash = NULL, verifier = NULL
     FROM oauth_attempt before
     WHERE a.id = before.id AND a.state_hash = $1 AND a.browser_hash = $2 AND a.status = 'SIGNING_IN'
       AND a.expires_at > now()
     RETURNING a.id, a.tenant_id, a.provider, a.email_address, a.is_shared, a.account_id, a.return_to, before.verifier`,
    [stateHash, browserHash],
  );
  return row ?? null;
}

/** Records in the transaction that stores the account that the attempt has succeeded. */
export async function finishAttempt(tx: Transaction, id: string, accountId: string): Promise<void> {
  await tx.query(`UPDATE oauth_attempt SET status = 'SUCCEEDED', account_id = $2 WHERE id = $1`, [id, accountId]);
}

/** Records why an attempt failed. */
export async function failAttempt(pool: Pool, id: string, code: string, message: string): Promise<void> {
  await sqlOf(pool).query(
    `UPDATE oauth_attempt SET status = 'FAILED', error_code = $2, error_message = $3
     WHERE id = $1 AND status <> 'SUCCEEDED'`,
    [id, code, message],
  );
}

import type { Pool } from 'pg';
import type { OAuthGrant } from '../../generated/prisma/client.ts';
import { type At, timeOr } from '../plumbing/clock.ts';
import { namedStatement } from '../plumbing/named-statement.ts';
import { sqlOf, type Transaction } from '../plumbing/sql.ts';

/**
 * The tokens of a grant, renewed by one node at a time:
 *
 *   takeLease ──> the node sends the refresh token ──> storeTokens   version + 1
 *                                                 └──> markDead      the provider refuses
 *                                                 └──> endLease      no answer; the next node tries again
 *
 * A lease lasts longer than a request may take. Each change is written only over the version that it was made from, so
 * a node that lost its lease changes nothing, and finds newer tokens when it reads again.
 */
export interface SealedTokens {
  readonly refreshToken: string;
  readonly accessToken: string;
  /** Seconds from the beginning of the request, on the database's clock. */
  readonly accessSeconds: number;
  /** Seconds until the refresh token ends; null if the provider does not announce it. */
  readonly refreshSeconds: number | null;
}

export type GrantIdentity = Pick<
  OAuthGrant,
  'id' | 'tenantId' | 'provider' | 'issuer' | 'subject' | 'emailAddress' | 'scopes'
>;

/** A grant as a renewal needs it. `now` is the database's time. */
export type StoredGrant = Pick<
  OAuthGrant,
  | 'id'
  | 'provider'
  | 'scopes'
  | 'refreshToken'
  | 'accessToken'
  | 'accessExpiresAt'
  | 'version'
  | 'forcedAt'
  | 'deadSince'
  | 'deadReason'
> & { readonly now: Date };

/** Returns a grant, or null if it has been deleted. */
export async function readGrant(pool: Pool, id: string, at: At = null): Promise<StoredGrant | null> {
  const [grant] = await sqlOf(pool).query<StoredGrant>(
    `SELECT id, provider, scopes, refresh_token, access_token, access_expires_at, version, forced_at, dead_since,
       dead_reason, ${timeOr('$2')} AS now
     FROM oauth_grant WHERE id = $1`,
    [id, at],
  );
  return grant ?? null;
}

export interface GrantLease {
  readonly id: string;
  readonly version: number;
  readonly token: string;
}

/**
 * Takes the right to renew a grant for `seconds`. `isForced` records that a mail server rejected an access token that
 * has not ended.
 * @returns false if another node has it, or the version has changed
 */
export async function takeLease(
  pool: Pool,
  { id, version, token }: GrantLease,
  { seconds, isForced }: { seconds: number; isForced: boolean },
): Promise<boolean> {
  const taken = await sqlOf(pool).query(
    `UPDATE oauth_grant SET lease_token = $3, lease_until = now() + make_interval(secs => $4),
       forced_at = CASE WHEN $5 THEN now() ELSE forced_at END
     WHERE id = $1 AND version = $2 AND dead_since IS NULL AND (lease_until IS NULL OR lease_until < now())
     RETURNING id`,
    [id, version, token, seconds, isForced],
  );
  return taken.length > 0;
}

/** Gives a lease back before its end, if the node still has it. */
export async function endLease(pool: Pool, { id, token }: GrantLease): Promise<void> {
  await sqlOf(pool).query(
    'UPDATE oauth_grant SET lease_token = NULL, lease_until = NULL WHERE id = $1 AND lease_token = $2',
    [id, token],
  );
}

/** Stores renewed tokens. @returns false if the version has changed; nothing is then written */
export async function storeTokens(pool: Pool, { id, version }: GrantLease, tokens: SealedTokens): Promise<boolean> {
  const stored = await sqlOf(pool).query(
    STORE_TOKENS.text,
    STORE_TOKENS.values({ id, version, ...tokens } satisfies Record<string, unknown>),
  );
  return stored.length > 0;
}

const STORE_TOKENS = namedStatement(`
  UPDATE oauth_grant SET refresh_token = @refreshToken, access_token = @accessToken,
    access_expires_at = now() + make_interval(secs => @accessSeconds),
    refresh_expires_at = coalesce(now() + make_interval(secs => @refreshSeconds), refresh_expires_at),
    version = version + 1, lease_token = NULL, lease_until = NULL, dead_since = NULL, dead_reason = NULL,
    updated_at = now()
  WHERE id = @id AND version = @version
  RETURNING id`);

/** Records that the provider refuses a grant. @returns false if the version has changed; nothing is then written */
export async function markDead(pool: Pool, { id, version }: GrantLease, reason: string): Promise<boolean> {
  const marked = await sqlOf(pool).query(
    `UPDATE oauth_grant SET dead_since = now(), dead_reason = $3, access_token = NULL, access_expires_at = NULL,
       version = version + 1, lease_token = NULL, lease_until = NULL, updated_at = now()
     WHERE id = $1 AND version = $2 RETURNING id`,
    [id, version, reason],
  );
  return marked.length > 0;
}

/**
 * Returns the id of the person's grant at a provider, or the given one for a new grant. It stays locked until the
 * transaction ends, so no renewal of former tokens and no other sign-in comes in between.
 */
export async function lockGrant(tx: Transaction, identity: GrantIdentity): Promise<string> {
  const { tenantId, provider, issuer, subject } = identity;
  const owner = [tenantId, provider, issuer, subject];
  // A row that does not exist yet cannot be locked.
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [JSON.stringify(owner)]);
  const [grant] = await tx.query<{ id: string }>(
    `SELECT id FROM oauth_grant
     WHERE tenant_id = $1 AND provider = $2 AND issuer = $3 AND subject = $4 FOR UPDATE`,
    owner,
  );
  return grant?.id ?? identity.id;
}

/** Stores the tokens of a sign-in as a new grant, or in place of those of the person's earlier sign-in. */
export async function putGrant(tx: Transaction, identity: GrantIdentity, tokens: SealedTokens): Promise<void> {
  await tx.query(PUT_GRANT.text, PUT_GRANT.values({ ...identity, ...tokens }));
}

const PUT_GRANT = namedStatement(`
  INSERT INTO oauth_grant (id, tenant_id, provider, issuer, subject, email_address, scopes, refresh_token, access_token,
    access_expires_at, refresh_expires_at)
  VALUES (@id, @tenantId, @provider, @issuer, @subject, @emailAddress, @scopes, @refreshToken, @accessToken,
    now() + make_interval(secs => @accessSeconds), now() + make_interval(secs => @refreshSeconds))
  ON CONFLICT (id) DO UPDATE SET email_address = excluded.email_address, scopes = excluded.scopes,
    refresh_token = excluded.refresh_token, access_token = excluded.access_token,
    access_expires_at = excluded.access_expires_at, refresh_expires_at = excluded.refresh_expires_at,
    version = oauth_grant.version + 1, lease_token = NULL, lease_until = NULL, forced_at = NULL, dead_since = NULL,
    dead_reason = NULL, updated_at = now()`);

/** Deletes a grant unless an account still uses it. */
export async function deleteUnusedGrant(tx: Transaction, id: string): Promise<void> {
  await tx.query(
    'DELETE FROM oauth_grant WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM email_account WHERE grant_id = $1)',
    [id],
  );
}

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Keyring } from '../accounts/keyring.ts';
import { seal, unseal } from '../accounts/seal.ts';
import { ERRORS, type ErrorCode, MailtideError } from '../errors.ts';
import { endLease, markDead, readGrant, type StoredGrant, storeTokens, takeLease } from '../store/oauth/grants.ts';
import type { ProviderClient } from './provider-client.ts';
import type { ProviderClients } from './provider-clients.ts';

/** A token is renewed this long before its end, in ms, plus up to SPREAD_MS: grants of the same minute spread out. */
const MARGIN_MS = 60_000;
const SPREAD_MS = 4 * 60_000;
/** Longer than a request may take (pinned-fetch.ts), with its name lookup and a slow commit. */
const LEASE_S = 30;
/** How often a node reads again that waits for another one's renewal, in ms, and for how long. */
const READ_AGAIN_MS = 250;
const WAIT_MS = 60_000;
/** A mail server's rejection renews a token at most this often, in ms. */
const FORCED_EVERY_MS = 5 * 60_000;
/** The refusals that only a new sign-in ends. */
const ENDS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'OAUTH_GRANT_ENDED',
  'OAUTH_INTERACTION_REQUIRED',
  'OAUTH_ADMIN_REQUIRED',
  'OAUTH_CONSENT_REFUSED',
]);
/** Renewals at once for each provider and process. A provider slows down those who ask for more. */
const AT_ONCE = 16;

export interface GrantTokens {
  /**
   * Returns a valid access token of a grant, renewed if it is about to end. With `rejected`, a token that a mail server
   * has rejected, it returns another one, or the same if it was just renewed.
   * @throws the reason for which the provider has ended the grant; OAUTH_UNAVAILABLE, OAUTH_PROVIDER_MISCONFIGURED;
   *   CREDENTIALS_UNREADABLE
   */
  accessToken(grantId: string, rejected?: string): Promise<string>;
}

export interface GrantTokensOptions {
  readonly pool: Pool;
  readonly keyring: Keyring;
  readonly clients: ProviderClients;
  readonly log: Logger;
}

/**
 * Renews access tokens: one renewal of a grant at a time over all nodes (the lease of store/oauth/grants.ts), without a
 * transaction during the request, and a rotated refresh token is stored before the access token is used. A crash between
 * the answer and the commit leaves the former refresh token, which the next node sends again after the lease; a provider
 * that revokes a grant whose token is used twice then asks for a new sign-in (docs/decisions/0030-oauth-grants.md).
 */
export function createGrantTokens({ pool, keyring, clients, log }: GrantTokensOptions): GrantTokens {
  const underWay = new Map<string, Promise<string>>();
  const limits = new Map<string, LimitFunction>();

  async function current(grantId: string): Promise<StoredGrant> {
    const grant = await readGrant(pool, grantId);
    // The account was deleted or connected in another way meanwhile: its next attempt reads the new login.
    if (!grant) throw new MailtideError('OAUTH_UNAVAILABLE');
    if (grant.deadSince) throw new MailtideError(reasonOf(grant));
    return grant;
  }

  async function renewed(grantId: string, rejected: string | undefined): Promise<string> {
    const end = performance.now() + WAIT_MS;
    for (let marginMs = marginOf(grantId); performance.now() < end; marginMs = 0) {
      const grant = await current(grantId);
      const token = usable(grant, marginMs, rejected);
      if (token !== null) return token;
      const client = clients.of(grant.provider);
      if (!client) throw notConfigured(grant.provider);
      // The lease is taken once the request can be sent, because it must not end before the answer.
      const answer = await limitOf(grant.provider)(() => renew(grant, client, rejected !== undefined));
      if (answer !== null) return answer;
    }
    throw new MailtideError('OAUTH_UNAVAILABLE');
  }

  /** Returns the stored access token if it lasts for longer than `marginMs`, else null. */
  function usable(grant: StoredGrant, marginMs: number, rejected: string | undefined): string | null {
    const { accessToken, accessExpiresAt, now, forcedAt } = grant;
    if (accessToken === null || accessExpiresAt === null) return null;
    if (accessExpiresAt.getTime() - now.getTime() <= marginMs) return null;
    const token = open(grant.id, accessToken);
    if (token !== rejected) return token;
    return forcedAt !== null && now.getTime() - forcedAt.getTime() < FORCED_EVERY_MS ? token : null;
  }

  /**
   * Sends the refresh token and stores the answer.
   * @returns the new access token, or null if the row has to be read again: another node renews the grant, was faster,
   *   or the provider has refused it
   */
  async function renew(grant: StoredGrant, client: ProviderClient, isForced: boolean): Promise<string | null> {
    const { id, provider, version } = grant;
    const lease = { id, version, token: randomUUID() };
    if (!(await takeLease(pool, lease, { seconds: LEASE_S, isForced }))) {
      await pause(READ_AGAIN_MS);
      return null;
    }
    try {
      const answer = await client.refresh(open(id, grant.refreshToken));
      const isStored = await storeTokens(pool, lease, {
        refreshToken: answer.refreshToken === null ? grant.refreshToken : seal(keyring, id, answer.refreshToken),
        accessToken: seal(keyring, id, answer.accessToken),
        accessSeconds: answer.accessSeconds,
        refreshSeconds: answer.refreshSeconds,
      });
      return isStored ? answer.accessToken : null;
    } catch (error) {
      const isEnd = error instanceof MailtideError && ENDS.has(error.code);
      log[isEnd ? 'info' : 'warn']({ err: error, grant: id, provider }, 'an OAuth grant could not be renewed');
      if (!isEnd) {
        await endLease(pool, lease);
        throw error;
      }
      // If the version has changed, a node that was slower than its lease has renewed the grant, and lost nothing.
      await markDead(pool, lease, error.code);
      return null;
    }
  }

  function open(grantId: string, envelope: string): string {
    try {
      return unseal(keyring, grantId, envelope);
    } catch (error) {
      throw new MailtideError('CREDENTIALS_UNREADABLE', { cause: error });
    }
  }

  function limitOf(provider: string): LimitFunction {
    let limit = limits.get(provider);
    if (!limit) {
      limit = pLimit(AT_ONCE);
      limits.set(provider, limit);
    }
    return limit;
  }

  return {
    async accessToken(grantId, rejected) {
      const ready = usable(await current(grantId), marginOf(grantId), rejected);
      if (ready !== null) return ready;
      let renewal = underWay.get(grantId);
      if (!renewal) {
        renewal = renewed(grantId, rejected).finally(() => underWay.delete(grantId));
        underWay.set(grantId, renewal);
      }
      return renewal;
    },
  };
}

/** Derived from the grant, so that all nodes agree. */
function marginOf(grantId: string): number {
  const part = Number.parseInt(grantId.slice(-6), 16) / 0xff_ff_ff;
  return MARGIN_MS + part * SPREAD_MS;
}

const reasonOf = ({ deadReason }: StoredGrant): ErrorCode =>
  deadReason !== null && Object.hasOwn(ERRORS, deadReason) ? (deadReason as ErrorCode) : 'OAUTH_GRANT_ENDED';

const notConfigured = (provider: string): MailtideError =>
  new MailtideError('OAUTH_PROVIDER_MISCONFIGURED', {
    message: `The OAuth provider "${provider}" of this account is not configured any more. The operator of this installation configures providers.`,
  });

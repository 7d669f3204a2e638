import type { IDToken, TokenEndpointResponse } from 'openid-client';

/** What Mailtide keeps of an answer of a token endpoint (RFC 6749, 5.1). */
export interface TokenAnswer {
  readonly accessToken: string;
  /** Null if the refresh token that was sent stays valid. */
  readonly refreshToken: string | null;
  /** How long the access token is valid, in seconds from the request. */
  readonly accessSeconds: number;
  /** How long the refresh token is valid, if the provider announces it. */
  readonly refreshSeconds: number | null;
  /** The granted scopes; null if they are those that were asked for. */
  readonly scopes: readonly string[] | null;
  /** The person that signed in; null without an id token. */
  readonly identity: Identity | null;
}

export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  /** The address by which the provider knows the person; null if it names none. */
  readonly emailAddress: string | null;
}

/** Assumed for an access token without `expires_in`, in seconds. */
const UNKNOWN_LIFETIME_S = 300;
/** A provider may state any number. No access token is trusted for longer. */
const MAX_ACCESS_S = 24 * 60 * 60;
const MAX_REFRESH_S = 10 * 365 * 24 * 60 * 60;

/** @param tookSeconds how long the request took: lifetimes count from its beginning, to be on the safe side */
export function tokenAnswer(
  answer: TokenEndpointResponse,
  claims: IDToken | undefined,
  tookSeconds: number,
): TokenAnswer {
  const lasts = (seconds: number, most: number) => Math.max(0, Math.min(seconds, most) - tookSeconds);
  // Google announces the end for a project in testing, Keycloak always. 0 means without end.
  const refresh = Number(answer['refresh_token_expires_in'] ?? answer['refresh_expires_in']);
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token || null,
    accessSeconds: lasts(answer.expires_in ?? UNKNOWN_LIFETIME_S, MAX_ACCESS_S),
    refreshSeconds: refresh > 0 ? lasts(refresh, MAX_REFRESH_S) : null,
    scopes: answer.scope ? answer.scope.split(' ').filter(Boolean) : null,
    identity: claims ? identityOf(claims) : null,
  };
}

/**
 * Microsoft's `sub` differs for each registration, `tid` and `oid` do not, and only accounts with a mailbox have
 * `email`.
 */
function identityOf(claims: IDToken): Identity {
  const { iss: issuer, sub, tid, oid } = claims;
  const address = [claims['email'], claims['preferred_username'], claims['upn']].find(
    (value): value is string => typeof value === 'string' && value.includes('@'),
  );
  const subject = typeof tid === 'string' && typeof oid === 'string' ? `${tid}/${oid}` : sub;
  return { issuer, subject, emailAddress: address ?? null };
}

/**
 * Returns whether the answer grants access to the mailbox. Servers return scopes in other spellings: Microsoft's may
 * lack the resource, in any case.
 */
export function grantsMail({ scopes }: Pick<TokenAnswer, 'scopes'>, mailScope: string): boolean {
  if (scopes === null) return true;
  const wanted = mailScope.toLowerCase();
  return scopes.some((scope) => {
    const granted = scope.toLowerCase();
    return granted === wanted || (wanted.startsWith('https://outlook.') && wanted.endsWith(`/${granted}`));
  });
}

/** Domains whose addresses ignore dots and everything after a plus sign. */
const GMAIL = new Set(['gmail.com', 'googlemail.com']);

/** Returns whether two addresses certainly name the same mailbox. */
export const isSameMailbox = (one: string, other: string): boolean => canonical(one) === canonical(other);

function canonical(address: string): string {
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, at).toLowerCase(), address.slice(at + 1).toLowerCase()];
  if (!GMAIL.has(domain)) return `${local}@${domain}`;
  return `${local.replace(/\+.*/, '').replaceAll('.', '')}@gmail.com`;
}

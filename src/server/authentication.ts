import type { IncomingMessage, ServerResponse } from 'node:http';
import { MailtideError } from '../errors.ts';
import type { Credential } from '../store/tenancy/api-key.ts';
import type { Authenticator } from '../store/tenancy/authenticator.ts';
import type { Access } from './access.ts';
import { createAttemptLimit } from './attempt-limit.ts';

/** Over TLS, the cookie has the prefix `__Host-`, so that no other host, not even a sibling domain, can set it. */
export const SESSION_COOKIE = 'mailtide_session';
export const SECURE_SESSION_COOKIE = `__Host-${SESSION_COOKIE}`;

const TOKEN = new RegExp(`(?:^|; ?)(?:__Host-)?${SESSION_COOKIE}=([\\w-]+)`);
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Limit of wrong keys per client address: 30 at once, then one every 2 s. It limits load; keys cannot be guessed. */
const WRONG_KEYS = { burst: 30, refillMs: 2000 };

export interface Authentication {
  /**
   * Returns the credential of a request, from `Authorization: Bearer <key>` or else the cookie. `authorization` comes
   * from a WebSocket's connection parameters, because browsers cannot set the header there.
   * @throws UNAUTHENTICATED; TOO_MANY_REQUESTS after too many wrong keys from one address
   */
  ofRequest(request: IncomingMessage, authorization?: unknown): Promise<Credential>;
  /** Returns the credential of a key that was sent in another way, or null. @throws TOO_MANY_REQUESTS */
  ofKey(request: IncomingMessage, key: string): Promise<Credential | null>;
  /** Calls `onRevoked` once, within 2 s after the credential was revoked. Returns a function that stops watching. */
  watch(credential: Credential, onRevoked: () => void): () => void;
}

export function createAuthentication(authenticator: Authenticator, access: Access): Authentication {
  const wrongKeys = createAttemptLimit(WRONG_KEYS);

  async function limited(
    request: IncomingMessage,
    secret: string,
    find: (secret: string) => Promise<Credential | null>,
  ): Promise<Credential | null> {
    // A known client is served, whatever others behind the same address do.
    if (authenticator.remembers(secret)) return find(secret);
    const address = access.clientOf(request);
    wrongKeys.require(address);
    const credential = await find(secret);
    if (!credential) wrongKeys.spend(address);
    return credential;
  }

  return {
    async ofRequest(request, authorization = request.headers.authorization) {
      if (authorization !== undefined) {
        const key = typeof authorization === 'string' ? /^Bearer (.+)$/i.exec(authorization)?.[1]?.trim() : undefined;
        if (key === undefined) return signedIn(null);
        return signedIn(await limited(request, key, (secret) => authenticator.key(secret)), UNKNOWN_KEY);
      }
      const token = sessionToken(request);
      if (token === undefined || !isOwnOrigin(request)) return signedIn(null);
      return signedIn(await limited(request, token, (secret) => authenticator.session(secret)));
    },
    ofKey: (request, key) => limited(request, key, (secret) => authenticator.key(secret)),
    watch: (credential, onRevoked) => authenticator.watch(credential, onRevoked),
  };
}

/** Returns a signal that aborts when the client disconnects or the request's credential is revoked. */
export function whileAllowed(
  authentication: Pick<Authentication, 'watch'>,
  credential: Credential,
  response: ServerResponse,
): AbortSignal {
  const ended = new AbortController();
  const stopWatching = authentication.watch(credential, () => ended.abort());
  response.once('close', () => {
    stopWatching();
    ended.abort();
  });
  return ended.signal;
}

/** Returns the session cookie's token, also for requests that Fastify has not parsed (WebSocket handshakes). */
export const sessionToken = ({ headers }: IncomingMessage): string | undefined => TOKEN.exec(headers.cookie ?? '')?.[1];

/**
 * True if the request comes from Mailtide's own pages. Browsers also send a cookie with requests of other sites' pages,
 * and, despite SameSite, of other ports of this host. They state the origin in every request that can change something,
 * and in WebSocket handshakes. A request without one must have a method that changes nothing.
 */
export function isOwnOrigin({ method = '', headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return SAFE_METHODS.has(method);
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
}

const UNKNOWN_KEY = { message: 'This API key is not valid. It may have been revoked; use another one.' };

/** @param refusal replaces the message "Sign in first" */
function signedIn(credential: Credential | null, refusal = {}): Credential {
  if (!credential) throw new MailtideError('UNAUTHENTICATED', refusal);
  return credential;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { MailtideError } from '../errors.ts';
import type { Credential } from '../store/tenancy/api-key.ts';
import type { Authenticator } from '../store/tenancy/authenticator.ts';
import type { Access } from './access.ts';
import { createAttemptLimit } from './attempt-limit.ts';

/** Over TLS the cookie has the prefix `__Host-`: no page of another host, not even a sibling's, can set it. */
export const SESSION_COOKIE = 'mailtide_session';
export const SECURE_SESSION_COOKIE = `__Host-${SESSION_COOKIE}`;

const TOKEN = new RegExp(`(?:^|; ?)(?:__Host-)?${SESSION_COOKIE}=([\\w-]+)`);
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Wrong keys of one client address: 30 at once, then one every 2 s. Nobody guesses a key; the limit is for the load. */
const WRONG_KEYS = { burst: 30, refillMs: 2000 };

export interface Authentication {
  /**
   * The bearer of a request: by `Authorization: Bearer <key>`, else by the cookie. `authorization` is what a WebSocket
   * has sent in its connection parameters instead of the header, which browsers cannot set there.
   * @throws UNAUTHENTICATED; TOO_MANY_REQUESTS after too many wrong keys from one address
   */
  ofRequest(request: IncomingMessage, authorization?: unknown): Promise<Credential>;
  /** The bearer of a key that came otherwise, or null. @throws TOO_MANY_REQUESTS */
  ofKey(request: IncomingMessage, key: string): Promise<Credential | null>;
  /** Calls `onRevoked` once, within 2 s after the credential was revoked. Returns how to stop watching. */
  watch(credential: Credential, onRevoked: () => void): () => void;
}

export function createAuthentication(authenticator: Authenticator, access: Access): Authentication {
  const wrongKeys = createAttemptLimit(WRONG_KEYS);

  async function limited(
    request: IncomingMessage,
    secret: string,
    find: (secret: string) => Promise<Credential | null>,
  ): Promise<Credential | null> {
    // A client that is known is served whatever others behind the same address do.
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

/** Aborts when the connection of an answer is gone, or the credential that it was asked for with is revoked. */
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

/** The token of the session cookie, also where Fastify has not parsed the request (a WebSocket's handshake). */
export const sessionToken = ({ headers }: IncomingMessage): string | undefined => TOKEN.exec(headers.cookie ?? '')?.[1];

/**
 * Whether the request comes from our own pages, as far as browsers tell: a cookie goes along with requests of other
 * sites' pages too, of other ports of this host whatever its SameSite says. Browsers name the origin in everything
 * that can change something, and in WebSocket handshakes; without one it must be a method that changes nothing.
 */
export function isOwnOrigin({ method = '', headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return SAFE_METHODS.has(method);
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
}

const UNKNOWN_KEY = { message: 'This API key is not valid. It may have been revoked.' };

/** @param refusal what to say instead of "Sign in first" */
function signedIn(credential: Credential | null, refusal = {}): Credential {
  if (!credential) throw new MailtideError('UNAUTHENTICATED', refusal);
  return credential;
}

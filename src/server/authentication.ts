import type { IncomingMessage } from 'node:http';
import { MailtideError } from '../errors.ts';
import type { Identity } from '../store/api-key.ts';
import type { Authenticator } from '../store/authenticator.ts';

export const SESSION_COOKIE = 'mailtide_session';

const TOKEN = new RegExp(`(?:^|; ?)${SESSION_COOKIE}=([\\w-]+)`);
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Who sends a request: by `Authorization: Bearer <key>`, else by the cookie. `authorization` is what a WebSocket has
 * sent in its connection parameters instead of the header, which browsers cannot set there.
 * @throws UNAUTHENTICATED
 */
export async function authenticateRequest(
  authenticator: Authenticator,
  request: IncomingMessage,
  authorization: unknown = request.headers.authorization,
): Promise<Identity> {
  if (authorization !== undefined) {
    const key = typeof authorization === 'string' ? /^Bearer (.+)$/i.exec(authorization)?.[1] : undefined;
    return signedIn(key === undefined ? null : await authenticator.key(key.trim()));
  }
  const token = sessionToken(request);
  return signedIn(token !== undefined && isOwnOrigin(request) ? await authenticator.session(token) : null);
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

function signedIn(identity: Identity | null): Identity {
  if (!identity) throw new MailtideError('UNAUTHENTICATED');
  return identity;
}

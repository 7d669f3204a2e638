import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { MailtideError } from '../errors.ts';
import { type Access, hostName, isLoopbackAddress } from './access.ts';

/** Headers that proxies and content delivery networks add: the client behind one is not on this machine. */
const FORWARDED =
  /^(?:forwarded|via|x-(?:forwarded|original|real|client|cluster|envoy|amzn|azure)-.+|cf-.+|true-client-ip|fastly-.+|cdn-loop)$/;

/**
 * Lets the operator of the installation through: with the admin key, by `Authorization: Bearer <ADMIN_KEY>`. Without
 * such a key, requests from this machine itself. Whether a request came through a proxy on this machine shows only if
 * the proxy left a mark; one that leaves none looks like a program here (docs/security.md).
 * @throws UNAUTHENTICATED, or FORBIDDEN where a key would not help.
 */
export function requireAdmin(
  request: IncomingMessage,
  adminKey: string | undefined,
  access: Pick<Access, 'isPublished'>,
): void {
  if (adminKey === undefined) {
    if (!access.isPublished && isOnThisMachine(request)) return;
    throw new MailtideError('FORBIDDEN', {
      message: 'Without ADMIN_KEY this answers requests from this machine only, and none once PUBLIC_URL is set.',
    });
  }
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]?.trim();
  if (given === undefined || !isSameKey(given, adminKey)) {
    throw new MailtideError('UNAUTHENTICATED', { message: 'Send the admin key as "Authorization: Bearer <key>".' });
  }
}

/** In constant time; the hashes make the lengths equal. */
export function isSameKey(one: string, another: string): boolean {
  const [a, b] = [one, another].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
}

/** The name that was asked for counts too: a page on the web can have its own name point to this machine. */
function isOnThisMachine({ headers, socket, httpVersionMinor }: IncomingMessage): boolean {
  // HTTP/1.0 is what nginx speaks to its upstream by default, without any other mark.
  if (httpVersionMinor === 0 || Object.keys(headers).some((name) => FORWARDED.test(name))) return false;
  const host = hostName(headers.host ?? '');
  return isLoopbackAddress(socket.remoteAddress ?? '') && (host === 'localhost' || isLoopbackAddress(host));
}

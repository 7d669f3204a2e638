import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { MailtideError } from '../errors.ts';
import { type Access, hostName, isLoopbackAddress } from './access.ts';

/** Headers of proxies and content delivery networks. A request with one does not come from this machine. */
const FORWARDED =
  /^(?:forwarded|via|x-(?:forwarded|original|real|client|cluster|envoy|amzn|azure)-.+|cf-.+|true-client-ip|fastly-.+|cdn-loop)$/;

/**
 * Admits the operator of the installation: by the admin key (`Authorization: Bearer <ADMIN_KEY>`), or if none is set,
 * by requests from this machine. A proxy on this machine is detected only by the headers that it adds; one that adds
 * none looks like a local program (docs/security.md).
 * @throws UNAUTHENTICATED, or FORBIDDEN if no key is set
 */
export function requireAdmin(
  request: IncomingMessage,
  adminKey: string | undefined,
  access: Pick<Access, 'isPublished'>,
): void {
  if (adminKey === undefined) {
    if (!access.isPublished && isOnThisMachine(request)) return;
    throw new MailtideError('FORBIDDEN', {
      message:
        'ADMIN_KEY is not set, so only requests from this machine are allowed, and none if PUBLIC_URL is set. Set ADMIN_KEY and send it as "Authorization: Bearer <key>".',
    });
  }
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]?.trim();
  if (given === undefined || !isSameKey(given, adminKey)) {
    throw new MailtideError('UNAUTHENTICATED', { message: 'Send the admin key as "Authorization: Bearer <key>".' });
  }
}

/** Compares two keys in constant time. Hashing makes the lengths equal. */
export function isSameKey(one: string, another: string): boolean {
  const [a, b] = [one, another].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
}

/** Also checks the requested host name, because a web page can make its own name resolve to this machine. */
function isOnThisMachine({ headers, socket, httpVersionMinor }: IncomingMessage): boolean {
  // nginx uses HTTP/1.0 for its upstream by default, and adds no header.
  if (httpVersionMinor === 0 || Object.keys(headers).some((name) => FORWARDED.test(name))) return false;
  const host = hostName(headers.host ?? '');
  return isLoopbackAddress(socket.remoteAddress ?? '') && (host === 'localhost' || isLoopbackAddress(host));
}

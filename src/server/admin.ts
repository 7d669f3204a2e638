import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { MailtideError } from '../errors.ts';

/** What a proxy adds: who came through one is not on this machine, although the proxy may be. */
const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

/**
 * Lets through who runs the installation: with the admin key, by `Authorization: Bearer <ADMIN_KEY>`. Where there is no
 * such key, whoever asks on this machine itself.
 * @throws UNAUTHENTICATED, or FORBIDDEN where a key would not help.
 */
export function requireAdmin(request: IncomingMessage, adminKey: string | undefined): void {
  if (adminKey === undefined) {
    if (isOnThisMachine(request)) return;
    throw new MailtideError('FORBIDDEN', { message: 'Without ADMIN_KEY this is for requests on this machine only.' });
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
function isOnThisMachine({ headers, socket }: IncomingMessage): boolean {
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false;
  const host = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return isLoopbackAddress(socket.remoteAddress ?? '') && (host === 'localhost' || isLoopbackAddress(host));
}

const isLoopbackAddress = (address: string): boolean =>
  isIP(address) !== 0 && (address === '::1' || /^(::ffff:)?127\./.test(address));

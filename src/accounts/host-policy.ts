import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';
import { type ErrorCode, MailtideError } from '../errors.ts';
import { toImapError } from '../imap/errors.ts';

export interface HostPolicy {
  /** Whether mail servers may be on this machine and on private networks. */
  readonly allowPrivateHosts: boolean;
  /** All addresses of a name; the system's by default. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
}

/** A host as it is written in certificates, and where it may be connected to. */
export interface CheckedHost {
  readonly host: string;
  readonly addresses: readonly string[];
}

/** The system's own patience with name servers can be half a minute. */
const LOOKUP_TIMEOUT_MS = 10_000;

const PRIVATE_RANGES = new Set([
  'loopback',
  'private',
  'linkLocal',
  'uniqueLocal',
  'carrierGradeNat',
  'deprecatedSiteLocal',
]);

/** In no host name, but with a meaning in URLs, whose parser is used below. */
const NOT_IN_NAMES = /[\s/?#@\\%:[\]]/;

/**
 * Looks a host up and keeps the addresses that `policy` lets a connection go to. The connection must go to these and
 * not look the name up again, because the answer may be another one by then (DNS rebinding).
 * @throws BAD_USER_INPUT for what is no host name; IMAP_HOST_NOT_FOUND, IMAP_NAME_LOOKUP_FAILED; HOST_NOT_ALLOWED,
 *   IMAP_CLEARTEXT_NOT_ALLOWED when no address is left.
 */
export async function checkHost(
  hostInput: string,
  security: 'TLS' | 'STARTTLS' | 'NONE',
  policy: HostPolicy,
): Promise<CheckedHost> {
  const host = canonicalHost(hostInput);
  if (host === null) throw new MailtideError('BAD_USER_INPUT', { message: 'imap.host: this is not a host name.' });
  const found = isIP(host) ? [host] : await addressesOf(host, policy);
  const refusals = found.map((address) => refusalOf(address, security, policy));
  const addresses = found.filter((_, i) => refusals[i] === null);
  if (addresses.length === 0) throw new MailtideError(refusals[0] ?? 'IMAP_HOST_NOT_FOUND');
  return { host, addresses };
}

/**
 * One spelling of each host: `IMAP.Example.com.` is `imap.example.com`, `[::1]` is `::1`, and what a resolver would
 * read as an IPv4 address (`127.1`, `0x7f.1`, `2130706433`) is that address. Null for what is no host.
 */
export function canonicalHost(input: string): string | null {
  const trimmed = input.trim();
  const bare = /^\[(.*)\]$/.exec(trimmed)?.[1] ?? trimmed;
  if (isIP(bare)) return bare.toLowerCase();
  if (NOT_IN_NAMES.test(trimmed)) return null;
  const ascii = domainToASCII(trimmed).replace(/\.$/, '');
  return ascii === '' || ascii.length > 253 ? null : ascii;
}

/** Why no connection may go to `address`, or null. An address that embeds an IPv4 one is judged by that. */
export function refusalOf(
  address: string,
  security: 'TLS' | 'STARTTLS' | 'NONE',
  { allowPrivateHosts }: HostPolicy,
): ErrorCode | null {
  const range = rangeOf(address);
  if (PRIVATE_RANGES.has(range)) return allowPrivateHosts ? null : 'HOST_NOT_ALLOWED';
  // Neither public nor private: unspecified (which Linux takes for loopback), multicast, broadcast, reserved, tunnels.
  if (range !== 'unicast') return 'HOST_NOT_ALLOWED';
  return security === 'NONE' ? 'IMAP_CLEARTEXT_NOT_ALLOWED' : null;
}

function rangeOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'invalid';
  const parsed = ipaddr.process(address);
  // NAT64 (RFC 6052): how hosts without IPv4 reach public IPv4 servers, and private ones just as well.
  return parsed.range() === 'rfc6052' ? new ipaddr.IPv4(parsed.toByteArray().slice(12)).range() : parsed.range();
}

async function addressesOf(host: string, policy: HostPolicy): Promise<readonly string[]> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new MailtideError('IMAP_NAME_LOOKUP_FAILED')), LOOKUP_TIMEOUT_MS);
  try {
    return await Promise.race([(policy.lookup ?? systemLookup)(host), timeout.promise]);
  } catch (error) {
    throw toImapError(error, 'connect');
  } finally {
    clearTimeout(timer);
  }
}

async function systemLookup(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';
import type { ConnectionSecurity } from '../domain/imap-types.ts';
import { type ErrorCode, MailtideError } from '../errors.ts';
import { toImapError } from '../imap/errors.ts';
import { lookUp } from './look-up.ts';

export interface HostPolicy {
  /** Whether mail servers may be on this machine and on private networks. */
  readonly allowPrivateHosts: boolean;
  /** All addresses of a name; the system's by default. */
  readonly lookup?: (host: string, options: { signal: AbortSignal }) => Promise<readonly string[]>;
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
  security: ConnectionSecurity,
  policy: HostPolicy,
  signal?: AbortSignal,
): Promise<CheckedHost> {
  const host = canonicalHost(hostInput);
  if (host === null) throw new MailtideError('BAD_USER_INPUT', { message: 'imap.host: this is not a host name.' });
  const found = isIP(host) ? [host] : await addressesOf(host, policy, signal);
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
  security: ConnectionSecurity,
  { allowPrivateHosts }: HostPolicy,
): ErrorCode | null {
  const range = rangeOf(address);
  if (PRIVATE_RANGES.has(range)) return allowPrivateHosts ? null : 'HOST_NOT_ALLOWED';
  // Neither public nor private: unspecified (which Linux takes for loopback), multicast, broadcast, reserved, tunnels.
  if (range !== 'unicast') return 'HOST_NOT_ALLOWED';
  return security === 'NONE' ? 'IMAP_CLEARTEXT_NOT_ALLOWED' : null;
}

/** The one range of IPv6 that is given out to anybody (RFC 4291, 2.4, as IANA has it). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** IPv4 addresses within IPv6 ones, which no host has had since RFC 4291, 2.5.5.1, but resolvers still spell. */
const IPV4_COMPATIBLE = ipaddr.IPv6.parseCIDR('::/96');

function rangeOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'invalid';
  // The one spelling of its bytes: ipaddr.js takes `::127.0.0.1` for IPv4, and `::7f00:1` not.
  const bare = address.replace(/%.*/, '');
  const spelled = isIP(bare) === 6 ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : bare;
  const parsed = ipaddr.process(spelled);
  const range = parsed.range();
  if (parsed instanceof ipaddr.IPv4) return range;
  // NAT64 (RFC 6052): how hosts without IPv4 reach public IPv4 servers, and private ones just as well.
  if (range === 'rfc6052') return new ipaddr.IPv4(parsed.toByteArray().slice(12)).range();
  if (range !== 'unicast') return range;
  if (parsed.match(IPV4_COMPATIBLE)) return 'reserved';
  return parsed.match(GLOBAL_UNICAST) ? range : 'reserved';
}

async function addressesOf(host: string, policy: HostPolicy, signal?: AbortSignal): Promise<readonly string[]> {
  const late = Promise.withResolvers<never>();
  const end = new AbortController();
  const fail = (code: ErrorCode) => () => {
    late.reject(new MailtideError(code));
    end.abort();
  };
  const timer = setTimeout(fail('IMAP_NAME_LOOKUP_FAILED'), LOOKUP_TIMEOUT_MS);
  const cancel = fail('RUN_CANCELLED');
  signal?.addEventListener('abort', cancel);
  try {
    return await Promise.race([(policy.lookup ?? lookUp)(host, { signal: end.signal }), late.promise]);
  } catch (error) {
    throw toImapError(error, 'connect');
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

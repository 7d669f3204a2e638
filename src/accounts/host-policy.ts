import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';
import type { ConnectionSecurity } from '../domain/imap-types.ts';
import { type ErrorCode, MailtideError } from '../errors.ts';
import { toImapError } from '../imap/errors.ts';
import { lookUp } from './look-up.ts';

export interface HostPolicy {
  /** Allows mail servers on this machine and on private networks. */
  readonly allowPrivateHosts: boolean;
  /** Returns all addresses of a name. Default: {@link lookUp}. */
  readonly lookup?: (host: string, options: { signal: AbortSignal }) => Promise<readonly string[]>;
}

/** A host as certificates spell it, and the addresses to which connections are allowed. */
export interface CheckedHost {
  readonly host: string;
  readonly addresses: readonly string[];
}

/** Without this limit, a lookup can take half a minute. */
const LOOKUP_TIMEOUT_MS = 10_000;

const PRIVATE_RANGES = new Set([
  'loopback',
  'private',
  'linkLocal',
  'uniqueLocal',
  'carrierGradeNat',
  'deprecatedSiteLocal',
]);

/** Characters that no host name contains, but that have a meaning to the URL parser used below. */
const NOT_IN_NAMES = /[\s/?#@\\%:[\]]/;

/**
 * Resolves a host and keeps the addresses that `policy` allows. The connection must use these addresses and not resolve
 * the name again, because the answer may differ by then (DNS rebinding).
 * @throws BAD_USER_INPUT for an invalid host name; IMAP_HOST_NOT_FOUND, IMAP_NAME_LOOKUP_FAILED; HOST_NOT_ALLOWED or
 *   IMAP_CLEARTEXT_NOT_ALLOWED if no address is left
 */
export async function checkHost(
  hostInput: string,
  security: ConnectionSecurity,
  policy: HostPolicy,
  signal?: AbortSignal,
): Promise<CheckedHost> {
  const host = canonicalHost(hostInput);
  if (host === null) throw new MailtideError('BAD_USER_INPUT', { message: 'imap.host: is not a host name.' });
  const found = isIP(host) ? [host] : await addressesOf(host, policy, signal);
  const refusals = found.map((address) => refusalOf(address, security, policy));
  const addresses = found.filter((_, i) => refusals[i] === null);
  if (addresses.length === 0) throw new MailtideError(refusals[0] ?? 'IMAP_HOST_NOT_FOUND');
  return { host, addresses };
}

/**
 * Returns the canonical spelling of a host, or null if it is not one: `IMAP.Example.com.` is `imap.example.com`,
 * `[::1]` is `::1`, and any form that a resolver reads as an IPv4 address (`127.1`, `0x7f.1`, `2130706433`) is that
 * address.
 */
export function canonicalHost(input: string): string | null {
  const trimmed = input.trim();
  const bare = /^\[(.*)\]$/.exec(trimmed)?.[1] ?? trimmed;
  if (isIP(bare)) return bare.toLowerCase();
  if (NOT_IN_NAMES.test(trimmed)) return null;
  const ascii = domainToASCII(trimmed).replace(/\.$/, '');
  return ascii === '' || ascii.length > 253 ? null : ascii;
}

/** Returns why no connection to `address` is allowed, or null. An embedded IPv4 address decides. */
export function refusalOf(
  address: string,
  security: ConnectionSecurity,
  { allowPrivateHosts }: HostPolicy,
): ErrorCode | null {
  const range = rangeOf(address);
  if (PRIVATE_RANGES.has(range)) return allowPrivateHosts ? null : 'HOST_NOT_ALLOWED';
  // Neither public nor private: unspecified (loopback on Linux), multicast, broadcast, reserved, tunnels.
  if (range !== 'unicast') return 'HOST_NOT_ALLOWED';
  return security === 'NONE' ? 'IMAP_CLEARTEXT_NOT_ALLOWED' : null;
}

/** The only IPv6 range that IANA assigns for global use (RFC 4291, 2.4). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** IPv4-compatible IPv6 addresses, deprecated by RFC 4291, 2.5.5.1, but still accepted by resolvers. */
const IPV4_COMPATIBLE = ipaddr.IPv6.parseCIDR('::/96');

function rangeOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'invalid';
  // The URL parser normalizes the address: ipaddr.js takes `::127.0.0.1` for IPv4, but not `::7f00:1`.
  const bare = address.replace(/%.*/, '');
  const spelled = isIP(bare) === 6 ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : bare;
  const parsed = ipaddr.process(spelled);
  const range = parsed.range();
  if (parsed instanceof ipaddr.IPv4) return range;
  // NAT64 (RFC 6052): hosts without IPv4 reach public IPv4 servers by it, but also private ones.
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

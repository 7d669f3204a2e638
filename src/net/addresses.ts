import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';

/** Where an address leads: to the internet, to this machine or a private network, or nowhere that may be contacted. */
export type Reach = 'PUBLIC' | 'PRIVATE' | 'FORBIDDEN';

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

/**
 * Returns where an address leads. An embedded IPv4 address decides. FORBIDDEN is what is neither public nor private:
 * unspecified (loopback on Linux), multicast, broadcast, reserved, tunnels.
 */
export function reachOf(address: string): Reach {
  const range = rangeOf(address);
  if (PRIVATE_RANGES.has(range)) return 'PRIVATE';
  return range === 'unicast' ? 'PUBLIC' : 'FORBIDDEN';
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

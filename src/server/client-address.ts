import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/** Checks whether the peer with this address is the operator's proxy, whose forwarding headers are trusted. */
export type IsTrustedProxy = (address: string) => boolean;

/**
 * @param list addresses and networks (CIDR), and `loopback` for this machine
 * @throws Error of one line for an entry that is neither
 */
export function trustedProxies(list: readonly string[]): IsTrustedProxy {
  const matchers = list.map((entry): ((address: ipaddr.IPv4 | ipaddr.IPv6) => boolean) => {
    if (entry === 'loopback') return (address) => address.range() === 'loopback';
    const [network, bits] = networkOf(entry);
    return (address) => address.kind() === network.kind() && address.match(network, bits);
  });
  return (address) => ipaddr.isValid(address) && matchers.some((matches) => matches(ipaddr.process(address)));
}

function networkOf(entry: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  if (!ipaddr.isValid(entry))
    throw new Error(`"${entry}" is not an IP address, a network in CIDR notation, or loopback`);
  const address = ipaddr.process(entry);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/**
 * Returns the client behind the trusted proxies. X-Forwarded-For is read from its end, where each trusted proxy has
 * appended its peer. Everything before the first untrusted address was written by that client and is ignored.
 */
export function clientAddress({ socket, headers }: IncomingMessage, isTrusted: IsTrustedProxy): string {
  let client = socket.remoteAddress ?? '';
  const hops = String(headers['x-forwarded-for'] ?? '').split(',');
  while (isTrusted(client)) {
    const before = hops.pop()?.trim();
    if (before === undefined || !ipaddr.isValid(before)) break;
    client = before;
  }
  return client;
}

/** True if a trusted proxy reports that the client uses TLS (X-Forwarded-Proto, or Forwarded of RFC 7239). */
export function isForwardedHttps({ socket, headers }: IncomingMessage, isTrusted: IsTrustedProxy): boolean {
  if (!isTrusted(socket.remoteAddress ?? '')) return false;
  const [scheme = ''] = String(headers['x-forwarded-proto'] ?? '').split(',');
  if (scheme.trim() !== '') return scheme.trim().toLowerCase() === 'https';
  // The first element is the client's own connection (RFC 7239, 4).
  const [first = ''] = (headers.forwarded ?? '').split(',');
  return /(?:^|;)\s*proto="?https"?\s*(?:;|$)/i.test(first);
}

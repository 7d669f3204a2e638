import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { clientAddress, isForwardedHttps, trustedProxies } from './client-address.ts';

export interface AccessSettings {
  /** The service listens on a loopback address only. */
  readonly isLoopback: boolean;
  /** The URL that users open (the setting PUBLIC_URL); undefined if not set. */
  readonly publicUrl: string | undefined;
  /** Addresses, networks, or `loopback` (the setting TRUSTED_PROXIES). */
  readonly trustedProxies: readonly string[];
}

/** Decides which host names the service serves, and determines the client of a request. */
export interface Access {
  /** PUBLIC_URL names a host other than this machine, so clients come through a proxy. */
  readonly isPublished: boolean;
  /** PUBLIC_URL is https. */
  readonly isHttpsOnly: boolean;
  /** True if the service serves the name in the Host header. */
  answersTo(request: IncomingMessage): boolean;
  /** Returns the address of the client, behind trusted proxies. */
  clientOf(request: IncomingMessage): string;
  /** True if the client's connection is known to be encrypted. */
  isEncrypted(request: IncomingMessage): boolean;
}

/**
 * Creates the access rules. A web page can make its own name resolve to this machine (DNS rebinding) and then access
 * the service as its own origin. So a service that knows its names serves only these names and IP addresses, which
 * cannot be rebound. A service that listens on other interfaces without PUBLIC_URL cannot know its names.
 */
export function createAccess({ isLoopback, publicUrl, trustedProxies: list }: AccessSettings): Access {
  const isTrusted = trustedProxies(list);
  const url = publicUrl === undefined ? null : new URL(publicUrl);
  const isHttpsOnly = url?.protocol === 'https:';
  return {
    isPublished: url !== null && !isLocalName(url.hostname),
    isHttpsOnly,
    answersTo({ headers: { host = '' } }) {
      if (host !== '' && !isHostAndPort(host)) return false;
      if (!isLoopback && url === null) return true;
      const name = hostName(host);
      return isIP(name) !== 0 || isLocalName(name) || (url !== null && name === hostName(url.hostname));
    },
    clientOf: (request) => clientAddress(request, isTrusted),
    isEncrypted: (request) => isHttpsOnly || isForwardedHttps(request, isTrusted),
  };
}

/** True for a valid Host header (RFC 9110, 7.2). Any other value yields no URL, or one with a path or a user. */
const isHostAndPort = (host: string): boolean => !/[/?#@\\]/.test(host) && URL.canParse(`http://${host}`);

/** Returns the host without port, brackets and trailing dot. */
export function hostName(host: string): string {
  const [, literal, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (literal ?? name).toLowerCase().replace(/\.$/, '');
}

const isLocalName = (name: string): boolean =>
  name === 'localhost' || name.endsWith('.localhost') || isLoopbackAddress(hostName(name));

export const isLoopbackAddress = (address: string): boolean =>
  isIP(address) !== 0 && (address === '::1' || /^(::ffff:)?127\./.test(address));

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { clientAddress, isForwardedHttps, trustedProxies } from './client-address.ts';

export interface AccessSettings {
  /** The service listens on a loopback address only. */
  readonly isLoopback: boolean;
  /** The address that people use (the setting PUBLIC_URL); undefined where it is not set. */
  readonly publicUrl: string | undefined;
  /** Addresses, networks, or `loopback` (the setting TRUSTED_PROXIES). */
  readonly trustedProxies: readonly string[];
}

/** Under which names the service answers, and what it can know of the client of a request. */
export interface Access {
  /** PUBLIC_URL names another host than this machine, so clients come through a proxy. */
  readonly isPublished: boolean;
  /** PUBLIC_URL is https. */
  readonly isHttpsOnly: boolean;
  /** Whether the service answers to the name in the Host header. */
  answersTo(request: IncomingMessage): boolean;
  /** The address of the client, behind trusted proxies. */
  clientOf(request: IncomingMessage): string;
  /** Whether the client's connection is encrypted, as far as that is known. */
  isEncrypted(request: IncomingMessage): boolean;
}

/**
 * A page on the web can let its own name resolve to this machine (DNS rebinding) and then speaks to the service as its
 * own origin. So a service whose names are known answers to these names only; an IP address cannot be rebound. A service
 * that listens for others and has no PUBLIC_URL cannot know its names.
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

/** RFC 9110, 7.2. Of anything else a Host header may hold, no URL can be made, or one with a path or a user. */
const isHostAndPort = (host: string): boolean => !/[/?#@\\]/.test(host) && URL.canParse(`http://${host}`);

/** Without port, brackets and the dot of a fully qualified name. */
export function hostName(host: string): string {
  const [, literal, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (literal ?? name).toLowerCase().replace(/\.$/, '');
}

const isLocalName = (name: string): boolean =>
  name === 'localhost' || name.endsWith('.localhost') || isLoopbackAddress(hostName(name));

export const isLoopbackAddress = (address: string): boolean =>
  isIP(address) !== 0 && (address === '::1' || /^(::ffff:)?127\./.test(address));

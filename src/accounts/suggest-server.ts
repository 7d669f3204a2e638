import { Resolver } from 'node:dns/promises';
import { MailtideError } from '../errors.ts';
import type { HostPolicy } from '../net/resolve-host.ts';
import { TimedOut, withTimeout } from '../with-timeout.ts';
import { parseInput, suggestion } from './account-input.ts';
import { checkHost } from './host-policy.ts';
import type { Provider } from './provider.ts';
import { providerOfDomain, providerOfServer } from './providers.ts';

/** The likely server of an address. Only a connection test can verify it. */
export interface ServerSuggestion {
  readonly host: string;
  readonly port: number;
  readonly security: 'TLS' | 'STARTTLS';
  readonly source: SuggestionSource;
  /** The provider of the server; null if unknown. */
  readonly provider: Provider | null;
}

export type SuggestionSource = 'PROVIDER' | 'SRV' | 'MX' | 'NAME';

/** The DNS queries. Each returns an empty list if no such record exists. */
export interface MailDns {
  srv(name: string): Promise<readonly { name: string; port: number; priority: number; weight: number }[]>;
  mx(domain: string): Promise<readonly { exchange: string; priority: number }[]>;
}

/** The user is waiting and did not request a suggestion, so a late one is useless. */
const ANSWER_WITHIN_MS = 2000;
/** Host names to try for a domain without other records, as providers commonly use them. */
const USUAL_NAMES = ['imap', 'mail'];

/**
 * Returns the likely server of an address from the best source: the table of providers, the domain's SRV records (RFC
 * 6186), the provider that its MX records name, or a host with a common name. Queries only name servers. DNS records
 * are untrusted, so hosts to which this installation would not connect are left out. Otherwise the answer would reveal
 * which names a private network has.
 * @returns null if nothing is found, or not in time
 * @throws BAD_USER_INPUT for an invalid address
 */
export async function suggestServer(
  emailAddress: string,
  policy: HostPolicy,
  dns: MailDns = mailDns(),
): Promise<ServerSuggestion | null> {
  const address = parseInput(suggestion, { emailAddress }).emailAddress;
  const domain = address.slice(address.lastIndexOf('@') + 1);
  const known = providerOfDomain(domain);
  if (known) return ofProvider(known, 'PROVIDER');

  const [srv, mx, name] = await Promise.all([bySrv(domain, policy, dns), byMx(domain, dns), byName(domain, policy)]);
  return srv ?? mx ?? name;
}

const ofProvider = (provider: Provider, source: SuggestionSource): ServerSuggestion => ({
  host: provider.host,
  port: 993,
  security: 'TLS',
  source,
  provider,
});

/** Reads SRV records (RFC 6186, 3.2). TLS comes before STARTTLS, whatever the priorities (RFC 8314, 3). */
async function bySrv(domain: string, policy: HostPolicy, dns: MailDns): Promise<ServerSuggestion | null> {
  const [tls, startTls] = await Promise.all([dns.srv(`_imaps._tcp.${domain}`), dns.srv(`_imap._tcp.${domain}`)]);
  for (const [records, security] of [
    [tls, 'TLS'],
    [startTls, 'STARTTLS'],
  ] as const) {
    const [best] = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
    // RFC 2782: "." means that the domain does not offer the service.
    if (!best || best.name === '' || best.name === '.') continue;
    const host = await allowed(best.name, security, policy);
    if (host) return { host, port: best.port, security, source: 'SRV', provider: providerOfServer(host) ?? null };
  }
  return null;
}

async function byMx(domain: string, dns: MailDns): Promise<ServerSuggestion | null> {
  const records = (await dns.mx(domain)).toSorted((a, b) => a.priority - b.priority);
  const provider = records[0] && providerOfServer(records[0].exchange.toLowerCase().replace(/\.$/, ''));
  return provider ? ofProvider(provider, 'MX') : null;
}

async function byName(domain: string, policy: HostPolicy): Promise<ServerSuggestion | null> {
  const hosts = await Promise.all(USUAL_NAMES.map((name) => allowed(`${name}.${domain}`, 'TLS', policy)));
  const host = hosts.find((one) => one !== null);
  return host ? { host, port: 993, security: 'TLS', source: 'NAME', provider: null } : null;
}

/** Returns the canonical host if it exists and connections to it are allowed, else null. */
async function allowed(
  name: string,
  security: ServerSuggestion['security'],
  policy: HostPolicy,
): Promise<string | null> {
  try {
    return (await withTimeout(checkHost(name, security, policy), ANSWER_WITHIN_MS)).host;
  } catch (error) {
    if (error instanceof MailtideError || error instanceof TimedOut) return null;
    throw error;
  }
}

/** @param servers name servers to query, as `address:port`; default: those of the system */
export function mailDns(servers?: readonly string[]): MailDns {
  /** Returns an empty list for every failure, because a suggestion does not depend on the reason. */
  async function asked<T>(ask: (resolver: Resolver) => Promise<T[]>): Promise<T[]> {
    const resolver = new Resolver({ timeout: ANSWER_WITHIN_MS, tries: 1 });
    if (servers) resolver.setServers(servers);
    try {
      return await ask(resolver);
    } catch {
      return [];
    }
  }
  return {
    srv: (name) => asked((resolver) => resolver.resolveSrv(name)),
    mx: (domain) => asked((resolver) => resolver.resolveMx(domain)),
  };
}

import { isIP } from 'node:net';
import { MailtideError } from '../errors.ts';
import { canonicalHost } from '../net/addresses.ts';
import type { PinnedFetch } from '../net/pinned-fetch.ts';
import type { HostPolicy } from '../net/resolve-host.ts';
import { parseInput, suggestion } from './account-input.ts';
import { autoconfigFetch, type HttpsOptions, type PublishedServer, publishedServers } from './autoconfig.ts';
import { checkHost } from './host-policy.ts';
import { type MailDns, mailDns } from './mail-dns.ts';
import type { Provider } from './provider.ts';
import { providerOfDomain, providerOfServer } from './providers.ts';

/** The likely server of an address. Only a connection test can verify it. */
export interface ServerSuggestion extends PublishedServer {
  readonly source: SuggestionSource;
  /** The provider of the server; null if unknown. */
  readonly provider: Provider | null;
}

export type SuggestionSource = 'AUTOCONFIG' | 'PROVIDER' | 'MX' | 'SRV' | 'NAME';

export interface SuggestOptions {
  readonly dns?: MailDns;
  /** For the requests of the domain's files. */
  readonly https?: HttpsOptions;
  readonly deadlines?: SuggestDeadlines;
}

export interface SuggestDeadlines {
  /** Limit of the whole search. */
  readonly wholeMs: number;
  /** The same for a domain in the table of providers, because the table has an answer already. */
  readonly knownMs: number;
}

/** The user is waiting and did not request a suggestion, so a late one is useless. */
const DEADLINES: SuggestDeadlines = { wholeMs: 3000, knownMs: 1000 };
/** Host names to try for a domain without other records, as providers commonly use them. */
const USUAL_NAMES = ['imap', 'mail'];

/**
 * Returns the likely server of an address from the best source: the domain's own autoconfig file, the table of
 * providers, by the domain and then by its MX records, the domain's SRV records (RFC 6186), or a host with a common
 * name. MX records come before SRV records, because mail would be lost if they were out of date. Queries only the
 * domain's web servers and name servers, all at once.
 *
 * Files and records are untrusted, so hosts to which this installation would not connect are left out. Otherwise the
 * answer would reveal which names a private network has.
 * @returns null if nothing is found, or not in time
 * @throws BAD_USER_INPUT for an invalid address
 */
export async function suggestServer(
  emailAddress: string,
  policy: HostPolicy,
  { dns = mailDns(), https, deadlines = DEADLINES }: SuggestOptions = {},
): Promise<ServerSuggestion | null> {
  const address = parseInput(suggestion, { emailAddress }).emailAddress;
  const domain = canonicalHost(address.slice(address.lastIndexOf('@') + 1));
  if (domain === null || isIP(domain)) return null;

  const late = Promise.withResolvers<null>();
  const end = new AbortController();
  const known = providerOfDomain(domain);
  const ms = known ? deadlines.knownMs : deadlines.wholeMs;
  const timer = setTimeout(() => late.resolve(null), ms);
  const look: Look = { domain, policy, dns, signal: end.signal };
  const sources = [
    byAutoconfig(address, autoconfigFetch(policy, ms, https), look),
    ...(known ? [Promise.resolve(ofUser(known, address))] : [byMx(look), bySrv(look), byName(look)]),
  ];
  // Otherwise the rejection of a source that nobody awaits any more would end the process.
  void Promise.allSettled(sources);
  try {
    for (const source of sources) {
      const found = await Promise.race([source, late.promise]);
      if (found) return found;
    }
    return null;
  } finally {
    clearTimeout(timer);
    end.abort();
  }
}

/** What all sources need. */
interface Look {
  readonly domain: string;
  readonly policy: HostPolicy;
  readonly dns: MailDns;
  readonly signal: AbortSignal;
}

async function byAutoconfig(
  address: string,
  fetch: PinnedFetch,
  { domain, policy, signal }: Look,
): Promise<ServerSuggestion | null> {
  for (const server of await publishedServers(address, domain, fetch, signal)) {
    const host = await allowed(server.host, server.security, policy, signal);
    if (host) return { ...server, host, source: 'AUTOCONFIG', provider: providerOfServer(host) ?? null };
  }
  return null;
}

function ofUser(provider: Provider, address: string): ServerSuggestion {
  const username = provider.username === 'LOCAL_PART' ? address.slice(0, address.lastIndexOf('@')) : null;
  return { ...onTls(provider.host, 'PROVIDER', provider), username };
}

const onTls = (host: string, source: SuggestionSource, provider: Provider | null): ServerSuggestion => ({
  host,
  port: 993,
  security: 'TLS',
  username: null,
  authentication: provider?.authentication ?? null,
  oauth: null,
  source,
  provider,
});

async function byMx({ domain, dns }: Look): Promise<ServerSuggestion | null> {
  const records = (await dns.mx(domain)).toSorted((a, b) => a.priority - b.priority);
  const provider = records[0] && providerOfServer(records[0].exchange.toLowerCase().replace(/\.$/, ''));
  return provider ? onTls(provider.host, 'MX', provider) : null;
}

/** Reads SRV records (RFC 6186, 3.2). TLS comes before STARTTLS, whatever the priorities (RFC 8314, 3). */
async function bySrv({ domain, policy, dns, signal }: Look): Promise<ServerSuggestion | null> {
  const [tls, startTls] = await Promise.all([dns.srv(`_imaps._tcp.${domain}`), dns.srv(`_imap._tcp.${domain}`)]);
  for (const [records, security] of [
    [tls, 'TLS'],
    [startTls, 'STARTTLS'],
  ] as const) {
    const [best] = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
    // RFC 2782: "." means that the domain does not offer the service.
    if (!best || best.name === '' || best.name === '.') continue;
    const host = await allowed(best.name, security, policy, signal);
    if (host) return { ...onTls(host, 'SRV', providerOfServer(host) ?? null), port: best.port, security };
  }
  return null;
}

async function byName({ domain, policy, signal }: Look): Promise<ServerSuggestion | null> {
  const hosts = await Promise.all(USUAL_NAMES.map((name) => allowed(`${name}.${domain}`, 'TLS', policy, signal)));
  const host = hosts.find((one) => one !== null);
  return host ? onTls(host, 'NAME', null) : null;
}

/** Returns the canonical host if it exists and connections to it are allowed, else null. */
async function allowed(
  name: string,
  security: ServerSuggestion['security'],
  policy: HostPolicy,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    return (await checkHost(name, security, policy, signal)).host;
  } catch (error) {
    if (error instanceof MailtideError) return null;
    throw error;
  }
}

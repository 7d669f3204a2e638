import { Resolver } from 'node:dns/promises';
import { MailtideError } from '../errors.ts';
import { TimedOut, withTimeout } from '../with-timeout.ts';
import { parseInput, suggestion } from './account-input.ts';
import { checkHost, type HostPolicy } from './host-policy.ts';
import { type Provider, providerOfDomain, providerOfServer } from './providers.ts';

/** Where an address' mailbox is likely to be. Only a connection test can tell. */
export interface ServerSuggestion {
  readonly host: string;
  readonly port: number;
  readonly security: 'TLS' | 'STARTTLS';
  readonly source: SuggestionSource;
  /** Whose server it is, where that is known. */
  readonly provider: Provider | null;
}

export type SuggestionSource = 'PROVIDER' | 'SRV' | 'MX' | 'NAME';

/** The questions that are asked. Each answers nothing for what is not there. */
export interface MailDns {
  srv(name: string): Promise<readonly { name: string; port: number; priority: number; weight: number }[]>;
  mx(domain: string): Promise<readonly { exchange: string; priority: number }[]>;
}

/** A person waits for it, and has not asked: better nothing than late. */
const ANSWER_WITHIN_MS = 2000;
/** What to try for a domain that says nothing, as its mail's users are usually told. */
const USUAL_NAMES = ['imap', 'mail'];

/**
 * Where the mailbox of an address is, best source first: the table of providers; what the domain says about itself
 * (SRV, RFC 6186); the provider that takes its mail (MX); a host with a usual name. Asks name servers and nobody else.
 * What the domain names is another's word: hosts that this installation would not connect to are left out, so that
 * the answer does not tell which names a private network has.
 * @returns null when nothing is known, or not in time
 * @throws BAD_USER_INPUT for what is no address
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

/** RFC 6186, 3.2; TLS from the first byte goes before STARTTLS whatever the records say (RFC 8314, 3). */
async function bySrv(domain: string, policy: HostPolicy, dns: MailDns): Promise<ServerSuggestion | null> {
  const [tls, startTls] = await Promise.all([dns.srv(`_imaps._tcp.${domain}`), dns.srv(`_imap._tcp.${domain}`)]);
  for (const [records, security] of [
    [tls, 'TLS'],
    [startTls, 'STARTTLS'],
  ] as const) {
    const [best] = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
    // RFC 2782: "." is a service that is decidedly not there.
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

/** The host in its one spelling, when it is there and may be connected to. */
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

/** @param servers name servers to ask, as `address:port`; those of the system when absent */
export function mailDns(servers?: readonly string[]): MailDns {
  /** No such record, no such domain, no name server: for a suggestion it is all the same. */
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

import { lookup, Resolver } from 'node:dns/promises';
import { type HostsFile, hostsFile, searchDomains } from './system-names.ts';

/** What a name server may take for one question, twice. Milliseconds. */
const ANSWER_WITHIN_MS = 2500;
const TRIES = 2;

export interface LookUpOptions {
  /** Name servers to ask, as `address:port`; those of the system when absent. */
  readonly servers?: readonly string[];
  /** The system's file of names; another one in tests. */
  readonly hosts?: HostsFile;
  /** Domains in which a short name is looked for; the system's when absent. */
  readonly search?: readonly string[];
  /** Ends the questions that are under way. */
  readonly signal?: AbortSignal;
}

/**
 * All addresses of a name, IPv4 first: `localhost` (RFC 6761, 6.3), the system's file of hosts, then its name servers,
 * asked over sockets of their own. The system's `getaddrinfo` runs in four threads that the whole process shares, and a
 * silent name server keeps one for half a minute, so a few slow names would stop everybody's. Only names in `.local`,
 * which mDNS answers and no name server of a stranger's, are left to it.
 * @throws an error with Node's code: ENOTFOUND where there is no such name, EAI_AGAIN where nobody could say.
 */
export async function lookUp(name: string, options: LookUpOptions = {}): Promise<string[]> {
  if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1'];
  const known = await (options.hosts ?? hostsFile())(name);
  if (known.length > 0) return known;
  if (name.endsWith('.local')) return (await lookup(name, { all: true })).map(({ address }) => address);
  const domains = options.search ?? (await searchDomains());
  const inDomains = domains.map((domain) => `${name}.${domain}`);
  // As the system does with `ndots:1`: a name with a dot is tried as it is first.
  const candidates = name.includes('.') ? [name, ...inDomains] : [...inDomains, name];
  for (const candidate of candidates) {
    const addresses = await asked(candidate, options);
    if (addresses.length > 0) return addresses;
  }
  throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
}

/** These say that the name has no such record; everything else, that nobody could say. */
const NOTHING_THERE = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);

async function asked(name: string, { servers, signal }: LookUpOptions): Promise<string[]> {
  const resolver = new Resolver({ timeout: ANSWER_WITHIN_MS, tries: TRIES });
  if (servers) resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  signal?.addEventListener('abort', cancel);
  try {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failed = answers.some(
      (answer) =>
        answer.status === 'rejected' && !NOTHING_THERE.has((answer.reason as NodeJS.ErrnoException).code ?? ''),
    );
    if (found.length === 0 && failed) {
      throw Object.assign(new Error('no name server answers'), { code: 'EAI_AGAIN', cause: answers });
    }
    return found;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

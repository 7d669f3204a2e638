import { lookup, Resolver } from 'node:dns/promises';
import { type HostsFile, hostsFile, searchDomains } from './system-names.ts';

/** Timeout of one DNS query in ms, for each of {@link TRIES} attempts. */
const ANSWER_WITHIN_MS = 2500;
const TRIES = 2;

export interface LookUpOptions {
  /** Name servers to query, as `address:port`. Default: those of the system. */
  readonly servers?: readonly string[];
  /** The hosts file. Default: the system's. */
  readonly hosts?: HostsFile;
  /** Search domains for short names. Default: the system's. */
  readonly search?: readonly string[];
  /** Cancels running queries. */
  readonly signal?: AbortSignal;
}

/**
 * Returns all addresses of a name, IPv4 first: from `localhost` (RFC 6761, 6.3), the system's hosts file, then its name
 * servers, queried over separate sockets. The system's `getaddrinfo` runs in four threads that the whole process
 * shares, and a silent name server blocks one for half a minute, so a few slow names would block all lookups. It is
 * used only for names in `.local`, which mDNS resolves, not a foreign name server.
 * @throws an error with Node's code: ENOTFOUND if the name does not exist, EAI_AGAIN if no name server answers
 */
export async function lookUp(name: string, options: LookUpOptions = {}): Promise<string[]> {
  if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1'];
  const known = await (options.hosts ?? hostsFile())(name);
  if (known.length > 0) return known;
  if (name.endsWith('.local')) return (await lookup(name, { all: true })).map(({ address }) => address);
  const domains = options.search ?? (await searchDomains());
  const inDomains = domains.map((domain) => `${name}.${domain}`);
  // Like the system's `ndots:1`: tries a name with a dot as it is first.
  const candidates = name.includes('.') ? [name, ...inDomains] : [...inDomains, name];
  for (const candidate of candidates) {
    const addresses = await asked(candidate, options);
    if (addresses.length > 0) return addresses;
  }
  throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
}

/** Codes that mean that the name has no such record. Other codes mean that no server answered. */
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

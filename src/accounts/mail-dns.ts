import { Resolver } from 'node:dns/promises';

/** The DNS queries. Each returns an empty list if no such record exists. */
export interface MailDns {
  srv(name: string): Promise<readonly { name: string; port: number; priority: number; weight: number }[]>;
  mx(domain: string): Promise<readonly { exchange: string; priority: number }[]>;
}

const ANSWER_WITHIN_MS = 2000;

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

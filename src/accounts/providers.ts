import type { Provider } from './provider.ts';
import { PROVIDERS } from './provider-table.ts';

export const providerOfDomain = (domain: string): Provider | undefined =>
  PROVIDERS.find(({ domains }) => domains.includes(domain));

/** Returns the provider of a server, by the name of an IMAP server or of an MX record. */
export const providerOfServer = (host: string): Provider | undefined =>
  PROVIDERS.find(({ servers }) => servers.some((domain) => host === domain || host.endsWith(`.${domain}`)));

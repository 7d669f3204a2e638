import { createPinnedFetch, type PinnedFetchOptions } from '../net/pinned-fetch.ts';
import type { OAuthProvider } from './provider.ts';
import { createProviderClient, type ProviderClient } from './provider-client.ts';

/** The configured providers, in the order in which they are offered. */
export interface ProviderClients {
  readonly all: readonly OAuthProvider[];
  /** Returns null for an id that is not configured. */
  of(id: string): ProviderClient | null;
}

/** @param options for the requests to all providers, whose hosts obey the policy of IMAP hosts */
export function createProviderClients(
  providers: readonly OAuthProvider[],
  options: PinnedFetchOptions,
): ProviderClients {
  const fetch = createPinnedFetch(options);
  const clients = new Map(providers.map((provider) => [provider.id, createProviderClient(provider, fetch)]));
  return {
    all: providers,
    of: (id) => clients.get(id) ?? null,
  };
}

import { isIP } from 'node:net';
import { lookUp } from './look-up.ts';

export interface HostPolicy {
  /** Allows servers on this machine and on private networks. */
  readonly allowPrivateHosts: boolean;
  /** Returns all addresses of a name. Default: {@link lookUp}. */
  readonly lookup?: (host: string, options: { signal: AbortSignal }) => Promise<readonly string[]>;
}

/** A host as certificates spell it, and the addresses to which connections are allowed. */
export interface CheckedHost {
  readonly host: string;
  readonly addresses: readonly string[];
}

/** Without this limit, a lookup can take half a minute. */
const LOOKUP_TIMEOUT_MS = 10_000;

/**
 * Returns all addresses of a canonical host, allowed or not. An address is its own.
 * @throws an error with Node's code: ENOTFOUND if the name does not exist, EAI_AGAIN if no name server answers within
 *   ten seconds; the reason of `signal` if it aborts
 */
export async function resolveHost(host: string, policy: HostPolicy, signal?: AbortSignal): Promise<readonly string[]> {
  if (isIP(host)) return [host];
  signal?.throwIfAborted();
  const late = Promise.withResolvers<never>();
  const end = new AbortController();
  const fail = (error: unknown) => {
    late.reject(error);
    end.abort();
  };
  const timer = setTimeout(
    () => fail(Object.assign(new Error('name servers did not answer in time'), { code: 'EAI_AGAIN' })),
    LOOKUP_TIMEOUT_MS,
  );
  const cancel = () => fail(signal?.reason);
  signal?.addEventListener('abort', cancel);
  try {
    return await Promise.race([(policy.lookup ?? lookUp)(host, { signal: end.signal }), late.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

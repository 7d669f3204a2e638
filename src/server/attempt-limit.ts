import { isIPv6 } from 'node:net';
import { MailtideError } from '../errors.ts';

export interface AttemptLimitOptions {
  /** Attempts that an address may make at once. */
  readonly burst: number;
  /** Time after which it may make one more, in ms. */
  readonly refillMs: number;
}

/** Addresses that are remembered. Beyond that, the least recently used one is forgotten. */
const MAX_ADDRESSES = 10_000;

export interface AttemptLimit {
  /** @throws TOO_MANY_REQUESTS if the address has no attempt left */
  require(address: string): void;
  /** Uses one attempt of the address. */
  spend(address: string): void;
}

/** Creates a token bucket per client address, or per /64 network for IPv6, because one client has a whole network. */
export function createAttemptLimit({ burst, refillMs }: AttemptLimitOptions): AttemptLimit {
  /** When the bucket of each address is full again, in ms of the monotonic clock. The oldest use comes first. */
  const fullAt = new Map<string, number>();

  /** Returns the time until the address may try again, in ms; 0 if it may now. */
  function waitOf(network: string, now: number): number {
    const missing = (fullAt.get(network) ?? now) - now;
    return Math.max(0, missing - (burst - 1) * refillMs);
  }

  return {
    require(address) {
      const retryAfterMs = waitOf(networkOf(address), performance.now());
      if (retryAfterMs > 0) throw new MailtideError('TOO_MANY_REQUESTS', { retryAfterMs });
    },
    spend(address) {
      const network = networkOf(address);
      const now = performance.now();
      const before = Math.max(now, fullAt.get(network) ?? now);
      fullAt.delete(network);
      if (fullAt.size >= MAX_ADDRESSES) fullAt.delete(fullAt.keys().next().value!);
      fullAt.set(network, Math.min(before + refillMs, now + burst * refillMs));
    },
  };
}

function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  if (/^::ffff:[\d.]+$/i.test(address)) return address.slice('::ffff:'.length);
  const [head = ''] = address.split('::', 1);
  return head.split(':').slice(0, 4).join(':');
}

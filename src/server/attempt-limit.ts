import { isIPv6 } from 'node:net';
import { MailtideError } from '../errors.ts';

export interface AttemptLimitOptions {
  /** Attempts that an address has in store. */
  readonly burst: number;
  /** Time after which it has one more, in milliseconds. */
  readonly refillMs: number;
}

/** Addresses that are remembered; beyond that the one that was quiet for longest is forgotten. */
const MAX_ADDRESSES = 10_000;

export interface AttemptLimit {
  /** @throws TOO_MANY_REQUESTS when the address has no attempt left. */
  require(address: string): void;
  /** Takes one attempt from the address. */
  spend(address: string): void;
}

/** A token bucket per client address; per /64 network for IPv6, because that is what one client has. */
export function createAttemptLimit({ burst, refillMs }: AttemptLimitOptions): AttemptLimit {
  /** When the store of the address is full again, in ms of the monotonic clock; the oldest use comes first. */
  const fullAt = new Map<string, number>();

  /** How long until the address has an attempt, in milliseconds; 0 when it has one. */
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

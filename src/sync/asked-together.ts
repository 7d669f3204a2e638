import type { PendingLocation } from '../store/mail/locations.ts';

/** Each failed attempt divides the number of messages in one FETCH by this. */
const NARROWER = 8;

/**
 * Returns the first locations that go into one FETCH: at least one, at most as many messages and bytes as the limit.
 * The server failed before on locations with `attempts`. Fewer of them go into one FETCH, so that a few runs isolate
 * the message that causes the failure.
 */
export function askedTogether(
  locations: readonly PendingLocation[],
  limit: { readonly messages: number; readonly bytes: number },
): readonly PendingLocation[] {
  const attempts = locations[0]?.attempts ?? 0;
  const most = Math.max(1, Math.floor(limit.messages / NARROWER ** attempts));
  let bytes = 0;
  const end = locations.findIndex((location, i) => {
    bytes += location.size;
    return i > 0 && (i >= most || bytes > limit.bytes || location.attempts !== attempts);
  });
  return end < 0 ? locations.slice(0, most) : locations.slice(0, end);
}

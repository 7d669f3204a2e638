import type { PendingLocation } from '../store/mail/locations.ts';

/** Each attempt in vain divides by this how many messages are asked for together. */
const NARROWER = 8;

/**
 * The first locations that go into one FETCH: at least one, at most so many messages and bytes. Over those with
 * `attempts` the server broke down before: fewer of them are asked for together, so that a few runs find the one.
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

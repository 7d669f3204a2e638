import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstDue, nextDue } from '../../../src/domain/schedule.ts';

const MINUTE = 60_000;
const NOW = new Date('2026-01-02T03:04:05.006Z');
const after = (ms: number, from = NOW) => new Date(from.getTime() + ms);

/** The same numbers every time (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How many of the times are in each minute after `from`. */
function perMinute(times: readonly Date[], from: Date): number[] {
  const counts: number[] = [];
  for (const time of times) {
    const minute = Math.floor((time.getTime() - from.getTime()) / MINUTE);
    counts[minute] = (counts[minute] ?? 0) + 1;
  }
  return Array.from(counts, (count) => count ?? 0);
}

test('firstDue, 10,000 accounts added at once, spreads them over the first interval', () => {
  const random = numbers(1);
  const times = Array.from({ length: 10_000 }, () => firstDue(NOW, 15, random()));
  const histogram = perMinute(times, NOW);
  expect(histogram).toHaveLength(15);
  for (const count of histogram) expect(Math.abs(count - 10_000 / 15)).toBeLessThan(100);
});

test('nextDue, all accounts overdue after downtime, keeps them spread', () => {
  const random = numbers(2);
  const times = Array.from({ length: 10_000 }, () => firstDue(NOW, 15, random()));
  const back = after(200 * MINUTE);
  const next = times.map((due) => nextDue(due, back, 15, random()));
  const busiest = Math.max(...perMinute(next, back));
  expect(busiest).toBeLessThan(1000);
});

test('nextDue, 10,000 accounts due at once, spreads them out over time', () => {
  const random = numbers(3);
  let times = Array.from({ length: 10_000 }, () => NOW);
  for (let round = 0; round < 20; round += 1) times = times.map((due) => nextDue(due, due, 15, random()));
  const histogram = perMinute(times, NOW).filter((count) => count > 0);
  expect(Math.max(...histogram)).toBeLessThan(2500);
});

const minutes = fc.integer({ min: 1, max: 10_080 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

test('nextDue, claimed in time, is one interval later, or up to a tenth earlier', () => {
  fc.assert(
    fc.property(minutes, share, share, (interval, random, late) => {
      const claimed = after(late * 0.3 * interval * MINUTE);
      const gap = nextDue(NOW, claimed, interval, random).getTime() - NOW.getTime();
      expect(gap).toBeLessThanOrEqual(interval * MINUTE);
      expect(gap).toBeGreaterThanOrEqual(0.9 * interval * MINUTE - 1);
    }),
  );
});

test('nextDue, claimed late, skips missed times, and waits half an interval or more', () => {
  fc.assert(
    fc.property(minutes, share, fc.integer({ min: 0, max: 1e11 }), (interval, random, lateMs) => {
      const now = after(lateMs);
      const wait = nextDue(NOW, now, interval, random).getTime() - now.getTime();
      expect(wait).toBeGreaterThanOrEqual(0.5 * interval * MINUTE - 1);
      expect(wait).toBeLessThanOrEqual(1.5 * interval * MINUTE);
    }),
  );
});

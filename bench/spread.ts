import { firstDue, nextDue } from '../src/domain/schedule.ts';

/**
 * When 10,000 accounts that are added at once are due: in the first interval, and in the first one after hours of
 * downtime, after which all were due at once. Prints a bar for each minute.
 *
 *   node bench/spread.ts
 */
const ACCOUNTS = 10_000;
const INTERVAL = 15;
const NOW = new Date();
const MINUTE_MS = 60_000;

const first = Array.from({ length: ACCOUNTS }, () => firstDue(NOW, INTERVAL, Math.random()));
const back = new Date(NOW.getTime() + 200 * MINUTE_MS);
const afterPause = first.map((due) => nextDue(due, back, INTERVAL, Math.random()));

show('added at once', first, NOW);
show('the next time, after a pause that made all of them due at once', afterPause, back);

function show(what: string, times: readonly Date[], from: Date): void {
  const minutes = Map.groupBy(times, (time) => Math.floor((time.getTime() - from.getTime()) / MINUTE_MS));
  const seconds = Map.groupBy(times, (time) => Math.floor((time.getTime() - from.getTime()) / 1000));
  console.log(`\n${what}: at most ${Math.max(...[...seconds.values()].map(({ length }) => length))} in a second`);
  for (const minute of [...minutes.keys()].toSorted((a, b) => a - b)) {
    const { length } = minutes.get(minute)!;
    console.log(
      `${String(minute).padStart(4)} min ${String(length).padStart(5)} ${'#'.repeat(Math.round(length / 20))}`,
    );
  }
}

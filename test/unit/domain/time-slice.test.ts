import { describe, expect, test } from 'vitest';
import { choosePreempted, nextSliceMs, type TimeSlice, type Waiting } from '../../../src/domain/time-slice.ts';

const place = (name: string, more: Partial<Waiting> = {}): Waiting => ({
  tenantId: name,
  host: `${name}.example`,
  trigger: 'SCHEDULE',
  servedMs: null,
  ...more,
});
const turn = (runId: string, ms: number, more: Partial<TimeSlice> = {}): TimeSlice => ({
  ...place(runId[0]!),
  runId,
  ms,
  turnMs: 1000,
  ...more,
});
const LONG = 3_600_000;

describe('choosePreempted, a single running run', () => {
  test('is not preempted while no run waits, however long it runs', () => {
    expect(choosePreempted([turn('a1', LONG)], [])).toEqual([]);
  });

  test('is preempted for a tenant without a running run, after a second', () => {
    expect(choosePreempted([turn('a1', 999)], [place('b')])).toEqual([]);
    expect(choosePreempted([turn('a1', 1000)], [place('b')])).toEqual(['a1']);
  });

  test('is not preempted for its own tenant, or a tenant with a running run', () => {
    expect(choosePreempted([turn('a1', LONG), turn('b1', 10)], [place('a'), place('b')])).toEqual([]);
  });

  test('a scheduled run is preempted for a requested one, but not the reverse', () => {
    const asked = { trigger: 'USER' } as const;
    expect(choosePreempted([turn('a1', LONG)], [place('a', asked)])).toEqual(['a1']);
    expect(choosePreempted([turn('a1', LONG)], [place('b', asked)])).toEqual(['a1']);
    expect(choosePreempted([turn('a1', LONG, asked)], [place('b'), place('a')])).toEqual([]);
    expect(choosePreempted([turn('a1', LONG, asked)], [place('b', asked)])).toEqual(['a1']);
    // A tenant with a slot takes none from others.
    expect(choosePreempted([turn('a1', LONG), turn('b1', LONG)], [place('b', asked)])).toEqual(['b1']);
  });
});

test('choosePreempted, a tenant that just ran, scheduled runs wait half a minute', () => {
  const served = place('b', { servedMs: 31_999 });
  expect(choosePreempted([turn('a1', 31_999)], [served])).toEqual([]);
  expect(choosePreempted([turn('a1', 32_000)], [served])).toEqual(['a1']);
  expect(choosePreempted([turn('a1', 1000)], [{ ...served, servedMs: 32_000 }])).toEqual(['a1']);
  expect(choosePreempted([turn('a1', 1000)], [{ ...served, trigger: 'USER' }])).toEqual(['a1']);
});

describe('choosePreempted, several running runs', () => {
  const running = [turn('a1', 5000), turn('b1', LONG), turn('a2', 9000), turn('a3', 10)];

  test('takes the longest run of the tenant with the most', () => {
    expect(choosePreempted(running, [place('c')])).toEqual(['a2']);
  });

  test('takes one run for each waiting tenant, not for each waiting run', () => {
    const waiting = [place('c'), place('c', { host: 'other.example' }), place('d')];
    expect(choosePreempted(running, waiting)).toEqual(['a2', 'a1']);
  });

  test('serves requested runs first', () => {
    const asked = { trigger: 'USER' } as const;
    const running = [turn('a1', LONG), turn('b1', 5000, asked)];
    // The first takes the longest run; a scheduled run must not take the other one.
    expect(choosePreempted(running, [place('c'), place('d', asked)])).toEqual(['a1']);
    expect(choosePreempted(running, [place('c', asked), place('d', asked)])).toEqual(['a1', 'b1']);
  });
});

test('choosePreempted, a host at its limit, takes a run at that host', () => {
  const host = 'imap.mail.yahoo.com';
  const nine = Array.from({ length: 9 }, (_, i) => turn(`a${i}`, 2000 + i, { host }));
  const elsewhere = [turn('a9', LONG), turn('a10', LONG)];
  expect(choosePreempted([...nine, ...elsewhere], [place('b', { host })])).toEqual(['a8']);
  expect(choosePreempted(elsewhere, [place('b', { host })])).toEqual(['a9']);
});

describe('nextSliceMs, after a preemption', () => {
  const seconds = (turnMs: number, ms: number, madeHeadway = true) =>
    nextSliceMs({ turnMs: turnMs * 1000, ms: ms * 1000 }, madeHeadway) / 1000;

  test('is at least the last one, and twice the needed one, from 8 to 30 seconds', () => {
    expect([seconds(1, 1), seconds(8, 9), seconds(1, 9), seconds(16, 17), seconds(1, 3600)]).toEqual([
      8, 16, 9, 32, 32,
    ]);
    expect(choosePreempted([turn('a1', 8999, { turnMs: 9000 })], [place('b')])).toEqual([]);
    expect(choosePreempted([turn('a1', 9000, { turnMs: 9000 })], [place('b')])).toEqual(['a1']);
  });

  test('exceeds half a minute without progress, so that the run makes some', () => {
    expect([seconds(1, 900, false), seconds(32, 33, false), seconds(64, 65, true), seconds(3000, 3001, false)]).toEqual(
      [8, 64, 32, 3600],
    );
  });
});

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

describe('a run that goes on', () => {
  test('is not interrupted while nobody waits, however long it takes', () => {
    expect(choosePreempted([turn('a1', LONG)], [])).toEqual([]);
  });

  test('gives way to a tenant that has nothing running, once it has had a second', () => {
    expect(choosePreempted([turn('a1', 999)], [place('b')])).toEqual([]);
    expect(choosePreempted([turn('a1', 1000)], [place('b')])).toEqual(['a1']);
  });

  test('is not interrupted for another of its tenant, nor for a tenant that has something running', () => {
    expect(choosePreempted([turn('a1', LONG), turn('b1', 10)], [place('a'), place('b')])).toEqual([]);
  });

  test('of the schedule gives way to what a person asked for, also of its own tenant, and not the other way round', () => {
    const asked = { trigger: 'USER' } as const;
    expect(choosePreempted([turn('a1', LONG)], [place('a', asked)])).toEqual(['a1']);
    expect(choosePreempted([turn('a1', LONG)], [place('b', asked)])).toEqual(['a1']);
    expect(choosePreempted([turn('a1', LONG, asked)], [place('b'), place('a')])).toEqual([]);
    expect(choosePreempted([turn('a1', LONG, asked)], [place('b', asked)])).toEqual(['a1']);
    // Who has a place already takes none from others.
    expect(choosePreempted([turn('a1', LONG), turn('b1', LONG)], [place('b', asked)])).toEqual(['b1']);
  });
});

test('a tenant that was served just now interrupts nobody sooner than after half a minute, but for what a person asks for', () => {
  const served = place('b', { servedMs: 31_999 });
  expect(choosePreempted([turn('a1', 31_999)], [served])).toEqual([]);
  expect(choosePreempted([turn('a1', 32_000)], [served])).toEqual(['a1']);
  expect(choosePreempted([turn('a1', 1000)], [{ ...served, servedMs: 32_000 }])).toEqual(['a1']);
  expect(choosePreempted([turn('a1', 1000)], [{ ...served, trigger: 'USER' }])).toEqual(['a1']);
});

describe('of several', () => {
  const running = [turn('a1', 5000), turn('b1', LONG), turn('a2', 9000), turn('a3', 10)];

  test('the tenant with most of them gives way, with its longest', () => {
    expect(choosePreempted(running, [place('c')])).toEqual(['a2']);
  });

  test('one gives way for each tenant that waits, not for each run', () => {
    const waiting = [place('c'), place('c', { host: 'other.example' }), place('d')];
    expect(choosePreempted(running, waiting)).toEqual(['a2', 'a1']);
  });

  test('what a person asked for is served first', () => {
    const asked = { trigger: 'USER' } as const;
    const running = [turn('a1', LONG), turn('b1', 5000, asked)];
    // The first takes the longest; what is left is no longer for the schedule to take.
    expect(choosePreempted(running, [place('c'), place('d', asked)])).toEqual(['a1']);
    expect(choosePreempted(running, [place('c', asked), place('d', asked)])).toEqual(['a1', 'b1']);
  });
});

test('at a host that bears no more, only a run there makes room', () => {
  const host = 'imap.mail.yahoo.com';
  const nine = Array.from({ length: 9 }, (_, i) => turn(`a${i}`, 2000 + i, { host }));
  const elsewhere = [turn('a9', LONG), turn('a10', LONG)];
  expect(choosePreempted([...nine, ...elsewhere], [place('b', { host })])).toEqual(['a8']);
  expect(choosePreempted(elsewhere, [place('b', { host })])).toEqual(['a9']);
});

describe('the next turn of a run that has given way', () => {
  const seconds = (turnMs: number, ms: number, madeHeadway = true) =>
    nextSliceMs({ turnMs: turnMs * 1000, ms: ms * 1000 }, madeHeadway) / 1000;

  test('is as long as the last one, or twice as long as that had to be, from 8 seconds to half a minute', () => {
    expect([seconds(1, 1), seconds(8, 9), seconds(1, 9), seconds(16, 17), seconds(1, 3600)]).toEqual([
      8, 16, 9, 32, 32,
    ]);
    expect(choosePreempted([turn('a1', 8999, { turnMs: 9000 })], [place('b')])).toEqual([]);
    expect(choosePreempted([turn('a1', 9000, { turnMs: 9000 })], [place('b')])).toEqual(['a1']);
  });

  test('is longer than half a minute while it gets nowhere, so that it does some time', () => {
    expect([seconds(1, 900, false), seconds(32, 33, false), seconds(64, 65, true), seconds(3000, 3001, false)]).toEqual(
      [8, 64, 32, 3600],
    );
  });
});

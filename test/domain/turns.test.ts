import { describe, expect, test } from 'vitest';
import { givingWay, type Place, type Turn, turnMs, yieldsAfter } from '../../src/domain/turns.ts';

const place = (name: string, more: Partial<Place> = {}): Place => ({
  tenantId: name,
  host: `${name}.example`,
  trigger: 'SCHEDULE',
  ...more,
});
const turn = (runId: string, ms: number, more: Partial<Turn> = {}): Turn => ({
  ...place(runId[0]!),
  runId,
  ms,
  yields: 0,
  ...more,
});
const LONG = 3_600_000;

describe('a run that goes on', () => {
  test('is not interrupted while nobody waits, however long it takes', () => {
    expect(givingWay([turn('a1', LONG)], [])).toEqual([]);
  });

  test('gives way to a tenant that has nothing running, once it has had a second', () => {
    expect(givingWay([turn('a1', 999)], [place('b')])).toEqual([]);
    expect(givingWay([turn('a1', 1000)], [place('b')])).toEqual(['a1']);
  });

  test('is not interrupted for another of its tenant, nor for a tenant that has something running', () => {
    expect(givingWay([turn('a1', LONG), turn('b1', 10)], [place('a'), place('b')])).toEqual([]);
  });

  test('of the schedule gives way to what a person asked for, also of its own tenant, and not the other way round', () => {
    const asked = { trigger: 'USER' } as const;
    expect(givingWay([turn('a1', LONG)], [place('a', asked)])).toEqual(['a1']);
    expect(givingWay([turn('a1', LONG)], [place('b', asked)])).toEqual(['a1']);
    expect(givingWay([turn('a1', LONG, asked)], [place('b'), place('a')])).toEqual([]);
    expect(givingWay([turn('a1', LONG, asked)], [place('b', asked)])).toEqual(['a1']);
    // Who has a place already takes none from others.
    expect(givingWay([turn('a1', LONG), turn('b1', LONG)], [place('b', asked)])).toEqual(['b1']);
  });
});

describe('of several', () => {
  const running = [turn('a1', 5000), turn('b1', LONG), turn('a2', 9000), turn('a3', 10)];

  test('the tenant with most of them gives way, with its longest', () => {
    expect(givingWay(running, [place('c')])).toEqual(['a2']);
  });

  test('one gives way for each tenant that waits, not for each run', () => {
    const waiting = [place('c'), place('c', { host: 'other.example' }), place('d')];
    expect(givingWay(running, waiting)).toEqual(['a2', 'a1']);
  });

  test('what a person asked for is served first', () => {
    const asked = { trigger: 'USER' } as const;
    const running = [turn('a1', LONG), turn('b1', 5000, asked)];
    // The first takes the longest; what is left is no longer for the schedule to take.
    expect(givingWay(running, [place('c'), place('d', asked)])).toEqual(['a1']);
    expect(givingWay(running, [place('c', asked), place('d', asked)])).toEqual(['a1', 'b1']);
  });
});

test('at a host that bears no more, only a run there makes room', () => {
  const host = 'imap.mail.yahoo.com';
  const nine = Array.from({ length: 9 }, (_, i) => turn(`a${i}`, 2000 + i, { host }));
  const elsewhere = [turn('a9', LONG), turn('a10', LONG)];
  expect(givingWay([...nine, ...elsewhere], [place('b', { host })])).toEqual(['a8']);
  expect(givingWay(elsewhere, [place('b', { host })])).toEqual(['a9']);
});

describe('turns become longer with each time a run has given way', () => {
  const after = (times: number, madeHeadway: boolean) =>
    Array.from({ length: times }).reduce<number>((yields) => yieldsAfter(yields, madeHeadway), 0);

  test('up to half a minute, as long as it gets on', () => {
    expect([0, 1, 2, 5, 6, 100].map((times) => turnMs(after(times, true)) / 1000)).toEqual([1, 2, 4, 32, 32, 32]);
    expect(givingWay([turn('a1', 3999, { yields: 2 })], [place('b')])).toEqual([]);
  });

  test('without an end while it gets nowhere, so that it does some time, and no longer than that', () => {
    expect(turnMs(after(10, false)) / 1000).toBe(1024);
    expect(turnMs(yieldsAfter(after(10, false), true)) / 1000).toBe(32);
  });
});

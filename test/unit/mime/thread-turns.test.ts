import { expect, test } from 'vitest';
import { createThreadTurns } from '../../../src/mime/thread-turns.ts';

/** Tasks that end when the test says so, and the order in which they began. */
function tasks() {
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    began,
    task: (name: string) => () => {
      began.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    },
    end: async (name: string) => {
      ends.get(name)!();
      await settled();
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('ThreadTurns, an owner with many tasks and one with a single task, alternate', async () => {
  const { began, task, end } = tasks();
  const turns = createThreadTurns({ threads: 1, spare: 0 });
  for (const name of ['a1', 'a2', 'a3']) void turns.run('a', task(name));
  void turns.run('b', task('b1'));
  await settled();
  for (const name of ['a1', 'a2', 'b1', 'a3']) {
    expect(began.at(-1)).toBe(name);
    await end(name);
  }
});

test('ThreadTurns, an owner with a slow task, the spare threads go to others', async () => {
  const { began, task, end } = tasks();
  const turns = createThreadTurns({ threads: 1, spare: 1, slowMs: 20 });
  for (const name of ['a1', 'a2']) void turns.run('a', task(name));
  void turns.run('b', task('b1'));
  await expect.poll(() => began).toEqual(['a1', 'b1']);
  await end('b1');
  expect(began).toEqual(['a1', 'b1']);
  await end('a1');
  expect(began).toEqual(['a1', 'b1', 'a2']);
});

test('ThreadTurns, more slow owners than spare threads, the next one waits', async () => {
  const { began, task, end } = tasks();
  const turns = createThreadTurns({ threads: 1, spare: 1, slowMs: 10 });
  for (const owner of ['a', 'b', 'c']) void turns.run(owner, task(owner));
  await expect.poll(() => began).toEqual(['a', 'b']);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(began).toEqual(['a', 'b']);
  await end('b');
  expect(began).toEqual(['a', 'b', 'c']);
});

test("ThreadTurns, an owner's full queue, rejects only that owner's tasks", async () => {
  const { task } = tasks();
  const turns = createThreadTurns({ threads: 1, spare: 0, maxWaiting: 2 });
  for (const name of ['a1', 'a2', 'a3']) void turns.run('a', task(name));
  await settled();
  await expect(turns.run('a', task('a4'))).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
  void turns.run('b', task('b1'));
});

test('ThreadTurns, a failing task, rejects and frees its thread', async () => {
  const turns = createThreadTurns({ threads: 1, spare: 0 });
  const failing = turns.run('a', () => Promise.reject(new Error('broken')));
  await expect(failing).rejects.toThrow('broken');
  expect(await turns.run('a', async () => 'next')).toBe('next');
});

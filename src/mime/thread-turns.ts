import { MailtideError } from '../errors.ts';

const SECOND = 1000;
const TOO_MANY = 'Too many of your messages are being processed. Try again in a moment.';

export interface ThreadTurnsOptions {
  /** Number of tasks that run at a time. */
  readonly threads: number;
  /** Number of further threads, for the tasks of other owners while one owner's tasks are slow. */
  readonly spare: number;
  /** Time after which a task is slow, in milliseconds. */
  readonly slowMs?: number;
  /** Most waiting tasks of one owner. */
  readonly maxWaiting?: number;
}

export interface ThreadTurns {
  /** Runs a task when it is its owner's turn. @throws TOO_MANY_REQUESTS */
  run<T>(owner: string, task: () => Promise<T>): Promise<T>;
}

interface Running {
  readonly owner: string;
  isSlow: boolean;
}

/**
 * Shares threads among owners: the owners with waiting tasks get a thread in turn, for one task each, however many
 * tasks an owner has waiting.
 *
 *   WAITING ──> RUNNING ──> done
 *                  └── after `slowMs` ──> SLOW ──> done
 *
 * While an owner has a SLOW task, it gets no other thread, and the task occupies a spare thread instead of one that
 * others wait for. So the slow tasks of an owner delay only that owner.
 */
export function createThreadTurns(options: ThreadTurnsOptions): ThreadTurns {
  const { threads, spare, slowMs = SECOND / 2, maxWaiting = Number.POSITIVE_INFINITY } = options;
  /** In the order of their turns. */
  const waiting = new Map<string, (() => void)[]>();
  const running = new Set<Running>();

  const slowTasks = (): Running[] => [...running].filter(({ isSlow }) => isSlow);

  function isFree(): boolean {
    return running.size - Math.min(slowTasks().length, spare) < threads;
  }

  function startNext(): void {
    while (isFree()) {
      const slow = new Set(slowTasks().map(({ owner }) => owner));
      const owner = waiting.keys().find((one) => !slow.has(one));
      if (owner === undefined) return;
      const tasks = waiting.get(owner)!;
      // Its next task waits behind the other owners.
      waiting.delete(owner);
      const start = tasks.shift()!;
      if (tasks.length > 0) waiting.set(owner, tasks);
      start();
    }
  }

  return {
    async run(owner, task) {
      const tasks = waiting.get(owner) ?? [];
      if (tasks.length >= maxWaiting) throw new MailtideError('TOO_MANY_REQUESTS', { message: TOO_MANY });
      const entry: Running = { owner, isSlow: false };
      await new Promise<void>((resolve) => {
        waiting.set(owner, tasks);
        tasks.push(() => {
          running.add(entry);
          resolve();
        });
        startNext();
      });
      const slow = setTimeout(() => {
        entry.isSlow = true;
        startNext();
      }, slowMs);
      try {
        return await task();
      } finally {
        clearTimeout(slow);
        running.delete(entry);
        startNext();
      }
    },
  };
}

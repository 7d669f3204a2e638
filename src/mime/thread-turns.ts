import { MailtideError } from '../errors.ts';

const SECOND = 1000;
const TOO_MANY = 'Too many messages of yours are being read already. Try again in a moment.';

export interface ThreadTurnsOptions {
  /** Tasks that run at a time. */
  readonly threads: number;
  /** Further threads, for the tasks of others while somebody's run for long. */
  readonly spare: number;
  /** From then on a task runs for long. Milliseconds. */
  readonly slowMs?: number;
  /** Tasks that one owner may have waiting. */
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
 * Shares threads among owners: whoever waits gets a thread in turn, one task after the other, however many tasks each
 * has waiting.
 *
 *   WAITING ──> RUNNING ──> done
 *                  └── after `slowMs` ──> SLOW ──> done
 *
 * While an owner has a task that is SLOW, it gets no other thread, and the task occupies a spare thread instead of one
 * that others wait for. So one owner's slow tasks hold up nobody but that owner.
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
      // Behind the others.
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

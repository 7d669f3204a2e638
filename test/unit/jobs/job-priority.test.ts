import { describe, expect, test } from 'vitest';
import { FIRST_SCHEDULED, priorityOf } from '../../../src/jobs/queue/job-priority.ts';

/** Waiting jobs, delivered by smallest priority, and in the order of their arrival if equal. */
class Waiting {
  #messages: { name: string; priority: number }[] = [];

  /** Sends `count` runs of a tenant at once. */
  send(name: string, count: number, trigger: 'USER' | 'SCHEDULE' = 'SCHEDULE'): void {
    const first = trigger === 'USER' ? 0 : FIRST_SCHEDULED;
    const heads = this.#messages.map(({ priority }) => priority).filter((p) => p >= FIRST_SCHEDULED === first > 0);
    const head = heads.length > 0 ? Math.min(...heads) : null;
    const before = this.#messages.filter((message) => message.name === name).length;
    for (let i = 1; i <= count; i += 1) {
      this.#messages.push({ name, priority: priorityOf(trigger, before + i, head) });
    }
  }

  take(count: number): string {
    let taken = '';
    for (let i = 0; i < count; i += 1) {
      const next = this.#messages.reduce((one, other) => (other.priority < one.priority ? other : one));
      this.#messages = this.#messages.filter((message) => message !== next);
      taken += next.name;
    }
    return taken;
  }
}

describe('job priorities alternate between tenants', () => {
  test("a tenant's first run, sent late, is next", () => {
    const queue = new Waiting();
    queue.send('a', 5000);
    expect(queue.take(1000)).toBe('a'.repeat(1000));
    queue.send('b', 1);
    expect(queue.take(2)).toContain('b');
  });

  test('tenants with long queues get equal shares, whatever they had before', () => {
    const queue = new Waiting();
    queue.send('a', 2000);
    queue.take(1000);
    queue.send('b', 500);
    const order = queue.take(400);
    expect(order.split('a').length - 1).toBe(200);
  });

  test('a further run of a tenant is behind its others', () => {
    const queue = new Waiting();
    queue.send('a', 3);
    queue.take(1);
    queue.send('b', 3);
    queue.send('a', 1);
    expect(queue.take(6)).toMatch(/^(ab|ba){2}(ab|ba)$/);
  });

  test('requested runs are before all scheduled ones', () => {
    const queue = new Waiting();
    queue.send('a', 100);
    queue.send('a', 2, 'USER');
    queue.send('c', 1, 'USER');
    expect(queue.take(3)).toMatch(/^(aca|caa)$/);
  });
});

test("a priority is within BullMQ's range and in the range of its trigger", () => {
  for (const head of [null, 1, FIRST_SCHEDULED - 1, 2 * FIRST_SCHEDULED - 1]) {
    for (const turn of [1, 5_000_000]) {
      const user = priorityOf('USER', turn, head);
      expect(user).toBeGreaterThanOrEqual(1);
      expect(user).toBeLessThan(FIRST_SCHEDULED);
      const scheduled = priorityOf('SCHEDULE', turn, head);
      expect(scheduled).toBeGreaterThan(FIRST_SCHEDULED);
      expect(scheduled).toBeLessThan(2 ** 21);
    }
  }
});

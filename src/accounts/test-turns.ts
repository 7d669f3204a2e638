import { MailtideError } from '../errors.ts';

export interface TurnLimits {
  /** Concurrent tests of one tenant, and of all tenants (`inAll`). */
  readonly perTenant: number;
  readonly inAll: number;
  /** Tests of one tenant that may wait for a slot. */
  readonly waiting: number;
}

export const DEFAULT_TURNS: TurnLimits = { perTenant: 4, inAll: 16, waiting: 16 };

interface Waiter {
  readonly tenantId: string;
  readonly begin: () => void;
}

/**
 * Limits the connection tests, or searches for a server, that run at once in this process, because each contacts a
 * server that a caller chose. The longest-waiting one is next, unless its tenant has reached its limit.
 */
export class TestTurns {
  readonly #limits: TurnLimits;
  readonly #running = new Map<string, number>();
  readonly #waiting: Waiter[] = [];
  #inAll = 0;

  constructor(limits: TurnLimits = DEFAULT_TURNS) {
    this.#limits = limits;
  }

  /**
   * Runs `work` once a slot is free.
   * @throws TOO_MANY_CONNECTION_TESTS if too many tests wait already, or `signal` aborts before a slot is free
   */
  async take<T>(tenantId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(tenantId, signal);
    try {
      return await work();
    } finally {
      this.#count(tenantId, -1);
      this.#next();
    }
  }

  #turn(tenantId: string, signal: AbortSignal): Promise<void> {
    if (this.#mayBegin(tenantId)) {
      this.#count(tenantId, 1);
      return Promise.resolve();
    }
    const ahead = this.#waiting.filter((waiter) => waiter.tenantId === tenantId).length;
    if (ahead >= this.#limits.waiting) return Promise.reject(new MailtideError('TOO_MANY_CONNECTION_TESTS'));
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(new MailtideError('TOO_MANY_CONNECTION_TESTS'));
      };
      const waiter: Waiter = {
        tenantId,
        begin: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      this.#waiting.push(waiter);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #next(): void {
    const at = this.#waiting.findIndex(({ tenantId }) => this.#mayBegin(tenantId));
    const [waiter] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (!waiter) return;
    this.#count(waiter.tenantId, 1);
    waiter.begin();
  }

  #mayBegin(tenantId: string): boolean {
    return this.#inAll < this.#limits.inAll && (this.#running.get(tenantId) ?? 0) < this.#limits.perTenant;
  }

  #count(tenantId: string, change: 1 | -1): void {
    const now = (this.#running.get(tenantId) ?? 0) + change;
    if (now === 0) this.#running.delete(tenantId);
    else this.#running.set(tenantId, now);
    this.#inAll += change;
  }
}

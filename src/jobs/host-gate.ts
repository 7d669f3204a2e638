import type { Pool } from 'pg';
import { limitsOf } from '../domain/host-limits.ts';
import { MailtideError } from '../errors.ts';
import { coolHost, hostIsWell } from '../store/runs/host-cooling.ts';

interface Connection {
  close(): Promise<void>;
}

export interface HostGate {
  /**
   * Opens a connection when the host and the account have one to spare in this process; it is theirs again when the
   * connection is closed. A host that turns it away is left alone for a while, by all nodes.
   * @throws RUN_CANCELLED when `signal` aborts while it waits, and whatever `open` throws.
   */
  connect<C extends Connection>(
    place: { readonly host: string; readonly accountId: string; readonly signal: AbortSignal },
    open: () => Promise<C>,
  ): Promise<C>;
}

/**
 * Counts the connections of this process. What holds between nodes is the number of runs at a host, one connection each
 * (claim-run.ts); here the second ones are counted too, which a run opens when it doubts what it hears.
 */
export function createHostGate(pool: Pool): HostGate {
  const open = new Map<string, number>();
  const waiting: (() => void)[] = [];

  const count = (key: string): number => open.get(key) ?? 0;
  const add = (key: string, by: number): void => {
    const now = count(key) + by;
    if (now === 0) open.delete(key);
    else open.set(key, now);
  };

  async function enter(host: string, accountId: string, signal: AbortSignal): Promise<() => void> {
    const { perAccount, perHost } = limitsOf(host);
    const keys = [`host ${host}`, `account ${accountId}`] as const;
    while (count(keys[0]) >= perHost || count(keys[1]) >= perAccount) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      if (signal.aborted) throw new MailtideError('RUN_CANCELLED');
    }
    for (const key of keys) add(key, 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      for (const key of keys) add(key, -1);
      for (const goOn of waiting.splice(0)) goOn();
    };
  }

  return {
    async connect({ host, accountId, signal }, openConnection) {
      const leave = await enter(host, accountId, signal);
      const connection = await openConnection().catch(async (error: unknown) => {
        leave();
        if (error instanceof MailtideError && error.code === 'IMAP_TURNED_AWAY') await coolHost(pool, host);
        throw error;
      });
      const close = async (): Promise<void> => {
        await connection.close();
        leave();
      };
      try {
        await hostIsWell(pool, host);
      } catch (error) {
        await close();
        throw error;
      }
      return { ...connection, close };
    },
  };
}

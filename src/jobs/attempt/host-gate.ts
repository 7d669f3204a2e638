import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { MailtideError } from '../../errors.ts';
import { giveConnection, takeConnection } from '../../store/runs/host-connections.ts';
import { coolHost, hostIsWell } from '../../store/runs/host-cooling.ts';

interface Connection {
  close(): Promise<void>;
}

export interface HostGate {
  /**
   * Opens a connection as soon as the host and the account have one to spare over all nodes. Closing it frees it again.
   * A host that turns the connection away cools for all nodes.
   * @throws RUN_CANCELLED if `signal` aborts while it waits, and any error of `open`.
   */
  connect<C extends Connection>(
    target: { readonly host: string; readonly accountId: string; readonly signal: AbortSignal },
    open: () => Promise<C>,
  ): Promise<C>;
}

/** Polling interval, in milliseconds, while a run waits for a connection. */
const ASK_EVERY_MS = 250;

/**
 * Limits the connections of the runs of this process. A run's claim counts its first one (claim-run.ts). A second one,
 * which a run opens to confirm a doubtful answer, is also counted in its row. Connection tests are not counted.
 * Counting in each process was refused: docs/decisions/0007-host-connections-in-rows.md.
 */
export function createHostGate(pool: Pool): HostGate {
  /** By account: its connections that are open or waiting to be opened, and how many its run may open. */
  const accounts = new Map<string, { open: number; allowed: number }>();

  async function enter(host: string, accountId: string, signal: AbortSignal): Promise<() => Promise<void>> {
    const account = accounts.get(accountId) ?? { open: 0, allowed: 1 };
    accounts.set(accountId, account);
    account.open += 1;
    let left = false;
    const leave = async (): Promise<void> => {
      if (left) return;
      left = true;
      account.open -= 1;
      if (account.open === 0) accounts.delete(accountId);
      if (account.allowed <= Math.max(1, account.open)) return;
      account.allowed -= 1;
      await giveConnection(pool, accountId);
    };
    try {
      while (account.open > account.allowed) {
        if (await takeConnection(pool, host, accountId)) account.allowed += 1;
        else await pause(ASK_EVERY_MS, null, { signal });
      }
    } catch (error) {
      await leave();
      throw signal.aborted ? new MailtideError('RUN_CANCELLED', { cause: error }) : error;
    }
    return leave;
  }

  return {
    async connect({ host, accountId, signal }, openConnection) {
      const leave = await enter(host, accountId, signal);
      const connection = await openConnection().catch(async (error: unknown) => {
        await leave();
        if (error instanceof MailtideError && error.code === 'IMAP_TURNED_AWAY') await coolHost(pool, host);
        throw error;
      });
      const close = async (): Promise<void> => {
        await connection.close();
        await leave();
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

import type { Pool } from 'pg';
import { pino } from 'pino';
import type { SyncReceipt } from '../../src/domain/receipt.ts';
import type { SyncMode } from '../../src/domain/sync-run.ts';
import { type ErrorCode, toMailtideError } from '../../src/errors.ts';
import type { ImapDeadlines } from '../../src/imap/deadlines.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { createMimePool } from '../../src/mime/mime-pool.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { claimRun } from '../../src/store/runs/claim-run.ts';
import { finishRun } from '../../src/store/runs/finish-run.ts';
import { startRun } from '../../src/store/runs/start-run.ts';
import { runAccount } from '../../src/sync/run-account.ts';
import { insertTestAccount } from '../assertions/stored-account.ts';
import { postgres } from '../servers/shared-servers.ts';

/** The sync engine and a database in this process, without a service and without waits between runs. */
export type Engine = AsyncDisposable & {
  pool: Pool;
  newAccount(): Promise<{ tenantId: string; accountId: string }>;
  /** Runs one sync with a server, and returns its outcome. */
  sync(
    account: { tenantId: string; accountId: string },
    server: { host: string; port: number },
    mode: SyncMode,
  ): Promise<{ receipt: SyncReceipt } | { code: ErrorCode; error: unknown }>;
};

export async function startEngine(deadlines: ImapDeadlines): Promise<Engine> {
  const database: Database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
  const mime = createMimePool();
  const { pool } = database;
  return {
    pool,
    newAccount: () => insertTestAccount(database),
    async sync({ tenantId, accountId }, { host, port }, mode) {
      const { run } = await startRun(pool, tenantId, accountId, mode, 'USER');
      const claimed = await claimRun(pool, run.id);
      if (!claimed || !('lease' in claimed)) throw new Error('the run was not claimed');
      const { lease } = claimed;
      const login = { host, port, security: 'NONE', username: 'ann', credentials: { password: 'secret' } } as const;
      try {
        const receipt = await runAccount({
          pool,
          lease,
          mode,
          mime,
          transactionMs: () => 1000,
          maxMessageBytes: 50_000_000,
          connect: () => openImapConnection(login, { deadlines }),
          publish: () => {},
          step: (_name, _facts, work) => work(),
          log: pino({ enabled: false }),
        });
        await finishRun(pool, lease, { status: 'SUCCEEDED', receipt });
        return { receipt };
      } catch (error) {
        const { code, message } = toMailtideError(error);
        await finishRun(pool, lease, { status: 'FAILED', error: { code, message } });
        return { code, error };
      }
    },
    async [Symbol.asyncDispose]() {
      await mime.close();
      await database.close();
    },
  };
}

import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { MailboxNames } from '../domain/mailbox-names.ts';
import type { SyncMode } from '../domain/sync-run.ts';
import type { SyncRun } from '../generated/prisma/client.ts';
import type { ImapConnection } from '../imap/connection.ts';
import type { MimeTasks } from '../mime/mime-pool.ts';
import type { Lease } from '../store/runs/lease.ts';
import type { InStep } from './steps.ts';

/** Dependencies and settings of a run. */
export interface SyncContext {
  readonly pool: Pool;
  readonly lease: Lease;
  readonly mode: SyncMode;
  readonly mime: MimeTasks;
  /** How long the next transaction should take, in milliseconds: as long as others can wait for the database. */
  readonly transactionMs: () => number;
  /** In bytes. Of larger messages only the header is stored. */
  readonly maxMessageBytes: number;
  /** The server's spelling of mailbox names, for all connections of the run. */
  readonly names: MailboxNames;
  /** Opens and logs in a new connection: the run's own, or a second one that confirms a doubtful answer. */
  readonly connect: () => Promise<ImapConnection>;
  /** Sends a committed row to the subscribers. */
  readonly publish: (run: SyncRun) => void;
  readonly step: InStep;
  readonly log: Logger;
}

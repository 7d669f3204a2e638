import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { MailboxNames } from '../domain/mailbox-names.ts';
import type { SyncMode } from '../domain/sync-run.ts';
import type { SyncRun } from '../generated/prisma/client.ts';
import type { ImapConnection } from '../imap/connection.ts';
import type { MimeTasks } from '../mime/mime-pool.ts';
import type { Lease } from '../store/plumbing/sql.ts';
import type { InStep } from './steps.ts';

/** What a run has at hand. */
export interface SyncContext {
  readonly pool: Pool;
  readonly lease: Lease;
  readonly mode: SyncMode;
  readonly mime: MimeTasks;
  /** How long the next transaction should take, in milliseconds: what others on this database can wait. */
  readonly transactionMs: () => number;
  /** Larger messages are set aside with their size as the reason, in bytes. */
  readonly maxMessageBytes: number;
  /** How the server spells its mailboxes' names, for all connections of the run. */
  readonly names: MailboxNames;
  /** Logs in anew, for the run's connection and for a second witness. */
  readonly connect: () => Promise<ImapConnection>;
  /** Tells the subscribers what was committed. */
  readonly publish: (run: SyncRun) => void;
  readonly step: InStep;
  readonly log: Logger;
}

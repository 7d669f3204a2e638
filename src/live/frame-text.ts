import type { SyncProgress, SyncStats } from '../domain/progress.ts';

/**
 * Serializes a frame as JSON, with bigints as strings. While an installation is upgraded, nodes of two successive
 * versions read each other's frames.
 */
export function writeFrame(from: string, frame: SyncProgress): string {
  return JSON.stringify({ from, frame }, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}

/**
 * Parses the output of {@link writeFrame}: the frame, and the node that wrote it. Counters that an older node does not
 * write are 0, and fields that only a newer node knows are left out.
 */
export function readFrame(text: string): { from: string; frame: SyncProgress } {
  const { from, frame } = JSON.parse(text) as { from: string; frame: WrittenFrame };
  return {
    from,
    frame: {
      tenantId: frame.tenantId,
      accountId: frame.accountId,
      runId: frame.runId,
      sequence: BigInt(frame.sequence),
      at: new Date(frame.at),
      status: frame.status,
      phase: frame.phase,
      attempt: frame.attempt,
      mailbox: frame.mailbox,
      messagesProcessed: frame.messagesProcessed,
      messagesTotal: frame.messagesTotal,
      bytesProcessed: BigInt(frame.bytesProcessed),
      percent: frame.percent,
      messagesPerSecond: frame.messagesPerSecond,
      etaSeconds: frame.etaSeconds,
      nextAttemptAt: frame.nextAttemptAt === null ? null : new Date(frame.nextAttemptAt),
      stats: readStats(frame.stats),
      error: frame.error && { code: frame.error.code, message: frame.error.message },
    },
  };
}

const readStats = (written: WrittenFrame['stats']): SyncStats => ({
  mailboxesSynced: written.mailboxesSynced ?? 0,
  messagesFetched: written.messagesFetched ?? 0,
  messagesCreated: written.messagesCreated ?? 0,
  messagesUpdated: written.messagesUpdated ?? 0,
  messagesDeleted: written.messagesDeleted ?? 0,
  eventsCreated: written.eventsCreated ?? 0,
  bytesDownloaded: BigInt(written.bytesDownloaded ?? 0),
  durationMs: written.durationMs ?? 0,
});

type WrittenFrame = Omit<AsJson<SyncProgress>, 'stats'> & { readonly stats: Partial<AsJson<SyncStats>> };

type AsJson<T> = T extends bigint | Date ? string : T extends object ? { [Field in keyof T]: AsJson<T[Field]> } : T;

import type { SyncProgress } from '../domain/progress.ts';

/** A frame as text between nodes of one version and the next: JSON, with the numbers that it has no type for as strings. */
export function writeFrame(from: string, frame: SyncProgress): string {
  return JSON.stringify({ from, frame }, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}

/** What {@link writeFrame} wrote, and who. */
export function readFrame(text: string): { from: string; frame: SyncProgress } {
  const { from, frame } = JSON.parse(text) as { from: string; frame: WrittenFrame };
  return {
    from,
    frame: {
      ...frame,
      sequence: BigInt(frame.sequence),
      at: new Date(frame.at),
      bytesProcessed: BigInt(frame.bytesProcessed),
      nextAttemptAt: frame.nextAttemptAt === null ? null : new Date(frame.nextAttemptAt),
      stats: { ...frame.stats, bytesDownloaded: BigInt(frame.stats.bytesDownloaded) },
    },
  };
}

type WrittenFrame = Omit<SyncProgress, 'sequence' | 'at' | 'bytesProcessed' | 'nextAttemptAt' | 'stats'> & {
  readonly sequence: string;
  readonly at: string;
  readonly bytesProcessed: string;
  readonly nextAttemptAt: string | null;
  readonly stats: Omit<SyncProgress['stats'], 'bytesDownloaded'> & { readonly bytesDownloaded: string };
};

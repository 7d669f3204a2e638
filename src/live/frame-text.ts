import type { SyncProgress } from '../domain/progress.ts';

/** Serializes a frame as JSON, with bigints as strings. Nodes of two successive versions must understand it. */
export function writeFrame(from: string, frame: SyncProgress): string {
  return JSON.stringify({ from, frame }, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}

/** Parses the output of {@link writeFrame}: the frame, and the node that wrote it. */
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

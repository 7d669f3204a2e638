import { statfsSync } from 'node:fs';

/** With less free space, in bytes, the database may fail to write anything. */
const LEAST_SPACE = 1024 * 1024;

/** Returns whether the disk of this directory is full; false if that cannot be determined. */
export function isDiskFull(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < LEAST_SPACE;
  } catch {
    return false;
  }
}

/** Returns the error for a fault of the database's thread, which often reports no more than "Aborted()". */
export function databaseFailure(dataDir: string, error: unknown): Error {
  const message = error instanceof Error ? error.message.split('\n', 1)[0]! : String(error);
  const full = isDiskFull(dataDir) ? `no space is left on the disk of DATA_DIR ${dataDir}` : null;
  const reason = full && !/no space left/i.test(message) ? `${full} (${message})` : (full ?? message);
  return new Error(`the embedded database failed: ${reason}`, { cause: error });
}

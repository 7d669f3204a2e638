import { statfsSync } from 'node:fs';

/** With less the database cannot be counted on to write anything. Bytes. */
const LEAST_SPACE = 1024 * 1024;

/** Whether the disk of this directory is full; a directory that cannot be asked is not known to be. */
export function isDiskFull(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < LEAST_SPACE;
  } catch {
    return false;
  }
}

/** The error for a fault of the database's thread, which itself often says no more than "Aborted()". */
export function databaseFailure(dataDir: string, error: unknown): Error {
  const said = error instanceof Error ? error.message.split('\n', 1)[0]! : String(error);
  const full = isDiskFull(dataDir) ? `no space is left on the disk of DATA_DIR ${dataDir}` : null;
  const reason = full && !/no space left/i.test(said) ? `${full} (${said})` : (full ?? said);
  return new Error(`the embedded database failed: ${reason}`, { cause: error });
}

import { closeSync, openSync, readFileSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What the owner of a data directory leaves for others to find. */
export interface DataDirOwner {
  readonly pid: number;
  /** Directory of the database's unix socket, as libpq's `host`. */
  readonly socketDir: string;
}

const lockFile = (dataDir: string): string => join(dataDir, 'mailtide.lock');

/** The living process that has this data directory open, or null. */
export function dataDirOwner(dataDir: string): DataDirOwner | null {
  const owner = readLock(dataDir);
  // In a container every main process has the same pid: a lock of our own number is a dead one's.
  return owner && owner.pid !== process.pid && isAlive(owner.pid) ? owner : null;
}

function readLock(dataDir: string): DataDirOwner | null {
  try {
    return JSON.parse(readFileSync(lockFile(dataDir), 'utf8')) as DataDirOwner;
  } catch {
    // No lock, or one cut short by a crash while it was written: nobody holds it.
    return null;
  }
}

/**
 * Takes the data directory for this process: two databases on the same files destroy them.
 * A lock of a dead process (kill -9, power cut) is taken over.
 * @throws an Error that says who has it.
 */
export function lockDataDir(dataDir: string, socketDir: string): { release(): void } {
  const owner = dataDirOwner(dataDir);
  if (owner)
    throw new Error(`DATA_DIR ${dataDir} is in use by another Mailtide (process ${owner.pid}): stop it first.`);
  removeSocketOfDead(dataDir);
  rmSync(lockFile(dataDir), { force: true });
  const file = openSync(lockFile(dataDir), 'wx', 0o600);
  writeSync(file, JSON.stringify({ pid: process.pid, socketDir } satisfies DataDirOwner));
  closeSync(file);
  return { release: () => rmSync(lockFile(dataDir), { force: true }) };
}

/** A process that was killed has left its socket, in a folder that nothing else would ever remove. */
function removeSocketOfDead(dataDir: string): void {
  const socketDir = readLock(dataDir)?.socketDir;
  if (!socketDir) return;
  rmSync(join(socketDir, '.s.PGSQL.5432'), { force: true });
  try {
    rmdirSync(socketDir);
  } catch {
    // Not there any more, or more is in it than a socket, and not ours.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

import { readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What the process that has a data directory open records there, for commands run beside it and for the error. */
export interface DataDirOwner {
  readonly pid: number;
  /** Name of its machine or container, outside of which the pid is meaningless. Absent in files of older versions. */
  readonly host?: string;
  /** Directory of the database's unix socket, as libpq's `host`. */
  readonly socketDir: string;
}

/** Another process has the data directory open. */
export class DataDirInUse extends Error {
  readonly dataDir: string;
  /** Null while that process is starting. */
  readonly owner: DataDirOwner | null;

  constructor(dataDir: string, owner: DataDirOwner | null, advice = '. Stop it first.') {
    const where = owner?.host === undefined ? '' : ` on ${owner.host}`;
    const process = owner ? ` (process ${owner.pid}${where})` : '';
    super(`DATA_DIR ${dataDir} is in use by another Mailtide${process}${advice}`);
    this.name = 'DataDirInUse';
    this.dataDir = dataDir;
    this.owner = owner;
  }
}

export interface DataDirLock {
  /** Records the socket, so that commands run beside this process find its database. */
  announce(socketDir: string): void;
  release(): void;
}

/**
 * Locks the data directory for this process, because two databases on the same files destroy them. The lock is the
 * kernel's: fcntl, which SQLite takes for an exclusive transaction on an empty file. It holds across containers that
 * share the directory, and ends with the process, even if that is killed. No other code in this process may open the
 * file, because closing it would release the lock (POSIX: the first close releases all locks of a process on a file).
 * Why not a file with a process id: docs/decisions/0011-kernel-lock-on-data-dir.md.
 * @throws DataDirInUse
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const file = join(dataDir, 'lock.sqlite');
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // A journal on disk would need space, and a full disk must not keep the service from starting.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) throw new DataDirInUse(dataDir, dataDirOwner(dataDir));
    throw new Error(`DATA_DIR ${dataDir} cannot be locked: ${(error as Error).message}`, { cause: error });
  }
  held.add(database);
  let isAnnounced = false;
  return {
    announce(socketDir) {
      removeSocketOfDead(dataDir);
      isAnnounced = true;
      const owner: DataDirOwner = { pid: process.pid, host: hostname(), socketDir };
      writeFileSync(ownerFile(dataDir), JSON.stringify(owner), { mode: 0o600 });
    },
    release() {
      if (!database.isOpen) return;
      if (isAnnounced) rmSync(ownerFile(dataDir), { force: true });
      database.close();
      held.delete(database);
    },
  };
}

/** Keeps the locks: the garbage collector closes a DatabaseSync that nothing refers to, and the lock would end. */
const held = new Set<DatabaseSync>();

const SQLITE_BUSY = 5;
const isBusy = (error: unknown): boolean => (error as { errcode?: number }).errcode === SQLITE_BUSY;

/** The name under which libpq looks for a socket in a directory. */
export const SOCKET_NAME = '.s.PGSQL.5432';

/** The file of the owner. Information only: it outlives a process that is killed. */
const ownerFile = (dataDir: string): string => join(dataDir, 'mailtide.lock');

/** Returns the process that last recorded that it has the data directory open. */
export function dataDirOwner(dataDir: string): DataDirOwner | null {
  try {
    return JSON.parse(readFileSync(ownerFile(dataDir), 'utf8')) as DataDirOwner;
  } catch {
    // Missing, or truncated by a crash while it was written.
    return null;
  }
}

/** Removes the socket of a process that was killed, and its folder, which nothing else would ever remove. */
function removeSocketOfDead(dataDir: string): void {
  const socketDir = dataDirOwner(dataDir)?.socketDir;
  if (!socketDir) return;
  rmSync(join(socketDir, SOCKET_NAME), { force: true });
  try {
    rmdirSync(socketDir);
  } catch {
    // Already removed, or the folder holds other files, and is not Mailtide's.
  }
}

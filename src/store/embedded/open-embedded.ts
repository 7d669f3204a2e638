import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { makeFolder } from '../../make-folder.ts';
import { DataDirInUse, dataDirOwner, lockDataDir, SOCKET_NAME } from './data-dir-lock.ts';
import { databaseFailure } from './database-failure.ts';

export interface EmbeddedPostgres {
  /** For libpq and node-postgres: the directory of the unix socket. */
  readonly socketDir: string;
  close(): Promise<void>;
}

/** JavaScript heap of the database thread, in MB: it handles messages of a few MB. */
const THREAD_HEAP_MB = 128;

/**
 * Opens (or creates) the embedded database under `dataDir` and serves it on a unix socket in a private folder.
 * @throws DataDirInUse when another process has the directory open.
 */
export async function openEmbedded(dataDir: string): Promise<EmbeddedPostgres> {
  const root = resolve(dataDir);
  makeFolder(root);
  const lock = lockDataDir(root);
  let socketDir: string | undefined;
  const leave = (): void => {
    if (socketDir) rmSync(socketDir, { recursive: true, force: true });
    lock.release();
  };
  // A signal may end the process in the middle of this.
  process.once('exit', leave);
  try {
    await refuseBesideOlderVersion(root);
    // Not below dataDir: a unix socket's path must stay under 108 characters. mkdtemp makes it 0700.
    socketDir = mkdtempSync(join(tmpdir(), 'mailtide-'));
    lock.announce(socketDir);
    const thread = await startThread(join(root, 'postgres'), socketDir).catch((error: unknown) => {
      throw databaseFailure(root, error);
    });
    return {
      socketDir,
      async close() {
        await thread.close();
        process.off('exit', leave);
        leave();
      },
    };
  } catch (error) {
    process.off('exit', leave);
    leave();
    throw error;
  }
}

/** Throws if a version without the lock has the files open: its socket then answers. */
async function refuseBesideOlderVersion(root: string): Promise<void> {
  const left = dataDirOwner(root);
  if (left && (await isServing(left.socketDir))) throw new DataDirInUse(root, left);
}

/** Returns whether a database answers on the socket in this directory. */
function isServing(socketDir: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(join(socketDir, SOCKET_NAME));
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/**
 * Returns the socket directory of the running service that `inUse` is about, for a command run beside it.
 * @throws an Error with advice if the service is starting, or runs in another container
 */
export async function socketDirOfRunning(inUse: DataDirInUse): Promise<string> {
  if (inUse.owner && (await isServing(inUse.owner.socketDir))) return inUse.owner.socketDir;
  throw new DataDirInUse(
    inUse.dataDir,
    inUse.owner,
    ' and cannot be reached from here: run this command in the same container, once the service is ready.',
  );
}

async function startThread(cluster: string, socketDir: string): Promise<{ close(): Promise<void> }> {
  if (!existsSync(join(cluster, 'PG_VERSION'))) await createCluster(cluster);
  const worker = new Worker(new URL('./postgres-thread.ts', import.meta.url), {
    workerData: { dataDir: cluster, socketPath: join(socketDir, SOCKET_NAME) },
    resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB, maxYoungGenerationSizeMb: 12 },
  });
  await messageFrom(worker, 'ready');
  const onExit = (code: number): void => endProcess(dirname(cluster), new Error(`its thread ended with code ${code}`));
  worker.on('error', (error) => endProcess(dirname(cluster), error)).on('exit', onExit);
  return {
    async close() {
      const closed = messageFrom(worker, 'closed');
      worker.off('exit', onExit);
      worker.postMessage('close');
      await closed;
      await worker.terminate();
    },
  };
}

/**
 * Ends the process. The service cannot run without its database, so every fault of the thread leads here: an exception,
 * a panic of PostgreSQL, no memory, no space for its log. Committed data is safe, and the supervisor restarts the
 * process.
 */
function endProcess(root: string, error: unknown): void {
  console.error(`Mailtide ends: ${databaseFailure(root, error).message}`);
  process.exit(1);
}

/**
 * Creates the database in a temporary folder and renames it, so that an interrupted initdb is started again and never
 * opened. The folder is new each time, because an interrupted initdb may keep writing for a moment.
 */
async function createCluster(cluster: string): Promise<void> {
  const root = dirname(cluster);
  for (const name of readdirSync(root)) {
    if (name.startsWith(`${basename(cluster)}.new`)) rmSync(join(root, name), { recursive: true, force: true });
  }
  const made = mkdtempSync(`${cluster}.new-`);
  // Without the optimising compiler: initdb ends before optimised code pays off, which would also take 400 MB.
  await promisify(execFile)(process.execPath, ['--liftoff-only', script('create-cluster.ts'), made]);
  renameSync(made, cluster);
}

function messageFrom(worker: Worker, expected: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      if (message !== expected) return;
      worker.off('message', onMessage).off('error', reject).off('exit', onExit);
      resolve();
    };
    const onExit = (code: number): void => reject(new Error(`The database thread ended with code ${code}`));
    worker.on('message', onMessage).once('error', reject).once('exit', onExit);
  });
}

const script = (name: string): string => new URL(name, import.meta.url).pathname;

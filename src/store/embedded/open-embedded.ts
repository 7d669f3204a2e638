import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { dataDirOwner, lockDataDir } from './data-dir-lock.ts';

export interface EmbeddedPostgres {
  /** For libpq and node-postgres: the directory of the unix socket. */
  readonly socketDir: string;
  close(): Promise<void>;
}

/** Memory of the database thread's JavaScript side, in MB: what it handles are messages of a few MB. */
const THREAD_HEAP_MB = 128;

/**
 * Opens (or creates) the embedded database under `dataDir` and serves it on a unix socket in a private folder.
 * @throws when another process has the directory open.
 */
export async function openEmbedded(dataDir: string): Promise<EmbeddedPostgres> {
  const root = resolve(dataDir);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  // Not below dataDir: a unix socket's path must stay under 108 characters. mkdtemp makes it 0700.
  const socketDir = mkdtempSync(join(tmpdir(), 'mailtide-'));
  try {
    const lock = lockDataDir(root, socketDir);
    const leave = (): void => {
      rmSync(socketDir, { recursive: true, force: true });
      lock.release();
    };
    // A signal may end the process in the middle of this.
    process.once('exit', leave);
    try {
      const thread = await startThread(join(root, 'postgres'), socketDir);
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
  } catch (error) {
    rmSync(socketDir, { recursive: true, force: true });
    throw error;
  }
}

/** The socket of the service that has this data directory open at the moment, for a command beside it; or null. */
export const runningSocketDir = (dataDir: string): string | null => dataDirOwner(resolve(dataDir))?.socketDir ?? null;

async function startThread(cluster: string, socketDir: string): Promise<{ close(): Promise<void> }> {
  if (!existsSync(join(cluster, 'PG_VERSION'))) await createCluster(cluster);
  const worker = new Worker(new URL('./postgres-thread.ts', import.meta.url), {
    workerData: { dataDir: cluster, socketPath: join(socketDir, '.s.PGSQL.5432') },
    resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB, maxYoungGenerationSizeMb: 12 },
  });
  await messageFrom(worker, 'ready');
  // From here on a fault of the thread is nobody's promise: without the database there is no service.
  const onFault = (error: unknown): void => {
    throw new Error('The embedded database failed', { cause: error });
  };
  worker.on('error', onFault);
  return {
    async close() {
      const closed = messageFrom(worker, 'closed');
      worker.postMessage('close');
      await closed;
      worker.off('error', onFault);
      await worker.terminate();
    },
  };
}

/**
 * Made beside and moved into place, so that an interrupted initdb is begun again, not opened; in a new folder each time,
 * because an interrupted one may go on writing for a moment.
 */
async function createCluster(cluster: string): Promise<void> {
  const root = dirname(cluster);
  for (const name of readdirSync(root)) {
    if (name.startsWith(`${basename(cluster)}.new`)) rmSync(join(root, name), { recursive: true, force: true });
  }
  const made = mkdtempSync(`${cluster}.new-`);
  // Without the optimising compiler: an initdb is over before its code is worth the time and the 400 MB.
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

import type { EventEmitter } from 'node:events';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { DISK_FULL } from '../../errors.ts';
import { PrismaClient } from '../../generated/prisma/client.ts';
import { DataDirInUse } from '../embedded/data-dir-lock.ts';
import { isDiskFull } from '../embedded/database-failure.ts';
import { openEmbedded, socketDirOfRunning } from '../embedded/open-embedded.ts';
import { transactionTime } from '../embedded/transaction-time.ts';
import { leaveReferencesUnchecked } from '../embedded/unchecked-references.ts';
import { bringUpToDate, bringUpToDateTogether } from './bring-up-to-date.ts';

/** The database of this installation: an embedded PostgreSQL below `dataDir`, or the server at `url`. */
export interface DatabaseLocation {
  readonly url: string | undefined;
  readonly dataDir: string;
  /** Most connections to a server. Syncs hold one each while a batch commits, the API shares the rest. */
  readonly poolSize?: number;
  /** Time limit for an answer of the database, in milliseconds. */
  readonly limitMs?: number;
}

/**
 * One pool for Prisma, which reads rows by shape, and for SQL, which writes them in bulk
 * (docs/decisions/0014-binary-arrays.md).
 */
export interface Database {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  /** True if no other process can have the database open: a run that is RUNNING at the start is a dead process's. */
  readonly exclusive: boolean;
  /** Returns how long the next bulk transaction should take, in milliseconds; to be called after each. */
  readonly transactionMs: () => number;
  /** Returns whether the disk is full, by a statement refused in the last half minute, or by its free space. */
  readonly isFull: () => boolean;
  close(): Promise<void>;
}

/** How long the disk counts as full after it made a statement fail, in milliseconds. */
const FULL_FOR_MS = 30_000;
const POOL_SIZE = 10;
/** The embedded database runs one unit of work at a time: with more connections, clients would only wait elsewhere. */
const EMBEDDED_POOL_SIZE = 4;

/**
 * A node that loses its network during a transaction keeps its locks, also on its run, which others are to take over
 * within 30 seconds. Transactions of Mailtide are never idle that long.
 */
const IDLE_IN_TRANSACTION_MS = 10_000;
/**
 * A server that waits for the rest of a statement, or to send an answer, is not idle, and no statement limit ends that.
 * Only TCP notices that the client is gone, by default after two hours.
 */
const SERVER_SIDE = {
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 2,
  tcp_user_timeout: 20_000,
};
/** The node must notice a lost connection too. */
const KEPT_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };

/**
 * Time limit for a free connection, for opening one, and for the answer to a statement. It is far longer than any
 * statement of the service takes, except those with a limit of their own (inTransaction). So it is only reached if a
 * lock is never released, a cable is cut, or a server hangs. The caller gets an error, as if the connection had broken.
 * Runs are retried, or taken over when their lease has expired.
 */
const LIMIT_MS = 60_000;
/**
 * A server ends a slow statement on its own and keeps the connection. The client gives up later, if the server is gone.
 */
const GIVEN_UP_AFTER = 1.25;

/**
 * On a server, other clients do not wait for a transaction. Longer ones cost less in total, but delay a cancellation.
 */
const TRANSACTION_MS = 50;

/** Opens the database and brings its schema up to date. */
export async function openDatabase(location: DatabaseLocation): Promise<Database> {
  const limitMs = location.limitMs ?? LIMIT_MS;
  if (location.url) {
    const connection = { connectionString: location.url, max: location.poolSize ?? POOL_SIZE, ...KEPT_ALIVE };
    await bringUpToDateTogether(connection);
    return connect({ ...connection, ...waitingFor(limitMs), verify: limits(limitMs) }, false, async () => {});
  }
  const embedded = await openEmbedded(location.dataDir);
  const connection = { ...embeddedConnection(embedded.socketDir), max: EMBEDDED_POOL_SIZE };
  try {
    await bringUpToDate(connection);
    await leaveReferencesUnchecked(connection);
    return connect(
      { ...connection, ...waitingFor(limitMs) },
      true,
      () => embedded.close(),
      () => isDiskFull(location.dataDir),
    );
  } catch (error) {
    await embedded.close();
    throw error;
  }
}

/**
 * Only brings the schema up to date, for a deployment that does so before its nodes start.
 * @returns the names of the applied migrations
 */
export async function migrateDatabase({ url, dataDir }: DatabaseLocation): Promise<string[]> {
  if (url) return bringUpToDateTogether({ connectionString: url });
  const embedded = await unlessRunning(openEmbedded(dataDir));
  // A running service has migrated it at its start.
  if (typeof embedded === 'string') return [];
  try {
    return await bringUpToDate(embeddedConnection(embedded.socketDir));
  } finally {
    await embedded.close();
  }
}

/**
 * Opens the database for a command run beside the service: that of the service if it runs, else as the service would.
 */
export async function openDatabaseBeside(location: DatabaseLocation): Promise<Database> {
  const database = await unlessRunning(openDatabase(location));
  return typeof database === 'string'
    ? connect({ ...embeddedConnection(database), max: 1, ...waitingFor(LIMIT_MS) }, false, async () => {})
    : database;
}

/** Resolves to what was opened, or to the socket directory of the service that has the data directory open. */
async function unlessRunning<Opened>(opening: Promise<Opened>): Promise<Opened | string> {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof DataDirInUse) return socketDirOfRunning(error);
    throw error;
  }
}

const embeddedConnection = (socketDir: string): pg.PoolConfig => ({
  host: socketDir,
  user: 'postgres',
  database: 'postgres',
});

const waitingFor = (limitMs: number): pg.PoolConfig => ({
  connectionTimeoutMillis: limitMs,
  query_timeout: limitMs * GIVEN_UP_AFTER,
});

/**
 * Sets the limits of a server's session. Not by connection parameters, which PgBouncer would refuse. (The embedded
 * database has one session for all, and no timer to end a statement.)
 */
const limits =
  (limitMs: number): NonNullable<pg.PoolConfig['verify']> =>
  (client, done) => {
    const settings = Object.entries({ ...SERVER_SIDE, statement_timeout: limitMs });
    client.query(settings.map(([name, value]) => `SET ${name} = ${value}`).join('; ')).then(() => done(), done);
  };

function connect(
  config: pg.PoolConfig,
  exclusive: boolean,
  closeServer: () => Promise<void>,
  looksFull = () => false,
): Database {
  const pool = new pg.Pool(config);
  let refusedAt = Number.NEGATIVE_INFINITY;
  // The pool replaces a connection that breaks while idle, and the next statement notices one that breaks in between.
  // Without a listener, both would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    client.on('error', () => {});
    // Statements of Prisma and of Mailtide's own SQL both pass here.
    const { connection } = client as unknown as { connection: EventEmitter };
    connection.on('errorMessage', ({ code }: { code?: string }) => {
      if (code === DISK_FULL) refusedAt = performance.now();
    });
  });
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    prisma,
    pool,
    exclusive,
    transactionMs: exclusive ? transactionTime(pool) : () => TRANSACTION_MS,
    isFull: () => performance.now() - refusedAt < FULL_FOR_MS || looksFull(),
    async close() {
      await prisma.$disconnect();
      await pool.end();
      await closeServer();
    },
  };
}

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
  /** How long it is waited for an answer of the database, in milliseconds. */
  readonly limitMs?: number;
}

/** One pool for both ways to the database: Prisma where rows are read by shape, SQL where they are written in bulk. */
export interface Database {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  /** True where no other process can have the database open: what is RUNNING at the start is a dead run's. */
  readonly exclusive: boolean;
  /** How long the next transaction that writes in bulk should take, in milliseconds: to be asked after each. */
  readonly transactionMs: () => number;
  /** Whether the disk is full, as far as is known: by a refused statement of the last half minute, or by a look at it. */
  readonly isFull: () => boolean;
  close(): Promise<void>;
}

/** After a statement was refused because the disk is full, so long is it taken to be. Milliseconds. */
const FULL_FOR_MS = 30_000;
const POOL_SIZE = 10;
/** The embedded database runs one unit of work at a time: more connections would only wait there instead of here. */
const EMBEDDED_POOL_SIZE = 4;

/**
 * A node whose network was cut in the middle of a transaction keeps the rows that it has locked: its run, which others
 * are to take over within 30 seconds. Ours are never idle that long.
 */
const IDLE_IN_TRANSACTION_MS = 10_000;
/**
 * A server that waits for the rest of a statement, or to be rid of an answer, is not idle, and no limit of statements
 * ends that: only TCP tells it that nobody is there any more. Usually after two hours.
 */
const SERVER_SIDE = {
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 2,
  tcp_user_timeout: 20_000,
};
/** And the node is to notice. */
const KEPT_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };

/**
 * How long it is waited for a free connection, for one to be made, and for the answer to a statement. Far more than
 * anything takes that the service asks for, but for what has a limit of its own (inTransaction): so what is found by it
 * is a lock that is never given back, a cable that was cut, a server that hangs. Whoever waited gets an error, as if the
 * connection had broken; runs are tried again, or taken over when their lease has ended.
 */
const LIMIT_MS = 60_000;
/** A server ends a statement by itself, which leaves the connection in use; only one that is gone has to be given up. */
const GIVEN_UP_AFTER = 1.25;

/** Others work beside a transaction; larger ones cost less in all, and a run is cancelled within two seconds. */
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
 * Only brings the schema up to date: for a deployment that does so before its nodes start.
 * @returns the names of the migrations that were applied
 */
export async function migrateDatabase({ url, dataDir }: DatabaseLocation): Promise<string[]> {
  if (url) return bringUpToDateTogether({ connectionString: url });
  const embedded = await unlessRunning(openEmbedded(dataDir));
  // A service that runs has done it at its start.
  if (typeof embedded === 'string') return [];
  try {
    return await bringUpToDate(embeddedConnection(embedded.socketDir));
  } finally {
    await embedded.close();
  }
}

/** For a command beside the service: through the service's own database if it runs, else as the service would. */
export async function openDatabaseBeside(location: DatabaseLocation): Promise<Database> {
  const database = await unlessRunning(openDatabase(location));
  return typeof database === 'string'
    ? connect({ ...embeddedConnection(database), max: 1, ...waitingFor(LIMIT_MS) }, false, async () => {})
    : database;
}

/** What was opened, or the socket's directory of the service that has the data directory open. */
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
 * What a server's session keeps to. Not by parameters of the connection, which PgBouncer would refuse. (The embedded
 * database has one session for all, and no clock to end a statement by.)
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
  // A connection that breaks while idle is replaced by the pool, and one that breaks between two statements is found at
  // the next; without a listener both would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    client.on('error', () => {});
    // Where statements of Prisma and our own pass alike.
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

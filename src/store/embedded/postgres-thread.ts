import { createServer, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { compilePgliteModule } from './pglite-module.ts';
import { StatementCache } from './statement-cache.ts';
import { panicOf, transactionStatus, type Unit, UnitReader } from './wire.ts';

/**
 * The embedded database: PGlite in this thread, behind a unix socket, so that the rest of the program (and psql) talks
 * to it as to any PostgreSQL. PGlite has one session. Units of work run one at a time, in the order of arrival, and a
 * connection that opened a transaction keeps the session until the transaction ends. Session-level state (SET, advisory
 * locks, LISTEN, named statements) would be shared by all connections: use transaction-level forms only.
 */
const { dataDir, socketPath } = workerData as { dataDir: string; socketPath: string };

/** PostgreSQL's default of 128 MB is meant for a server; 16 MB saves the process 100 MB. */
const SHARED_BUFFERS = '16MB';
/**
 * `wal_init_zero=off` writes log files once, without filling them with zeros first, which only some filesystems need.
 */
const SETTINGS = [`shared_buffers=${SHARED_BUFFERS}`, 'wal_init_zero=off'];
const pglite = await PGlite.create({
  dataDir,
  pgliteWasmModule: compilePgliteModule(),
  startParams: [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ['-c', setting])],
});

interface Work {
  readonly client: Socket;
  readonly bytes: Uint8Array;
}
const waiting: Work[] = [];
const statements = new StatementCache();
let owner: Socket | null = null;
let busy = false;
/** `closing`: close as soon as nothing runs. `closed`: nothing may use the database, such as the end of a client. */
let closing = false;
let closed = false;

async function runWaiting(): Promise<void> {
  if (busy || closed) return;
  busy = true;
  await rollbackAbandoned();
  for (let work = next(); work; work = next()) {
    const status = await run(work.bytes, (answer) => {
      if (work.client.writable) work.client.write(answer);
    });
    owner = status === 'I' ? null : work.client;
    await rollbackAbandoned();
  }
  busy = false;
  if (closing) await shutdown();
}

function next(): Work | undefined {
  if (!owner) return waiting.shift();
  const index = waiting.findIndex((work) => work.client === owner);
  return index < 0 ? undefined : waiting.splice(index, 1)[0];
}

async function run(unit: Uint8Array, onAnswer: (answer: Buffer) => void): Promise<'I' | 'T' | 'E' | null> {
  const { close, bytes, promised, answered } = statements.request(unit);
  if (close) await pglite.execProtocolRawStream(close, { onRawData() {} });
  let first: number | undefined;
  let tail: Uint8Array = new Uint8Array();
  let last: Buffer = Buffer.alloc(0);
  await pglite.execProtocolRawStream(bytes, {
    onRawData: (data) => {
      // Copied, because the WASM memory is reused for the next answer.
      const answer = first === undefined ? Buffer.concat([promised, data]) : Buffer.from(data);
      first ??= data[0];
      last = answer;
      tail = answer.length >= 6 ? answer.subarray(-6) : Buffer.concat([tail, answer]).subarray(-6);
      onAnswer(answer);
    },
  });
  answered(first);
  const status = transactionStatus(tail);
  // After a panic, PostgreSQL answers no more, and the next statement would wait forever.
  const panic = status === null ? panicOf(last) : null;
  if (panic !== null) throw new Error(panic);
  return status;
}

/** Rolls back the transaction of a client that disconnected during it. */
async function rollbackAbandoned(): Promise<void> {
  if (!owner?.destroyed) return;
  await pglite.exec('ROLLBACK');
  owner = null;
}

function take(client: Socket, unit: Unit): void {
  switch (unit.kind) {
    case 'encryption-request':
      client.write('N');
      return;
    case 'cancel-request':
    case 'terminate':
      client.end();
      return;
    case 'messages':
      waiting.push({ client, bytes: unit.bytes });
      fire(runWaiting());
  }
}

/** Throws a failure of `work` out of the thread: a fault of the database ends the whole service. */
function fire(work: Promise<void>): void {
  work.catch((error: unknown) => {
    setImmediate(() => {
      throw error;
    });
  });
}

const clients = new Set<Socket>();
const server = createServer((client) => {
  const reader = new UnitReader();
  clients.add(client);
  client.on('data', (chunk) => {
    for (const unit of reader.push(chunk)) take(client, unit);
  });
  client.on('error', () => client.destroy());
  client.on('close', () => {
    clients.delete(client);
    for (let i = waiting.length - 1; i >= 0; i--) if (waiting[i]!.client === client) waiting.splice(i, 1);
    if (owner === client) fire(runWaiting());
  });
});

/** Closes the database. Mailtide's pool has ended by now; a transaction of another client is rolled back. */
async function shutdown(): Promise<void> {
  closed = true;
  server.close();
  for (const client of clients) client.destroy();
  await pglite.close();
  parentPort!.postMessage('closed');
  parentPort!.close();
}

parentPort!.on('message', () => {
  closing = true;
  fire(runWaiting());
});

server.listen(socketPath, () => parentPort!.postMessage('ready'));

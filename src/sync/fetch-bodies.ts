import type { DigestedBatch } from '../domain/parsed-message.ts';
import { packUids } from '../domain/uid-set.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { GIANT } from '../mime/mime-pool.ts';
import {
  dropPending,
  type MailboxRef,
  nextPending,
  type PendingLocation,
  quarantine,
} from '../store/mail/locations.ts';
import { recordProgressNow } from '../store/runs/record-progress.ts';
import { BatchSize } from './batch-size.ts';
import type { SyncContext } from './context.ts';
import { type Body, type BodyBatch, storeBodies } from './store-bodies.ts';
import { StorePipeline } from './store-pipeline.ts';

/** One FETCH command: the first is small, so that a person sees mail at once. */
const FIRST_FETCH = { messages: 32, bytes: 512 * 1024 };
const FETCH = { messages: 500, bytes: 8 * 1024 * 1024 };
/** Most bytes in one transaction. */
const BATCH_BYTES = 512 * 1024;
/** Batches between the socket and the database: one arriving, one being digested, one being stored. */
const BATCHES_IN_FLIGHT = 3;

/** Fetches and stores the bytes of a mailbox's PENDING locations, newest first. */
export async function fetchBodies(
  context: SyncContext,
  connection: ImapConnection,
  ref: MailboxRef,
  onTheMove: ReadonlySet<string>,
): Promise<void> {
  const { pool, lease, publish, log } = context;
  const snapshot = await connection.select(ref.path);
  // Reset under our hands: these UIDs mean nothing any more. The next run begins the new generation.
  if (snapshot.uidValidity !== ref.uidValidity) return;
  publish(await recordProgressNow(pool, lease, { mailbox: ref.path }));

  const size = new BatchSize();
  const sizes = new Sizes();
  const pipeline = new StorePipeline<BodyBatch, DigestedBatch>({
    inFlight: BATCHES_IN_FLIGHT,
    digest: (batch) => context.mime.digest(batch.bodies.map((body) => body.source)),
    async store(batch, digested) {
      const began = performance.now();
      await storeBodies(context, ref, batch, digested, onTheMove);
      size.learn(batch.bodies.length, performance.now() - began);
    },
  });
  try {
    let below: number | null = null;
    for (let limit = FIRST_FETCH; ; limit = FETCH) {
      const pending = await nextPending(pool, ref, below, limit.messages);
      if (pending.length === 0) break;
      const fetchable = await setAsideTooLarge(context, ref, pending);
      const asked = withinBytes(fetchable, limit.bytes);
      // What did not fit comes first in the next command.
      below = (asked.length < fetchable.length ? asked : pending).at(-1)!.uid;
      const silent = await fetchInto(connection, asked, size, pipeline, sizes);
      if (silent.length > 0) await resolveSilent(context, connection, ref, silent, size, pipeline, sizes);
    }
    await pipeline.drain();
  } finally {
    // Also after a failure or a shutdown: what is under way is committed or rolled back before anybody else goes on.
    await pipeline.settle();
    log.debug({ mailbox: ref.path }, 'bodies done');
  }
}

async function setAsideTooLarge(
  { pool, lease, publish, maxMessageBytes }: SyncContext,
  ref: MailboxRef,
  pending: readonly PendingLocation[],
): Promise<PendingLocation[]> {
  const tooLarge = pending.filter((location) => location.size > maxMessageBytes);
  if (tooLarge.length > 0) {
    publish(
      await quarantine(
        pool,
        lease,
        ref,
        tooLarge.map((location) => location.uid),
        'TOO_LARGE',
      ),
    );
  }
  return pending.filter((location) => location.size <= maxMessageBytes);
}

/** The first locations that fit into `bytes`, at least one. */
function withinBytes(locations: readonly PendingLocation[], bytes: number): readonly PendingLocation[] {
  let sum = 0;
  const end = locations.findIndex((location, i) => {
    sum += location.size;
    return i > 0 && sum > bytes;
  });
  return end < 0 ? locations : locations.slice(0, end);
}

/**
 * Fewer bytes than RFC822.SIZE may be a message that was cut off on its way: it is asked for again. The same bytes a
 * second time are the message, and its server one that counts otherwise (Exchange, MS-STANOIMAP 2.2.25).
 */
class Sizes {
  readonly #short = new Map<number, number>();
  #believed = true;

  isCutOff({ uid, size }: PendingLocation, length: number): boolean {
    if (!this.#believed || length >= size) return false;
    if (this.#short.get(uid) === length) this.#believed = false;
    this.#short.set(uid, length);
    return this.#believed;
  }
}

/** Runs one FETCH into the pipeline. Returns what was asked for and did not come. */
async function fetchInto(
  connection: ImapConnection,
  asked: readonly PendingLocation[],
  size: BatchSize,
  pipeline: StorePipeline<BodyBatch, DigestedBatch>,
  sizes: Sizes,
): Promise<PendingLocation[]> {
  const waiting = new Map(asked.map((location) => [location.uid, location]));
  let bodies: Body[] = [];
  let bytes = 0;
  for await (const { uid, source } of connection.fetchSources([...waiting.keys()], waiting)) {
    const location = waiting.get(uid);
    if (!location || sizes.isCutOff(location, source.length)) continue;
    waiting.delete(uid);
    // A giant goes alone: whatever is done with it then needs no copy.
    if (bodies.length > 0 && bytes + source.length > GIANT) {
      await pipeline.push({ bodies });
      bodies = [];
      bytes = 0;
    }
    bodies.push({ location, source });
    bytes += source.length;
    if (bodies.length >= size.messages || bytes >= BATCH_BYTES) {
      await pipeline.push({ bodies });
      bodies = [];
      bytes = 0;
    }
  }
  if (bodies.length > 0) await pipeline.push({ bodies });
  return [...waiting.values()];
}

/**
 * Messages that the server was asked for and did not give. Silence proves nothing: ask whether they are still there,
 * then for each alone. Gone ones are dropped, the others set aside with their reason, and neither stops the rest.
 */
async function resolveSilent(
  context: SyncContext,
  connection: ImapConnection,
  ref: MailboxRef,
  silent: readonly PendingLocation[],
  size: BatchSize,
  pipeline: StorePipeline<BodyBatch, DigestedBatch>,
  sizes: Sizes,
): Promise<void> {
  const { pool, lease, publish } = context;
  const there = new Set<number>();
  for (const set of packUids(silent.map((location) => location.uid))) {
    for (const uid of await connection.searchUids(set)) there.add(uid);
  }
  const gone = silent.filter((location) => !there.has(location.uid)).map((location) => location.uid);
  if (gone.length > 0) publish(await dropPending(pool, lease, ref, gone));
  for (const location of silent) {
    if (!there.has(location.uid)) continue;
    const stillSilent = await fetchInto(connection, [location], size, pipeline, sizes);
    if (stillSilent.length > 0) publish(await quarantine(pool, lease, ref, [location.uid], 'NOT_SERVED'));
  }
}

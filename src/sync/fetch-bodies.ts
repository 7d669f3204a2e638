import { BatchSize } from '../domain/batch-size.ts';
import type { ParsedBatch } from '../domain/parsed-batch.ts';
import { packUids } from '../domain/uid-set.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { GIANT } from '../mime/mime-pool.ts';
import { dropPending, type MailboxRef, nextPending, type PendingLocation } from '../store/mail/locations.ts';
import { quarantine } from '../store/mail/quarantine.ts';
import { recordProgressNow } from '../store/runs/record-progress.ts';
import { askedTogether } from './asked-together.ts';
import type { SyncContext } from './context.ts';
import { PoisonFinder, type Waiting } from './poison-finder.ts';
import type { ReconnectingConnection } from './reconnecting-connection.ts';
import { type Body, type BodyBatch, storeBodies } from './store-bodies.ts';
import { storeHeaders } from './store-headers.ts';
import { StorePipeline } from './store-pipeline.ts';

/** Limits of one FETCH command. The first is small, so that users see mail at once. */
const FIRST_FETCH = { messages: 32, bytes: 512 * 1024 };
const FETCH = { messages: 500, bytes: 8 * 1024 * 1024 };
/** Most bytes in one transaction. */
const BATCH_BYTES = 1024 * 1024;
/**
 * Batches between the socket and the database: one arriving, one being digested, one being stored, and two in reserve.
 */
const BATCHES_IN_FLIGHT = 5;

/**
 * Fetches and stores the bytes of the PENDING locations of the selected mailbox, newest first. Locations that turn out
 * to be gone from the server are removed, and their UIDs added to `expunged`.
 * @throws MailboxQuarantined if UIDVALIDITY has changed meanwhile.
 */
export async function fetchBodies(
  context: SyncContext,
  imap: ReconnectingConnection,
  ref: MailboxRef,
  movingMessageIds: ReadonlySet<string>,
  expunged: Set<number>,
): Promise<void> {
  const { pool, lease, publish, step, log } = context;
  publish(await recordProgressNow(pool, lease, { mailbox: ref.path }));

  const size = new BatchSize(context.transactionMs);
  const sizes = new Sizes();
  const pipeline = new StorePipeline<BodyBatch, ParsedBatch>({
    inFlight: BATCHES_IN_FLIGHT,
    digest: ({ bodies }) =>
      step('parse', { messages: bodies.length }, () => context.mime.digest(bodies.map((body) => body.source))),
    async store(batch, parsed) {
      const began = performance.now();
      await step('store', { messages: batch.bodies.length }, () =>
        storeBodies(context, ref, batch, parsed, movingMessageIds),
      );
      size.learn(batch.bodies.length, performance.now() - began);
    },
  });
  const finder = new PoisonFinder(context, imap, ref, (connection, waiting, onServed, oversized) =>
    fetchInto(connection, waiting, { onServed, oversized }, size, pipeline, sizes),
  );
  try {
    let below: number | null = null;
    for (let limit = FIRST_FETCH; ; limit = FETCH) {
      const pending = await nextPending(pool, ref, below, limit.messages);
      if (pending.length === 0) break;
      const { large, fetchable } = Object.groupBy(pending, ({ size }) =>
        size > context.maxMessageBytes ? 'large' : 'fetchable',
      );
      if (large) await storeHeaders(context, imap, ref, large, movingMessageIds);
      const asked = askedTogether(fetchable ?? [], limit);
      // The locations that did not fit come first in the next command.
      below = (asked.length < (fetchable ?? []).length ? asked : pending).at(-1)!.uid;
      const waiting: Waiting = new Map(asked.map((location) => [location.uid, location]));
      await finder.fetch(waiting);
      if (waiting.size > 0) await resolveSilent(context, imap, ref, waiting, finder, expunged);
      await storeHeaders(context, imap, ref, finder.takeOversized(), movingMessageIds);
    }
    await pipeline.drain();
  } finally {
    // Also after a failure or a shutdown: pending writes commit or roll back before another worker continues.
    await pipeline.settle();
    log.debug({ mailbox: ref.path }, 'bodies done');
  }
}

/**
 * Detects truncated messages. One with fewer bytes than RFC822.SIZE may have been cut off, and is fetched again. If it
 * has the same length again, it is complete: the server computes RFC822.SIZE differently (Exchange, MS-STANOIMAP
 * 2.2.25), and its sizes are no longer compared.
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

/** Runs one FETCH into the pipeline, and removes from `waiting` what arrived, even if the FETCH fails. */
async function fetchInto(
  connection: ImapConnection,
  waiting: Waiting,
  { onServed, oversized }: { onServed: (location: PendingLocation) => void; oversized: PendingLocation[] },
  size: BatchSize,
  pipeline: StorePipeline<BodyBatch, ParsedBatch>,
  sizes: Sizes,
): Promise<void> {
  let bodies: Body[] = [];
  let bytes = 0;
  try {
    for await (const { uid, source } of connection.fetchSources([...waiting.keys()], waiting)) {
      const location = waiting.get(uid);
      if (!location) continue;
      if (source === null) {
        waiting.delete(uid);
        oversized.push(location);
        continue;
      }
      onServed(location);
      if (sizes.isCutOff(location, source.length)) continue;
      waiting.delete(uid);
      // A giant message is a batch of its own, so that no step has to copy it.
      if (bodies.length > 0 && bytes + source.length > GIANT) {
        const before = bodies;
        [bodies, bytes] = [[], 0];
        await pipeline.push({ bodies: before });
      }
      bodies.push({ location, source });
      bytes += source.length;
      if (bodies.length >= size.messages || bytes >= BATCH_BYTES) {
        const full = bodies;
        [bodies, bytes] = [[], 0];
        await pipeline.push({ bodies: full });
      }
    }
  } finally {
    if (bodies.length > 0) await pipeline.push({ bodies });
  }
}

/**
 * Handles messages missing from the server's answer. Silence proves nothing, so it searches for them and then fetches
 * each alone. Deleted ones are removed, the others are quarantined with a reason. Neither stops the rest.
 */
async function resolveSilent(
  context: SyncContext,
  imap: ReconnectingConnection,
  ref: MailboxRef,
  silent: Waiting,
  finder: PoisonFinder,
  expunged: Set<number>,
): Promise<void> {
  const { pool, lease, publish } = context;
  const present = new Set<number>();
  for (const set of packUids(silent.keys())) {
    for (const uid of await imap.connection.searchUids(set)) present.add(uid);
  }
  const gone = [...silent.keys()].filter((uid) => !present.has(uid));
  if (gone.length > 0) publish(await dropPending(pool, lease, ref, gone));
  for (const uid of gone) expunged.add(uid);
  for (const [uid, location] of silent) {
    if (!present.has(uid) || (await finder.fetchAlone(location)) === 'served') continue;
    publish(await quarantine(pool, lease, ref, [uid], 'NOT_SERVED'));
  }
}

import type { ParsedBatch } from '../domain/parsed-batch.ts';
import type { MailboxRef, PendingLocation } from '../store/mail/locations.ts';
import type { BatchItem } from '../store/mail/plan-batch.ts';
import { quarantine } from '../store/mail/quarantine.ts';
import { storeBatch } from '../store/mail/store-batch.ts';
import { isDataError } from '../store/plumbing/data-error.ts';
import type { SyncContext } from './context.ts';

export interface Body {
  readonly location: PendingLocation;
  readonly source: Buffer;
}

export interface BodyBatch {
  readonly bodies: readonly Body[];
}

/** Stores a parsed batch. It finds a message that the database rejects by halving the batch, and quarantines it. */
export async function storeBodies(
  context: SyncContext,
  ref: MailboxRef,
  { bodies }: BodyBatch,
  parsed: ParsedBatch,
  movingMessageIds: ReadonlySet<string>,
): Promise<void> {
  const items = bodies.map(
    ({ location: { uid, internalDate } }, i): BatchItem => ({ uid, internalDate, message: parsed.at(i) }),
  );
  await storeItems(context, ref, items, parsed, movingMessageIds);
}

async function storeItems(
  context: SyncContext,
  ref: MailboxRef,
  items: readonly BatchItem[],
  parsed: ParsedBatch,
  movingMessageIds: ReadonlySet<string>,
): Promise<void> {
  const { pool, lease, publish, log } = context;
  try {
    publish(await storeBatch(pool, lease, { mailbox: ref, items, parsed, movingMessageIds }));
  } catch (error) {
    if (!isDataError(error)) throw error;
    if (items.length === 1) {
      const { uid } = items[0]!;
      log.error({ err: error, mailbox: ref.path, uid }, 'a message cannot be stored');
      publish(await quarantine(pool, lease, ref, [uid], 'NOT_STORABLE'));
      return;
    }
    const half = items.length >> 1;
    await storeItems(context, ref, items.slice(0, half), parsed, movingMessageIds);
    await storeItems(context, ref, items.slice(half), parsed, movingMessageIds);
  }
}

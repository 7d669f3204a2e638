import { newId } from '../../domain/ids.ts';
import type { DigestedBatch, MessageDigest } from '../../domain/parsed-message.ts';
import { storableDate } from '../../domain/storable-date.ts';
import { assignThreads, type KnownReference } from '../../domain/threads.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { ChainHead } from '../../timeline/chain.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import type { Transaction } from '../plumbing/sql.ts';
import type { MailboxRef } from './locations.ts';

export interface BatchItem {
  readonly uid: number;
  readonly internalDate: Date | null;
  /** Its index in the digested batch. */
  readonly index: number;
  readonly message: MessageDigest;
}

export interface Batch {
  readonly mailbox: MailboxRef;
  readonly items: readonly BatchItem[];
  /** The items' messages at their indexes; more than these if the batch is a part of the digested one. */
  readonly digested: DigestedBatch;
  /**
   * Messages that are leaving another location. Their arrival is a move, which is announced when they are gone there.
   */
  readonly movingMessageIds: ReadonlySet<string>;
  /** Further work in the same transaction; resolves to the run after it. */
  readonly also?: (tx: Transaction) => Promise<SyncRun>;
}

/** The stored messages and references of a batch, and the head of the account's chain. */
export interface Known extends ChainHead {
  /** Counts changes of the account's threads by the reparser, which appends nothing to the chain. */
  readonly threadRevision: number;
  /** Message ids by hex SHA-256. */
  readonly messages: ReadonlyMap<string, string>;
  /** By reference key. */
  readonly references: ReadonlyMap<bigint, KnownReference>;
}

export type BatchPlan = ReturnType<typeof planBatch>;

/** Pure: returns what a batch changes, given what is stored. */
export function planBatch({ mailbox, items, movingMessageIds }: Batch, known: Known) {
  const ids = new Map(known.messages);
  const announced: boolean[] = [];
  const created: { id: string; item: BatchItem }[] = [];
  const events: EventInput[] = [];
  let bytes = 0n;
  for (const item of items) {
    const { message } = item;
    bytes += BigInt(message.size);
    const place = {
      mailboxId: mailbox.id,
      mailbox: mailbox.path,
      uidValidity: mailbox.uidValidity.toString(),
      uid: item.uid,
    };
    const knownId = ids.get(message.sha256);
    announced.push(knownId === undefined || !movingMessageIds.has(knownId));
    if (knownId === undefined) {
      const id = newId();
      ids.set(message.sha256, id);
      created.push({ id, item });
      const receivedAt = receivedAtOf(item).toISOString();
      events.push({
        type: 'email_received',
        payload: { messageId: id, ...place, sha256: message.sha256, size: message.size, receivedAt },
      });
    } else if (announced.at(-1)) {
      events.push({ type: 'email_copied', payload: { messageId: knownId, ...place } });
    }
  }
  const threads = assignThreads(
    created.map(({ id, item }) => ({ key: id, ...item.message.links })),
    known.references,
    newId,
  );
  return { ids, created, announced, events, threads, bytes };
}

/** Returns when a message was received, as far as is known. Earlier versions stored internal dates of any year. */
export const receivedAtOf = ({ internalDate, message }: BatchItem): Date =>
  storableDate(internalDate) ?? message.sentAt ?? new Date();

import { newId } from '../../domain/ids.ts';
import type { BatchMessage, ParsedBatch } from '../../domain/parsed-batch.ts';
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
  readonly message: BatchMessage;
}

export interface Batch {
  readonly mailbox: MailboxRef;
  readonly items: readonly BatchItem[];
  /** The batch of which the items are messages: all of them, or some. */
  readonly parsed: ParsedBatch;
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
  const created: (BatchItem & { readonly id: string })[] = [];
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
      created.push({ ...item, id });
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
    created.map(({ id, message }) => ({ key: id, ...message.links })),
    known.references,
    newId,
  );
  return { ids, created, announced, events, threads, bytes };
}

/** Returns when a message was received, as far as is known. Earlier versions stored internal dates of any year. */
export const receivedAtOf = ({ internalDate, message }: BatchItem): Date =>
  storableDate(internalDate) ?? message.sentAt ?? new Date();

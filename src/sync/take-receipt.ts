import {
  type Gap,
  gapReason,
  MAX_GAPS,
  type MailboxReceipt,
  type Proof,
  type SyncReceipt,
  type UnreadAnswers,
  uidSetDigest,
} from '../domain/receipt.ts';
import { presentUids } from '../store/mail/locations.ts';
import { storedMailboxes } from '../store/mail/mailboxes.ts';
import { type MissingLocation, missingLocations } from '../store/mail/stored-set.ts';
import type { SyncContext } from './context.ts';
import type { MailboxEvidence, ServerSet } from './mailbox-evidence.ts';

/**
 * Returns the receipt of an attempt at its end, from the evidence of each mailbox and what is stored now. If nothing
 * was written to a mailbox since its digest was computed, its messages are not read.
 */
export async function takeReceipt(
  { pool, lease }: SyncContext,
  evidenceOf: readonly MailboxEvidence[],
  unread: UnreadAnswers,
): Promise<SyncReceipt> {
  const stored = new Map((await storedMailboxes(pool, lease.accountId)).map((mailbox) => [mailbox.id, mailbox]));
  const missing = Map.groupBy(await missingLocations(pool, lease.accountId), ({ mailboxId }) => mailboxId);
  const mailboxes: MailboxReceipt[] = [];
  for (const evidence of evidenceOf) {
    const { messageCount, uidSetDigest: digest } = stored.get(evidence.id)!;
    const isKnown = evidence.server?.proof === 'STATUS' && digest !== null && evidence.expunged.size === 0;
    const held = isKnown ? heldAsProven(messageCount, digest) : holdAll(evidence, await presentUids(pool, evidence, 1));
    mailboxes.push(judge(evidence, held, missing.get(evidence.id) ?? []));
  }
  const complete = unread.count === 0 && mailboxes.every((mailbox) => mailbox.complete);
  return { complete, mailboxes, unread };
}

/** A set of UIDs, reduced to what a proof needs. */
interface UidSet {
  readonly count: number;
  readonly digest: string;
  countBelow(uid: number): number;
}

/**
 * The stored UIDs of a mailbox: `now`, and as `asked`, with the UIDs that were deleted since the server listed them.
 */
export interface Held {
  readonly now: UidSet;
  readonly asked: UidSet;
}

function heldAsProven(count: number, digest: string): Held {
  const set = { count, digest, countBelow: () => count };
  return { now: set, asked: set };
}

export function holdAll(
  { uidValidity, expunged }: Pick<MailboxEvidence, 'uidValidity' | 'expunged'>,
  uids: readonly number[],
): Held {
  const setOf = (members: readonly number[]): UidSet => ({
    count: members.length,
    digest: uidSetDigest(uidValidity ?? 0n, members),
    countBelow: (limit) => members.filter((uid) => uid < limit).length,
  });
  const now = setOf(uids);
  return { now, asked: expunged.size === 0 ? now : setOf([...new Set([...uids, ...expunged])]) };
}

/** Pure: returns what is proven of one mailbox. */
export function judge(evidence: MailboxEvidence, held: Held, missing: readonly MissingLocation[]): MailboxReceipt {
  const unproven = evidence.refusal ?? evidence.doubt;
  const proof = unproven ? null : proofOf(evidence.server, held);
  const gaps: Gap[] = [];
  if (unproven) gaps.push({ uid: null, reason: unproven });
  else if (!proof) gaps.push({ uid: null, reason: 'NOT_EQUAL' });
  for (const { uid, reason } of missing)
    gaps.push({ uid, reason: reason === null ? 'NOT_FETCHED' : gapReason(reason) });
  for (const uid of evidence.expunged) gaps.push({ uid, reason: 'EXPUNGED_MEANWHILE' });
  return {
    mailboxId: evidence.id,
    mailbox: evidence.path,
    uidValidity: evidence.uidValidity === null ? null : evidence.uidValidity.toString(),
    serverMessages: evidence.server?.messages ?? null,
    storedMessages: held.now.count - missing.length,
    uidSetDigest: proof ? held.now.digest : null,
    proof,
    flagsProven: proof !== null && evidence.flagsProven,
    compared: proof !== null && evidence.compared,
    complete: proof !== null && missing.length === 0,
    gaps: gaps.slice(0, MAX_GAPS),
    gapCount: gaps.length,
    repairs: evidence.repairs,
    at: evidence.at.toISOString(),
  };
}

function proofOf(server: ServerSet | null, { asked }: Held): Proof | null {
  switch (server?.proof) {
    case 'STATUS':
      return asked.count === server.messages ? 'STATUS' : null;
    case 'COUNT':
      return asked.countBelow(server.uidNext) === server.messages ? 'COUNT' : null;
    case 'UID_SET':
      return asked.digest === server.digest ? 'UID_SET' : null;
    default:
      return null;
  }
}

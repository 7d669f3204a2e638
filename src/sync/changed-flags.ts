import { UidRanges } from '../domain/uid-ranges.ts';
import type { ImapConnection } from '../imap/connection.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import type { StoredMailbox } from '../store/mail/mailboxes.ts';
import { type FlagSource, updateFlags } from '../store/mail/update-flags.ts';
import type { SyncContext } from './context.ts';
import { type PassPlan, RECENT } from './plan.ts';

/** How many UIDs below the recent ones each pass also checks, so that a later pass finds a change to old mail. */
const SWEEP = 2000;
/** Rows in one transaction, so that others do not wait long for the embedded database. */
const ROWS_PER_TRANSACTION = 1000;

export interface Changes {
  readonly vanished: UidRanges;
  /** The UID up to which the rolling sweep has come; the next pass continues there. */
  readonly sweptTo: number;
  /** All changes since the last pass are covered. */
  readonly all: boolean;
}

/** Stores the changed flags of enumerated messages. The plan decides where the changes come from. */
export async function changedFlags(
  context: SyncContext,
  connection: ImapConnection,
  ref: MailboxRef,
  mailbox: StoredMailbox,
  plan: PassPlan,
): Promise<Changes> {
  const sweptTo = Number(mailbox.flagSweepUid);
  const highest = Number(mailbox.enumeratedUpTo);
  if (highest === 0 || plan.flags === 'none') return { vanished: new UidRanges(), sweptTo, all: true };
  if (plan.flags === 'since-cursor') {
    const { changed, vanished } = await connection.fetchChanges(highest, mailbox.highestModseq!);
    await storeFlags(context, ref, changed, 'changes');
    return { vanished, sweptTo, all: true };
  }
  const recentFrom = Math.max(1, highest - RECENT + 1);
  const from = sweptTo + 1 < recentFrom ? sweptTo + 1 : 1;
  const to = Math.min(from + SWEEP - 1, recentFrom - 1);
  const set = to >= from ? `${from}:${to},${recentFrom}:${highest}` : `${recentFrom}:${highest}`;
  await storeFlags(context, ref, await connection.fetchFlags(set), 'present');
  return { vanished: new UidRanges(), sweptTo: Math.max(0, to), all: false };
}

/** Stores flags, and returns how many messages had different ones. */
export async function storeFlags(
  { pool, lease, publish }: SyncContext,
  ref: MailboxRef,
  flags: Parameters<typeof updateFlags>[3],
  source: FlagSource,
): Promise<number> {
  let sum = 0;
  for (let i = 0; i < flags.length; i += ROWS_PER_TRANSACTION) {
    const { run, changed } = await updateFlags(pool, lease, ref, flags.slice(i, i + ROWS_PER_TRANSACTION), source);
    if (run) publish(run);
    sum += changed;
  }
  return sum;
}

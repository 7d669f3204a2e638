import type { FlagChange } from '../domain/words.ts';
import type { ImapConnection } from '../imap/connection.ts';
import type { StoredMailbox } from '../store/mail/mailboxes.ts';
import type { PassPlan } from './plan.ts';

/** Without mod-sequences: the newest UIDs, whose flags are looked at in every pass. */
const RECENT = 500;
/** ... and how many of the older ones come along, so that an old change is seen some passes later. */
const SWEEP = 2000;

export interface Changes {
  readonly flags: readonly FlagChange[];
  readonly vanished: readonly number[];
  /** Where the rolling sweep goes on in the next pass. */
  readonly sweptTo: number;
}

/** Flags of known messages (UIDs up to `highest`) that may have changed, the way the plan says. */
export async function changedFlags(
  connection: ImapConnection,
  mailbox: StoredMailbox,
  plan: PassPlan,
  highest: number,
): Promise<Changes> {
  const sweptTo = Number(mailbox.flagSweepUid);
  if (highest === 0) return { flags: [], vanished: [], sweptTo };
  switch (plan.flags) {
    case 'none':
      return { flags: [], vanished: [], sweptTo };
    case 'since-cursor': {
      const { changed, vanished } = await connection.fetchChanges(highest, mailbox.highestModseq!);
      return { flags: changed, vanished, sweptTo };
    }
    case 'all':
      return { flags: await connection.fetchFlags(`1:${highest}`), vanished: [], sweptTo };
    case 'sweep': {
      const recentFrom = Math.max(1, highest - RECENT + 1);
      const from = sweptTo + 1 < recentFrom ? sweptTo + 1 : 1;
      const to = Math.min(from + SWEEP - 1, recentFrom - 1);
      const set = to >= from ? `${from}:${to},${recentFrom}:${highest}` : `${recentFrom}:${highest}`;
      return { flags: await connection.fetchFlags(set), vanished: [], sweptTo: Math.max(0, to) };
    }
  }
}

import type { SyncGapReason, SyncProof } from '../../generated/gql/graphql.ts';
import { humanize } from '../parts/format.ts';

/** What the service says in the words of IMAP, for who does not know them. */

export const PROOFS: Record<SyncProof, string> = {
  UID_SET: 'message by message',
  COUNT: 'changes told, counts equal',
  STATUS: 'unchanged, says the server',
};

const GAPS: Record<SyncGapReason, string> = {
  EXPUNGED_MEANWHILE: 'deleted on the server before it could be fetched',
  MAILBOX_BREAKS: 'the server breaks off over this mailbox; it is asked for again later',
  MAILBOX_GONE: 'the mailbox was gone when its turn came',
  MAILBOX_REFUSED: 'the server does not let the mailbox be read',
  NOT_EQUAL: 'what is stored is not what the server lists',
  NOT_FETCHED: 'not fetched in this run',
  NOT_SERVED: 'the server lists it, but does not hand it out',
  NOT_STORABLE: 'the database does not take it',
  NO_UIDVALIDITY: 'the server does not say for how long its numbers of messages hold',
  SERVER_CONTRADICTS_ITSELF: 'the server lists another number of messages than it says there are',
  TOO_LARGE: 'larger than this installation stores: only its header is here',
};

/** A reason that a later version has is shown as it is. */
export const gapInWords = (reason: string): string =>
  (GAPS as Record<string, string | undefined>)[reason] ?? humanize(reason);

const RESTORED = 'the mailbox seems to be restored from a backup, so everything was compared';
/** One entry for each `PlanReason` of the service; a test compares the two. */
export const PLANS = {
  FIRST_SYNC: 'first sync of this mailbox',
  MAILBOXID_CHANGED: 'another mailbox has this name now',
  UIDVALIDITY_CHANGED: 'the server renumbered the messages',
  UIDVALIDITY_UNSTABLE: 'the server claims to have renumbered the messages, but they are the same',
  UIDNEXT_DECREASED: RESTORED,
  HIGHESTMODSEQ_DECREASED: RESTORED,
  UIDS_REASSIGNED: RESTORED,
  FIRST_HIGHESTMODSEQ: 'the server now numbers its changes, so everything was compared once',
  NO_HIGHESTMODSEQ: 'the server does not number its changes, so messages were compared with what is stored',
  HIGHESTMODSEQ_INCREASED: 'changes since the last sync',
  HIGHESTMODSEQ_UNCHANGED: 'no changes since the last sync, according to the server',
  FULL_SYNC_REQUESTED: 'full comparison, as requested',
  FIRST_COMPARISON: 'first comparison of everything',
  DAILY_COMPARISON: 'daily comparison of everything',
};

/** Puts a plan reason into words. Runs of earlier versions hold a sentence, which is shown as it is. */
export const planInWords = (reason: string): string => (PLANS as Record<string, string | undefined>)[reason] ?? reason;

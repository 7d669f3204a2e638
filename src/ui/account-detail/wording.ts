import type { SyncGapReason, SyncProof } from '../../generated/gql/graphql.ts';
import { humanize } from '../parts/format.ts';

/** Texts for the service's IMAP terms, for users who do not know IMAP. */

export const PROOFS: Record<SyncProof, string> = {
  UID_SET: 'message by message',
  COUNT: 'changes applied, counts equal',
  STATUS: 'unchanged, according to the server',
};

const GAPS: Record<SyncGapReason, string> = {
  EXPUNGED_MEANWHILE: 'deleted on the server before it could be fetched',
  MAILBOX_BREAKS: 'the server disconnects or hangs when this mailbox is read; a later sync retries',
  MAILBOX_GONE: 'the mailbox disappeared during the sync',
  MAILBOX_REFUSED: 'the server refuses access to the mailbox',
  NOT_EQUAL: 'the stored messages differ from those that the server lists',
  NOT_FETCHED: 'not fetched in this run',
  NOT_SERVED: 'the server lists it but does not deliver it',
  NOT_STORABLE: 'the database cannot store it',
  NO_UIDVALIDITY: 'the server does not guarantee that its message numbers stay valid',
  SERVER_CONTRADICTS_ITSELF: 'the server reports a different number of messages than it lists',
  TOO_LARGE: 'larger than this installation stores: only the header is stored',
};

/** Puts a gap reason into words. Codes of later versions are shown in lower case. */
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

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

const RESTORED = 'it seems to be restored from a backup: compared anew';
const PLANS: Record<string, string> = {
  'MAILBOXID changed: another mailbox has this name now': 'another mailbox has this name now',
  'UIDVALIDITY changed': 'the server numbers its messages anew',
  'UIDVALIDITY changed once more, but no message': 'the server numbers its messages anew, but they are the same',
  'UIDNEXT went back: a restored mailbox': RESTORED,
  'HIGHESTMODSEQ went back: a restored mailbox': RESTORED,
  'UIDs name other messages than before: a restored mailbox': RESTORED,
  'first pass with mod-sequences': 'the server numbers its changes from now on: compared once',
  'no mod-sequences here': 'the server does not number its changes: compared with what is stored',
  'changes since the cursor': 'what changed since the last sync',
  'same HIGHESTMODSEQ': 'the server says that nothing changed',
};

/** Why a mailbox was synced the way it was (`sync/plan.ts`). */
export const planInWords = (reason: string): string => PLANS[reason] ?? reason;

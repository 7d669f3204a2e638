/** Why a pass over a mailbox does what it does. Stored with the run; earlier versions stored an English sentence. */
export const PLAN_REASONS = {
  FIRST_SYNC: 'The mailbox has not been synced before.',
  MAILBOXID_CHANGED: 'MAILBOXID changed: another mailbox has the name now.',
  UIDVALIDITY_CHANGED: 'UIDVALIDITY changed: everything is enumerated again.',
  UIDVALIDITY_UNSTABLE: 'UIDVALIDITY changed again, but the UIDs still name the same messages.',
  UIDNEXT_DECREASED: 'UIDNEXT decreased, as in a mailbox restored from a backup: everything is compared.',
  HIGHESTMODSEQ_DECREASED: 'HIGHESTMODSEQ decreased, as in a mailbox restored from a backup: everything is compared.',
  UIDS_REASSIGNED: 'UIDs name other messages than before under the same UIDVALIDITY: everything is enumerated again.',
  FIRST_HIGHESTMODSEQ: 'The server reports mod-sequences for the first time: everything is compared once.',
  NO_HIGHESTMODSEQ: 'The server reports no mod-sequences: UIDs and flags are compared with what is stored.',
  HIGHESTMODSEQ_INCREASED: 'The server reports changes since the last pass.',
  HIGHESTMODSEQ_UNCHANGED: 'The server reports no changes since the last pass.',
  FULL_SYNC_REQUESTED: 'The run is a full sync: everything is compared.',
  FIRST_COMPARISON: 'Everything is compared for the first time.',
  DAILY_COMPARISON: 'Everything is compared once a day.',
} as const;
export type PlanReason = keyof typeof PLAN_REASONS;

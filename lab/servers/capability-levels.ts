/** The capabilities of a Dovecot (`startDovecot`), from which a sync has less and less help to find changes. */
export const CAPABILITY_LEVELS = [
  ['QRESYNC', undefined],
  ['CONDSTORE', 'IMAP4rev1 ENABLE IDLE UNSELECT UIDPLUS LIST-EXTENDED LIST-STATUS SPECIAL-USE MOVE CONDSTORE'],
  ['neither', 'IMAP4rev1 IDLE UIDPLUS NAMESPACE'],
] as const;

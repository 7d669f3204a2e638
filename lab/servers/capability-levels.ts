/** What a Dovecot is made to say that it can, so that changes must be found with less help (`startDovecot`). */
export const CAPABILITY_LEVELS = [
  ['QRESYNC', undefined],
  ['CONDSTORE', 'IMAP4rev1 ENABLE IDLE UNSELECT UIDPLUS LIST-EXTENDED LIST-STATUS SPECIAL-USE MOVE CONDSTORE'],
  ['neither', 'IMAP4rev1 IDLE UIDPLUS NAMESPACE'],
] as const;

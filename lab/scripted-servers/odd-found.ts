import type { OddServer } from './nonsense.ts';

const QRESYNC = 'IMAP4rev1 CONDSTORE QRESYNC ENABLE OBJECTID SPECIAL-USE NAMESPACE';

/** Servers on which the engine once failed, as the property test found them. */
export const FOUND: readonly OddServer[] = [
  // The sum of the STATUS counts is no int4: the run ended as INTERNAL.
  {
    world: { capability: 'IMAP4rev1', counts: [1, 1] },
    odd: [{ mailbox: 'Odd', message: 0, once: true, field: 'STATUS MESSAGES', value: '2147483648' }],
  },
  // Flags were compared in steps of 5000 UIDs, up to the last one, which took hours.
  {
    world: { capability: QRESYNC, counts: [2, 2] },
    odd: [{ mailbox: 'Odd', message: 0, once: true, field: 'SEARCH', value: '$& 4294967295' }],
  },
  // NUL as the delimiter of names: the run ended as INTERNAL.
  {
    world: { capability: 'IMAP4rev1 CONDSTORE ENABLE', counts: [1, 1] },
    odd: [{ mailbox: 'INBOX', message: 0, once: false, field: 'LIST delimiter', value: '"\0"' }],
  },
  // The connection ends after the last row of INBOX: the next mailbox was blamed.
  {
    world: { capability: QRESYNC, counts: [3, 2] },
    odd: [{ mailbox: 'INBOX', message: 3, once: false, line: 'end of bytes', act: 'cut', noise: '*' }],
  },
];

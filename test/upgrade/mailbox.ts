import type { LaidDownMail } from '../../lab/mail/maildir.ts';
import type { Dovecot } from '../../lab/servers/dovecot.ts';

/** The mailbox of the recorded run. It is laid down again for each test, byte for byte, with the same UIDs and dates. */
export const USER = 'upgraded';
export const API_KEY = `mt_test_${'u'.repeat(43)}`;

/** UIDVALIDITY of each mailbox. */
const VALIDITY = { Archive: 1_700_000_001, INBOX: 1_700_000_002 };

/** What the account had synced before the recorded run. */
export async function layDownArchive(server: Dovecot): Promise<void> {
  server.addUser(USER, { Archive: letters(0, 8) });
  for (const [path, validity] of Object.entries(VALIDITY)) {
    await server.doveadm('mailbox', 'update', '-u', USER, '--uid-validity', String(validity), path);
  }
}

/** What the recorded run finds: new messages, a changed flag, a deleted message. */
export async function changeMailbox(server: Dovecot): Promise<void> {
  server.deliver(USER, 'INBOX', letters(8, 58));
  await server.doveadm('flags', 'add', '-u', USER, '\\Flagged', 'mailbox', 'Archive', 'uid', '3');
  await server.doveadm('expunge', '-u', USER, 'mailbox', 'Archive', 'uid', '5');
}

/** Threads of four letters: plain text, HTML with a remote image, an attachment, and no From but a Sender. */
function letters(from: number, to: number): LaidDownMail[] {
  return Array.from({ length: to - from }, (_, i) => letter(from + i));
}

const BODIES = [
  ['Content-Type: text/plain; charset=utf-8', '', 'Grüße aus Köln'],
  ['Content-Type: text/html', '', '<p>Hello <img src="https://example.com/a.png"></p>'],
  [
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '',
    'With a file.',
    '--b',
    'Content-Disposition: attachment; filename=plan.txt',
    '',
    'The plan.',
    '--b--',
  ],
  ['', 'Short.'],
];

function letter(n: number): LaidDownMail {
  const first = n - (n % 4);
  const lines = [
    `${n % 4 === 3 ? 'Sender' : 'From'}: Writer ${n} <writer-${n}@example.com>`,
    'To: reader@example.com',
    `Date: Mon, 2 Mar 2026 09:${String(n).padStart(2, '0')}:00 +0000`,
    `Message-ID: <${n}@upgraded.example>`,
    ...(n === first ? [] : [`References: <${first}@upgraded.example>`]),
    `Subject: Letter ${first}`,
    ...BODIES[n % 4]!,
    '',
  ];
  return {
    bytes: Buffer.from(lines.join('\r\n')),
    flags: n % 2 === 0 ? ['\\Seen'] : [],
    internalDate: new Date(Date.UTC(2026, 2, 3, 9, n)),
  };
}

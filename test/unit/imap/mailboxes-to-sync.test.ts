import { expect, test } from 'vitest';
import type { ListedMailbox } from '../../../src/domain/imap-types.ts';
import { mailboxesToSync } from '../../../src/imap/mailboxes-to-sync.ts';

const mailbox = (path: string, specialUse: string | null = null, selectable = true): ListedMailbox => ({
  path,
  rawName: path,
  delimiter: '/',
  specialUse,
  selectable,
  status: null,
});
const paths = (mailboxes: ListedMailbox[], isGmail = false) =>
  mailboxesToSync(mailboxes, { isGmail }).map(({ path }) => path);

const gmail = [
  mailbox('INBOX', '\\Inbox'),
  mailbox('Work'),
  mailbox('[Gmail]', null, false),
  mailbox('[Gmail]/Papierkorb', '\\Trash'),
  mailbox('[Gmail]/Spam', '\\Junk'),
  mailbox('[Gmail]/Gesendet', '\\Sent'),
  mailbox('[Gmail]/Alle Nachrichten', '\\All'),
];

test('INBOX is first, mailboxes that users rarely open are last', () => {
  const mailboxes = [
    mailbox('Trash', '\\Trash'),
    mailbox('Spam', '\\Junk'),
    mailbox('b'),
    mailbox('a'),
    mailbox('Sent', '\\Sent'),
    mailbox('All', '\\All'),
    mailbox('INBOX'),
  ];
  expect(paths(mailboxes)).toEqual(['INBOX', 'All', 'Sent', 'a', 'b', 'Spam', 'Trash']);
});

test('mailboxes that cannot be selected are omitted', () => {
  expect(paths([mailbox('Archive', null, false), mailbox('Archive/2026')])).toEqual(['Archive/2026']);
});

test('of Gmail, only the mailboxes that hold each message once', () => {
  expect(paths(gmail, true)).toEqual(['[Gmail]/Alle Nachrichten', '[Gmail]/Spam', '[Gmail]/Papierkorb']);
});

test('of a Gmail without All Mail, every mailbox', () => {
  const hidden = gmail.filter(({ specialUse }) => specialUse !== '\\All');
  expect(paths(hidden, true)).toEqual(['INBOX', '[Gmail]/Gesendet', 'Work', '[Gmail]/Spam', '[Gmail]/Papierkorb']);
});

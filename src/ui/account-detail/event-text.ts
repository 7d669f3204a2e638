import { isolated } from '../parts/bidi.ts';
import { bytes, number } from '../parts/format.ts';
import { gapInWords } from './wording.ts';

type MailboxUid = { mailbox: string; uid: number };

/** Returns an event's payload as a phrase. Events of later versions are shown as JSON. */
export function describeEvent(type: string, payload: unknown): string {
  const fact = payload as Record<string, unknown>;
  const at = (place: unknown) => `${isolated((place as MailboxUid).mailbox)}, UID ${(place as MailboxUid).uid}`;
  switch (type) {
    case 'account_connected':
      return `${String(fact['emailAddress'])} at ${String(fact['imapHost'])}`;
    case 'account_reconnected':
      return `at ${String(fact['imapHost'])}`;
    case 'account_paused':
    case 'account_resumed':
      return '';
    case 'account_needs_auth':
      return String(fact['errorCode']);
    case 'mailbox_created':
    case 'mailbox_deleted':
    case 'mailbox_reset':
      return isolated(String(fact['path']));
    case 'mailbox_renamed':
      return `${isolated(String(fact['previousPath']))} → ${isolated(String(fact['path']))}`;
    case 'email_received':
      return `${at(fact)}, ${bytes(fact['size'] as number)}`;
    case 'email_copied':
    case 'email_deleted':
      return at(fact);
    case 'email_moved':
      return `${at(fact['from'])} → ${at(fact['to'])}`;
    case 'email_quarantined':
      return `${at(fact)}: ${gapInWords(String(fact['reason']))}`;
    case 'email_flags_changed':
      return `${at(fact)}: ${flagChanges(fact['previousFlags'] as string[], fact['flags'] as string[])}`;
    case 'sync_succeeded':
    case 'sync_cancelled':
    case 'sync_failed':
      return runText(fact);
    default:
      return JSON.stringify(payload);
  }
}

const flagChanges = (before: readonly string[], after: readonly string[]): string =>
  [
    ...after.filter((flag) => !before.includes(flag)).map((flag) => `+${flag}`),
    ...before.filter((flag) => !after.includes(flag)).map((flag) => `−${flag}`),
  ].join(' ');

function runText({ stats, errorCode }: Record<string, unknown>): string {
  const { messagesCreated, messagesUpdated, messagesDeleted } = stats as Record<string, number>;
  const counts = `${number(messagesCreated!)} new, ${number(messagesUpdated!)} changed, ${number(messagesDeleted!)} deleted`;
  return typeof errorCode === 'string' ? `${errorCode}; ${counts}` : counts;
}

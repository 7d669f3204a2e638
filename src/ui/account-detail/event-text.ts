import type { EventType } from '../../generated/gql/graphql.ts';
import { isolated } from '../parts/bidi.ts';
import { bytes, number } from '../parts/format.ts';
import { gapInWords } from './wording.ts';

type Payload = Readonly<Record<string, unknown>>;
type MailboxUid = { mailbox: string; uid: number };

/** An event's payload as a phrase, for each type of event, in the order in which users choose among them. */
const TEXTS: Record<EventType, (payload: Payload) => string> = {
  email_received: (payload) => `${at(payload)}, ${bytes(payload['size'] as number)}`,
  email_flags_changed: (payload) =>
    `${at(payload)}: ${flagChanges(payload['previousFlags'] as string[], payload['flags'] as string[])}`,
  email_moved: (payload) => `${at(payload['from'])} → ${at(payload['to'])}`,
  email_copied: at,
  email_deleted: at,
  email_quarantined: (payload) => `${at(payload)}: ${gapInWords(String(payload['reason']))}`,
  mailbox_created: path,
  mailbox_renamed: (payload) => `${isolated(String(payload['previousPath']))} → ${path(payload)}`,
  mailbox_deleted: path,
  mailbox_reset: path,
  sync_succeeded: runText,
  sync_failed: runText,
  sync_cancelled: runText,
  account_connected: (payload) => `${String(payload['emailAddress'])} at ${String(payload['imapHost'])}`,
  account_reconnected: (payload) => `at ${String(payload['imapHost'])}`,
  account_needs_auth: (payload) => String(payload['errorCode']),
  account_paused: () => '',
  account_resumed: () => '',
};

export const EVENT_TYPES = Object.keys(TEXTS) as readonly EventType[];

/** Returns an event's payload as a phrase. A payload of a type that this page does not know yet is shown as JSON. */
export function describeEvent(type: string, payload: unknown): string {
  return Object.hasOwn(TEXTS, type) ? TEXTS[type as EventType](payload as Payload) : JSON.stringify(payload);
}

function at(place: unknown): string {
  const { mailbox, uid } = place as MailboxUid;
  return `${isolated(mailbox)}, UID ${uid}`;
}

function path(payload: Payload): string {
  return isolated(String(payload['path']));
}

const flagChanges = (before: readonly string[], after: readonly string[]): string =>
  [
    ...after.filter((flag) => !before.includes(flag)).map((flag) => `+${flag}`),
    ...before.filter((flag) => !after.includes(flag)).map((flag) => `−${flag}`),
  ].join(' ');

function runText({ stats, errorCode }: Payload): string {
  const { messagesCreated, messagesUpdated, messagesDeleted } = stats as Record<string, number>;
  const counts = `${number(messagesCreated!)} new, ${number(messagesUpdated!)} changed, ${number(messagesDeleted!)} deleted`;
  return typeof errorCode === 'string' ? `${errorCode}; ${counts}` : counts;
}

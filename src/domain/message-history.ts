/** What can happen to a message. Facts of the same moment are sorted in this order. */
export const FACT_KINDS = {
  SEEN: 'A run found it listed by the server.',
  FETCHED: 'Its bytes were fetched and stored.',
  DEDUPLICATED: 'Its bytes were already stored: the same message is also in another mailbox.',
  RECOGNISED: 'It was recognised as a message that left another mailbox.',
  QUARANTINED: 'Its bytes could not be fetched or stored. It was quarantined, to be retried later.',
  FLAGS_CHANGED: 'Its flags changed.',
  MOVED: 'It moved to another mailbox.',
  RENUMBERED: 'The server changed the UIDVALIDITY of its mailbox, so this UID is no longer valid.',
  EXPUNGED_UNFETCHED: 'It was deleted on the server before its bytes were fetched.',
  DELETED: 'It was deleted on the server.',
} as const;
export type FactKind = keyof typeof FACT_KINDS;

export interface MessageFact {
  readonly at: Date;
  readonly kind: FactKind;
  readonly mailboxId: string;
  /** Path of the mailbox: its present one, or that of the time of the event. */
  readonly mailbox: string;
  readonly uid: bigint;
  readonly detail: string | null;
}

/** A `message_location` row of the message. */
export interface HistoryLocation {
  readonly mailboxId: string;
  readonly mailbox: string;
  readonly uid: bigint;
  readonly messageId: string | null;
  readonly firstListedAt: Date | null;
  readonly storedAt: Date | null;
  readonly deletedAt: Date | null;
}

/** An event of the account's timeline that names the message or its location (src/timeline/schemas.ts). */
export interface HistoryEvent {
  readonly type: string;
  readonly occurredAt: Date;
  readonly payload: unknown;
}

interface MailboxUid {
  readonly mailboxId: string;
  readonly mailbox: string;
  readonly uid: number;
}

/** Pure: returns the history of one message, oldest first, from its locations and events. */
export function historyOf(locations: readonly HistoryLocation[], events: readonly HistoryEvent[]): MessageFact[] {
  const announced = events.filter((event) => isAbout(event, locations)).flatMap(factsOfEvent);
  const isAnnounced = (kinds: readonly FactKind[], { mailboxId, uid }: HistoryLocation): boolean =>
    announced.some((fact) => kinds.includes(fact.kind) && fact.mailboxId === mailboxId && fact.uid === uid);
  const unannounced = locations.flatMap((location) => {
    const { mailboxId, mailbox, uid, firstListedAt, storedAt, deletedAt, messageId } = location;
    const fact = (kind: FactKind, at: Date | null): MessageFact[] =>
      at ? [{ kind, at, mailboxId, mailbox, uid, detail: null }] : [];
    return [
      ...fact('SEEN', firstListedAt),
      ...(isAnnounced(['FETCHED', 'DEDUPLICATED'], location) ? [] : fact('RECOGNISED', storedAt)),
      ...(messageId === null ? fact('EXPUNGED_UNFETCHED', deletedAt) : []),
      ...(messageId === null || isAnnounced(['DELETED', 'MOVED'], location) ? [] : fact('RENUMBERED', deletedAt)),
    ];
  });
  const kinds = Object.keys(FACT_KINDS);
  return [...announced, ...unannounced].sort(
    (a, b) => a.at.getTime() - b.at.getTime() || kinds.indexOf(a.kind) - kinds.indexOf(b.kind),
  );
}

/** An event that names only a UID is about the message that had it then: after a reset, another message has it. */
function isAbout({ occurredAt, payload }: HistoryEvent, locations: readonly HistoryLocation[]): boolean {
  const { messageId, mailboxId, uid } = payload as MailboxUid & { messageId: string | null };
  if (messageId !== null) return true;
  return locations.some(
    (at) =>
      at.mailboxId === mailboxId &&
      at.uid === BigInt(uid) &&
      (at.firstListedAt === null || at.firstListedAt <= occurredAt) &&
      (at.deletedAt === null || at.deletedAt >= occurredAt),
  );
}

function factsOfEvent({ type, occurredAt: at, payload }: HistoryEvent): MessageFact[] {
  const named = payload as MailboxUid & Record<string, unknown>;
  const fact = (
    kind: FactKind,
    { mailboxId, mailbox, uid }: MailboxUid,
    detail: string | null = null,
  ): MessageFact[] => [{ at, kind, mailboxId, mailbox, uid: BigInt(uid), detail }];
  switch (type) {
    case 'email_received':
      return fact('FETCHED', named, `${String(named['size'])} bytes, SHA-256 ${String(named['sha256'])}`);
    case 'email_copied':
      return fact('DEDUPLICATED', named);
    case 'email_quarantined':
      return fact('QUARANTINED', named, `${String(named['reason'])}, attempt ${String(named['attempts'])}`);
    case 'email_flags_changed':
      return fact('FLAGS_CHANGED', named, `${list(named['previousFlags'])} to ${list(named['flags'])}`);
    case 'email_moved': {
      const { from, to } = named as unknown as { from: MailboxUid; to: MailboxUid };
      return fact('MOVED', from, `to ${to.mailbox}, UID ${to.uid}`);
    }
    case 'email_deleted':
      return fact('DELETED', named);
    default:
      return [];
  }
}

const list = (flags: unknown): string => `(${(flags as string[]).join(' ')})`;

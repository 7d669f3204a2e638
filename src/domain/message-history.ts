/** What can have happened to a message, in the order in which it happens at one moment. */
export const FACT_KINDS = {
  SEEN: 'A run found it listed by the server.',
  FETCHED: 'Its bytes were fetched and stored.',
  DEDUPLICATED: 'Its bytes were known already: it is one more place of the same message.',
  RECOGNISED: 'It was recognised as a message that left another place.',
  QUARANTINED: 'Its bytes could not be had, or not be stored: it was set aside, to be tried again.',
  FLAGS_CHANGED: 'Its flags are others.',
  MOVED: 'It left a place for another one.',
  RENUMBERED: 'The server gave its mailbox another UIDVALIDITY: this UID means nothing any more.',
  EXPUNGED_UNFETCHED: 'It was deleted on the server before its bytes were fetched.',
  DELETED: 'It was deleted on the server.',
} as const;
export type FactKind = keyof typeof FACT_KINDS;

export interface MessageFact {
  readonly at: Date;
  readonly kind: FactKind;
  readonly mailboxId: string;
  /** Path of the mailbox, at that time where it is an event. */
  readonly mailbox: string;
  readonly uid: bigint;
  readonly detail: string | null;
}

/** A place of the message, as its row says. */
export interface HistoryLocation {
  readonly mailboxId: string;
  readonly mailbox: string;
  readonly uid: bigint;
  readonly messageId: string | null;
  readonly firstListedAt: Date | null;
  readonly storedAt: Date | null;
  readonly deletedAt: Date | null;
}

/** An event of the account's timeline that names the message or its place (src/timeline/schemas.ts). */
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

/** Pure: the history of one message, oldest first, from its places and its events. */
export function historyOf(locations: readonly HistoryLocation[], events: readonly HistoryEvent[]): MessageFact[] {
  const told = events.filter((event) => isAbout(event, locations)).flatMap(factsOfEvent);
  const isTold = (kinds: readonly FactKind[], { mailboxId, uid }: HistoryLocation): boolean =>
    told.some((fact) => kinds.includes(fact.kind) && fact.mailboxId === mailboxId && fact.uid === uid);
  const untold = locations.flatMap((location) => {
    const { mailboxId, mailbox, uid, firstListedAt, storedAt, deletedAt, messageId } = location;
    const fact = (kind: FactKind, at: Date | null): MessageFact[] =>
      at ? [{ kind, at, mailboxId, mailbox, uid, detail: null }] : [];
    return [
      ...fact('SEEN', firstListedAt),
      ...(isTold(['FETCHED', 'DEDUPLICATED'], location) ? [] : fact('RECOGNISED', storedAt)),
      ...(messageId === null ? fact('EXPUNGED_UNFETCHED', deletedAt) : []),
      ...(messageId === null || isTold(['DELETED', 'MOVED'], location) ? [] : fact('RENUMBERED', deletedAt)),
    ];
  });
  const kinds = Object.keys(FACT_KINDS);
  return [...told, ...untold].sort(
    (a, b) => a.at.getTime() - b.at.getTime() || kinds.indexOf(a.kind) - kinds.indexOf(b.kind),
  );
}

/** What names a place only is about the message that was there then: after a reset the UID is another's. */
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
  const said = payload as MailboxUid & Record<string, unknown>;
  const fact = (
    kind: FactKind,
    { mailboxId, mailbox, uid }: MailboxUid,
    detail: string | null = null,
  ): MessageFact[] => [{ at, kind, mailboxId, mailbox, uid: BigInt(uid), detail }];
  switch (type) {
    case 'email_received':
      return fact('FETCHED', said, `${String(said['size'])} bytes, SHA-256 ${String(said['sha256'])}`);
    case 'email_copied':
      return fact('DEDUPLICATED', said);
    case 'email_quarantined':
      return fact('QUARANTINED', said, `${String(said['reason'])}, attempt ${String(said['attempts'])}`);
    case 'email_flags_changed':
      return fact('FLAGS_CHANGED', said, `${list(said['previousFlags'])} to ${list(said['flags'])}`);
    case 'email_moved': {
      const { from, to } = said as unknown as { from: MailboxUid; to: MailboxUid };
      return fact('MOVED', from, `to ${to.mailbox}, UID ${to.uid}`);
    }
    case 'email_deleted':
      return fact('DELETED', said);
    default:
      return [];
  }
}

const list = (flags: unknown): string => `(${(flags as string[]).join(' ')})`;

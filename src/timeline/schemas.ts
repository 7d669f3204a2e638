/**
 * The event types of an account's timeline and their payload schemas. Stored JSON outlives code: events are never
 * rewritten, and a reader needs the schema with which they were written, even years later. So a published schema never
 * changes, not even to be more lenient. Append a new version to the list of its type instead. A type that is no longer
 * written keeps its versions here.
 *
 * Ids are Mailtide's UUIDs. Numbers that can exceed 2^53 are decimal strings: RFC 8785 numbers are IEEE doubles.
 */
import { z } from 'zod';
import { isStorable } from '../domain/storable-text.ts';

const uuid = z.uuid();
const text = z.string().refine(isStorable, 'not storable text');
const bigInteger = z.string().regex(/^(0|[1-9][0-9]*)$/);
const count = z.int().nonnegative();
/** RFC 9051: a non-zero unsigned 32-bit number. */
const uid = z.int().min(1).max(0xffff_ffff);

const place = { mailboxId: uuid, mailbox: text, uidValidity: bigInteger, uid };

const finishedRun = {
  runId: uuid,
  mode: z.enum(['INCREMENTAL', 'FULL']),
  attempt: z.int().min(1),
  stats: z.strictObject({
    mailboxesSynced: count,
    messagesFetched: count,
    messagesCreated: count,
    messagesUpdated: count,
    messagesDeleted: count,
    eventsCreated: count,
    bytesDownloaded: bigInteger,
    durationMs: count,
  }),
};

/** The versions of each type, oldest first. The first is version 1; new events are written with the last. */
const SCHEMAS = {
  account_connected: [z.strictObject({ emailAddress: text, imapHost: text })],
  /** The server or the login of the account changed. */
  account_reconnected: [z.strictObject({ imapHost: text })],
  account_paused: [z.strictObject({})],
  account_resumed: [z.strictObject({})],
  /** The server rejected the credentials, so no login is attempted before they change. */
  account_needs_auth: [z.strictObject({ runId: uuid, errorCode: text })],
  mailbox_created: [z.strictObject({ mailboxId: uuid, path: text })],
  mailbox_renamed: [z.strictObject({ mailboxId: uuid, path: text, previousPath: text })],
  mailbox_deleted: [z.strictObject({ mailboxId: uuid, path: text })],
  /** The server changed the UIDVALIDITY of the mailbox, which invalidates every known UID. */
  mailbox_reset: [
    z.strictObject({ mailboxId: uuid, path: text, uidValidity: bigInteger, previousUidValidity: bigInteger }),
  ],
  /** A message whose bytes the account did not have before. */
  email_received: [
    z.strictObject({
      messageId: uuid,
      ...place,
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      size: count,
      receivedAt: z.iso.datetime({ precision: 3 }),
    }),
  ],
  /** A message whose bytes the account already has, in one more mailbox or at one more UID. */
  email_copied: [z.strictObject({ messageId: uuid, ...place })],
  email_moved: [z.strictObject({ messageId: uuid, from: z.strictObject(place), to: z.strictObject(place) })],
  /** The bytes could not be fetched or stored, after `attempts`. `messageId` is null unless the header is stored. */
  email_quarantined: [z.strictObject({ messageId: uuid.nullable(), ...place, reason: text, attempts: count })],
  /** The message left this mailbox. It may still be in others. */
  email_deleted: [z.strictObject({ messageId: uuid, ...place })],
  email_flags_changed: [
    z.strictObject({ messageId: uuid, ...place, flags: z.array(text), previousFlags: z.array(text) }),
  ],
  sync_succeeded: [z.strictObject(finishedRun)],
  sync_failed: [z.strictObject({ ...finishedRun, errorCode: text })],
  sync_cancelled: [z.strictObject(finishedRun)],
} as const satisfies Record<string, readonly [z.ZodType, ...z.ZodType[]]>;

export type EventType = keyof typeof SCHEMAS;
export const EVENT_TYPES = Object.keys(SCHEMAS) as EventType[];

/** An event to append, with its payload in the current version of its type. */
export type EventInput = { [T in EventType]: { readonly type: T; readonly payload: EventPayload<T> } }[EventType];
export type EventPayload<T extends EventType> = Frozen<z.infer<Last<(typeof SCHEMAS)[T]>>>;

type Last<List> = List extends readonly [...unknown[], infer Schema] ? Schema : never;
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** Returns the version with which new events of a type are written. */
export const currentVersion = (type: EventType): number => SCHEMAS[type].length;

/**
 * Checks a payload against the version in which new events of its type are written.
 * @throws ZodError: an event that violates its schema is a bug and must not reach the timeline
 */
export function checkPayload({ type, payload }: EventInput): void {
  SCHEMAS[type][currentVersion(type) - 1]!.parse(payload);
}

export interface EventSchema {
  readonly type: EventType;
  readonly version: number;
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
}

/** Returns all schemas with which events may have been written, as JSON Schema 2020-12. */
export function eventSchemas(): EventSchema[] {
  return EVENT_TYPES.flatMap((type) =>
    SCHEMAS[type].map((schema, index) => ({ type, version: index + 1, jsonSchema: z.toJSONSchema(schema) })),
  );
}

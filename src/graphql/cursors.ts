import { parsePrismaCursor } from '@pothos/plugin-prisma';
import { z } from 'zod';
import { isId } from '../domain/ids.ts';
import { decodePosition } from './message-cursor.ts';

const id = z.string().refine(isId);
const int32 = z.int32();
const int64 = z
  .bigint()
  .min(-(2n ** 63n))
  .max(2n ** 63n - 1n);
/** PostgreSQL has no text with U+0000. */
const text = z.string().refine((value) => !value.includes('\0'));

const ofRows =
  (shape: z.ZodType) =>
  (cursor: string): boolean => {
    try {
      return shape.safeParse(parsePrismaCursor(cursor)).success;
    } catch {
      return false;
    }
  };

function isPosition(cursor: string): boolean {
  try {
    decodePosition(cursor);
    return true;
  } catch {
    return false;
  }
}

/** Which cursors are a place in which list, by type and field. A list that is missing here takes none. */
const CURSORS: Readonly<Record<string, (cursor: string) => boolean>> = {
  'EmailAccount.mailboxes': ofRows(id),
  'Mailbox.locations': ofRows(z.tuple([id, int32, int64])),
  'Query.emailAccounts': ofRows(id),
  'Query.events': ofRows(z.tuple([id, int64])),
  'Query.messages': isPosition,
  'Query.syncRuns': ofRows(id),
  'SyncRun.mailboxes': ofRows(z.tuple([id, text])),
  'Thread.messages': ofRows(id),
};

/** Whether a cursor could be of this list: another list's would be a fault of the database's, not of the caller's. */
export const isCursorOf = (type: string, field: string, cursor: string): boolean =>
  CURSORS[`${type}.${field}`]?.(cursor) ?? false;

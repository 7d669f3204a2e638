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
/** PostgreSQL cannot store U+0000 in a text. */
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

/** Checks the cursors of each list, by type and field. A list that is missing here accepts no cursor. */
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

/**
 * Checks whether a cursor can belong to this list. Without this check, the cursor of another list would cause a
 * database error, which is reported as an internal one.
 */
export const isCursorOf = (type: string, field: string, cursor: string): boolean =>
  CURSORS[`${type}.${field}`]?.(cursor) ?? false;

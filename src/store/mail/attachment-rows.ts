import { newId } from '../../domain/ids.ts';
import type { ParsedAttachment } from '../../domain/parsed-message.ts';

export interface AttachmentRow extends ParsedAttachment {
  readonly id: string;
  readonly index: number;
}

/** How the old row of an attachment is found, in this order: all fields equal, then probably the same bytes. */
const SAME: readonly ((row: ParsedAttachment, parsed: ParsedAttachment) => boolean)[] = [
  (row, parsed) =>
    row.size === parsed.size &&
    row.filename === parsed.filename &&
    row.contentType === parsed.contentType &&
    row.contentId === parsed.contentId,
  (row, parsed) => row.size === parsed.size && row.contentType === parsed.contentType,
  (row, parsed) => row.size === parsed.size && row.filename === parsed.filename,
  (row, parsed) => row.filename !== null && row.filename === parsed.filename && row.contentType === parsed.contentType,
];

/**
 * Pure: returns the rows of a message's attachments after it was parsed again. An attachment that existed before keeps
 * its id, which clients hold, even if its name, type or index has changed.
 * @returns null if nothing changes
 */
export function attachmentRows(
  before: readonly AttachmentRow[],
  parsed: readonly ParsedAttachment[],
): AttachmentRow[] | null {
  const left = [...before];
  const ids: (string | undefined)[] = parsed.map(() => undefined);
  for (const isSame of SAME) {
    for (const [i, attachment] of parsed.entries()) {
      if (ids[i] !== undefined) continue;
      const found = left.findIndex((row) => isSame(row, attachment));
      if (found >= 0) ids[i] = left.splice(found, 1)[0]!.id;
    }
  }
  const rows = parsed.map((attachment, index) => ({ ...attachment, id: ids[index] ?? newId(), index }));
  const isUnchanged = rows.length === before.length && rows.every((row) => before.some((old) => isEqual(old, row)));
  return isUnchanged ? null : rows;
}

const isEqual = (one: AttachmentRow, other: AttachmentRow): boolean =>
  one.id === other.id &&
  one.index === other.index &&
  one.filename === other.filename &&
  one.contentType === other.contentType &&
  one.size === other.size &&
  one.contentId === other.contentId &&
  one.isInline === other.isInline;

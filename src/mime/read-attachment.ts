import { type LetterAttachment, readLetter } from './letter.ts';
import { packBytes } from './packed-bytes.ts';
import { readMessageParts } from './read-parts.ts';

/** The stored columns of an attachment, by which it is found again in the message. */
export interface StoredAttachment {
  /** Index in the list that the parser returned when the message was stored. */
  readonly index: number;
  readonly filename: string | null;
  readonly contentType: string;
  /** In bytes. */
  readonly size: number;
}

export interface AttachmentContent {
  readonly filename: string | null;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** Returns the attachments of a message in the parser's order. */
export async function listAttachments(source: Buffer): Promise<readonly LetterAttachment[]> {
  return readLetter((await readMessageParts(source)).root).attachments;
}

/** Returns the bytes of a stored attachment; null if the message has no such attachment. */
export async function readAttachment(source: Buffer, stored: StoredAttachment): Promise<AttachmentContent | null> {
  const found = match(await listAttachments(source), stored);
  return found && { filename: found.filename, content: packBytes([...found.pieces()]).bytes };
}

/**
 * Finds the stored attachment. Nearly always it is at its index. In a row of an earlier parser version that is not
 * parsed again yet, the index may differ. Then it is the one with the same size and type, preferably with the same
 * name.
 */
function match(list: readonly LetterAttachment[], { index, filename, contentType, size }: StoredAttachment) {
  const isNamed = (attachment: LetterAttachment): boolean => attachment.filename === filename;
  const isSame = (attachment: LetterAttachment): boolean =>
    attachment.contentType === contentType && attachment.size() === size;
  const expected = list[index];
  if (expected && isSame(expected)) return expected;
  return list.find((other) => isNamed(other) && isSame(other)) ?? list.find(isSame) ?? list.find(isNamed) ?? null;
}

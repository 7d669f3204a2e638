import { type LetterAttachment, readLetter } from './letter.ts';
import { packBytes } from './packed-bytes.ts';
import { readMessageParts } from './read-parts.ts';

/** What is stored of an attachment: how it is found again in the message. */
export interface StoredAttachment {
  /** Position in the list that the parser gave when the message was stored. */
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

/** The attachments of a message, as parsing it lists them. */
export async function listAttachments(source: Buffer): Promise<readonly LetterAttachment[]> {
  return readLetter((await readMessageParts(source)).root).attachments;
}

/** The bytes of a stored attachment; null when the message has no such attachment. */
export async function readAttachment(source: Buffer, stored: StoredAttachment): Promise<AttachmentContent | null> {
  const found = match(await listAttachments(source), stored);
  return found && { filename: found.filename, content: packBytes([...found.pieces()]).bytes };
}

/**
 * The attachment that is meant. Nearly always it is at its index. A row that an earlier version of the parser wrote, and
 * that is not parsed again yet, may count differently: then it is the one of the same size and type, by its name first.
 */
function match(list: readonly LetterAttachment[], { index, filename, contentType, size }: StoredAttachment) {
  const isNamed = (attachment: LetterAttachment): boolean => attachment.filename === filename;
  const isSame = (attachment: LetterAttachment): boolean =>
    attachment.contentType === contentType && attachment.size() === size;
  const there = list[index];
  if (there && isSame(there)) return there;
  return list.find((other) => isNamed(other) && isSame(other)) ?? list.find(isSame) ?? list.find(isNamed) ?? null;
}

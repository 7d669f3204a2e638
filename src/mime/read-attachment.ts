import { toStorable } from '../domain/storable-text.ts';
import { readHeaderFields } from './header-fields.ts';
import { runMailParser } from './mail-parser.ts';
import { packBytes } from './packed-bytes.ts';

export interface AttachmentContent {
  readonly filename: string | null;
  readonly contentType: string;
  /** Without angle brackets, as `cid:` URLs name it. */
  readonly contentId: string | null;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** The attachment at `index` of the list that parsing the same source gave; null when there is none. */
export async function readAttachment(source: Buffer, index: number): Promise<AttachmentContent | null> {
  const [found = null] = await readAttachments(source, (_, position) => position === index);
  return found;
}

/** The attachments that are `wanted`, in the order of the list that parsing the same source gave. */
export async function readAttachments(
  source: Buffer,
  wanted: (attachment: Omit<AttachmentContent, 'content'>, index: number) => boolean,
): Promise<AttachmentContent[]> {
  const { values, end } = readHeaderFields(source);
  const found: AttachmentContent[] = [];
  let next = 0;
  await runMailParser(values, source.subarray(end), (part) => {
    const about = {
      filename: part.filename ? toStorable(part.filename) : null,
      contentType: toStorable(part.contentType),
      contentId: part.cid ? toStorable(part.cid) : null,
    };
    if (!wanted(about, next++)) {
      part.content.resume();
      return;
    }
    const chunks: Buffer[] = [];
    part.content.on('data', (chunk: Buffer) => chunks.push(chunk));
    part.content.once('end', () => found.push({ ...about, content: packBytes(chunks).bytes }));
  });
  return found;
}

import { toStorable } from '../domain/storable-text.ts';
import { readHeaderFields } from './header-fields.ts';
import { runMailParser } from './mail-parser.ts';
import { packBytes } from './packed-bytes.ts';

export interface AttachmentContent {
  readonly filename: string | null;
  readonly contentType: string;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** The attachment at `index` of the list that parsing the same source gave; null when there is none. */
export async function readAttachment(source: Buffer, index: number): Promise<AttachmentContent | null> {
  const { values, end } = readHeaderFields(source);
  let found: AttachmentContent | null = null;
  let next = 0;
  await runMailParser(values, source.subarray(end), (part) => {
    if (next++ !== index) {
      part.content.resume();
      return;
    }
    const chunks: Buffer[] = [];
    part.content.on('data', (chunk: Buffer) => chunks.push(chunk));
    part.content.once('end', () => {
      found = {
        filename: part.filename ? toStorable(part.filename) : null,
        contentType: toStorable(part.contentType),
        content: packBytes(chunks).bytes,
      };
    });
  });
  return found;
}

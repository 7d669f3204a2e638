import { finished, Readable } from 'node:stream';
import { type MimeNode, Splitter } from '@zone-eu/mailsplit';

/** A part as it is in the message. The bytes are views of the source, not copies. */
export interface RawPart {
  readonly node: MimeNode;
  readonly children: RawPart[];
  /** The encoded body of a leaf, or all that is between the parts of a multipart. */
  readonly body: Buffer[];
  /** What precedes the first part of a multipart. */
  readonly preamble: Buffer[];
}

export interface SplitParts {
  /** Null if the header could not be read. */
  readonly root: RawPart | null;
  readonly count: number;
  /** What ended the splitting early; the parts found before are included. */
  readonly error: Error | null;
}

/** Splits a body into its parts by the boundaries that the headers declare. Never rejects. */
export function splitParts(header: string, body: Buffer, maxParts: number): Promise<SplitParts> {
  return new Promise((resolve) => {
    const known = new Map<unknown, RawPart>();
    let root: RawPart | null = null;
    const splitter = new Splitter({ ignoreEmbedded: true, maxChildNodes: maxParts });
    splitter.on('data', (chunk) => {
      if (chunk.type === 'node') {
        const part: RawPart = { node: chunk, children: [], body: [], preamble: [] };
        known.set(chunk, part);
        known.get(chunk.parentNode)?.children.push(part);
        root ??= part;
        return;
      }
      const part = known.get(chunk.node);
      if (!part || !chunk.value) return;
      part.body.push(chunk.value);
      if (chunk.type === 'data' && part.children.length === 0) part.preamble.push(chunk.value);
    });
    finished(splitter, (error) => resolve({ root, count: known.size, error: error ?? null }));
    splitter.write(Buffer.from(header));
    if (body.length <= SLICE) splitter.end(body);
    else Readable.from(slicesOf(body)).pipe(splitter);
  });
}

/** Bytes written at a time. Given a large body at once, the splitter would buffer a chunk object for each line. */
const SLICE = 256 * 1024;

function* slicesOf(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += SLICE) yield body.subarray(at, at + SLICE);
}

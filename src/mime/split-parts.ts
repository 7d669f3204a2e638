import { finished, Readable } from 'node:stream';
import { type MimeNode, Splitter } from '@zone-eu/mailsplit';

/** A part as it lies in the message. The bytes are views of the source: nothing is copied. */
export interface RawPart {
  readonly node: MimeNode;
  readonly children: RawPart[];
  /** Of a leaf its body, of a multipart all that lies between its parts. Still encoded. */
  readonly body: Buffer[];
  /** Of a multipart what comes before its first part. */
  readonly preamble: Buffer[];
}

export interface SplitParts {
  /** Null when the header could not be read. */
  readonly root: RawPart | null;
  readonly count: number;
  /** What ended the splitting early; the parts found until then are there. */
  readonly error: Error | null;
}

/** Splits a body into its parts by the boundaries that the header names. Never rejects. */
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

/** A large body goes in bit by bit: all at once, the splitter would buffer a chunk object for each of its lines. Bytes. */
const SLICE = 256 * 1024;

function* slicesOf(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += SLICE) yield body.subarray(at, at + SLICE);
}

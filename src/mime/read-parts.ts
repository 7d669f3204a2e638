import type { MimeNode } from '@zone-eu/mailsplit';
import { type HeaderFields, readHeaderFields } from './header-fields.ts';
import { guessedBoundary, lostPart, misplacedBody } from './lost-parts.ts';
import {
  fittingContentType,
  headerBlock,
  mediaType,
  type PartHeader,
  plainHeader,
  type TransferEncoding,
  transferEncoding,
} from './part-header.ts';
import { isMessage, isOpaque } from './part-types.ts';
import { rawFilename } from './raw-filename.ts';
import { signedContent } from './signed-content.ts';
import { type RawPart, splitParts } from './split-parts.ts';
import { decodedHead, decodedPieces } from './transfer-decoding.ts';

/** A part of a message as its header describes it. */
export interface MimePart {
  /** `type/subtype` in lower case. */
  readonly contentType: string;
  readonly charset: string | null;
  /** The parameters of text/plain that RFC 3676 defines. */
  readonly flowed: { readonly delSp: boolean } | null;
  readonly disposition: 'attachment' | 'inline' | null;
  readonly filename: string | null;
  readonly contentId: string | null;
  readonly contentLocation: string | null;
  readonly encoding: TransferEncoding;
  readonly children: readonly MimePart[];
  /** The encoded body, as views of the source; of a multipart, what precedes its first part. */
  readonly body: readonly Buffer[];
  /** The message in a message/rfc822, unless messages are nested too deeply. */
  readonly message: EmbeddedMessage | null;
}

export interface EmbeddedMessage {
  readonly header: HeaderFields;
  readonly root: MimePart;
}

export interface MessageParts extends EmbeddedMessage {
  /** Why parts are missing or unreadable. */
  readonly problems: readonly string[];
}

/** Most parts of a message in total, as the splitter counts them. */
const MAX_PARTS = 1000;
/** How deeply parts are split again: messages, signed content, repaired parts. Each level reads the bytes again. */
const MAX_LEVELS = 4;
/** Most bytes of an attached message that are read for its words. */
const MAX_EMBEDDED = 4 * 1024 * 1024;

/** Splits a message into its parts. Never rejects: what cannot be split is one part, and `problems` states why. */
export async function readMessageParts(source: Buffer): Promise<MessageParts> {
  const reading = new PartReading();
  const { header, root } = await reading.message(withLineFeeds(source), 0);
  return { header, root, problems: [...reading.problems] };
}

/** Converts the line ends of old Macs, which are CR alone. */
function withLineFeeds(source: Buffer): Buffer {
  if (source.includes(LF) || !source.includes(CR)) return source;
  return Buffer.from(source.toString('latin1').replaceAll('\r', '\n'), 'latin1');
}

/** Reads one message, and counts what is left of its limits. */
class PartReading {
  readonly problems = new Set<string>();
  #partsLeft = MAX_PARTS;
  /** Charset of the first text that declares one. */
  #charset: string | null = null;

  async message(source: Buffer, level: number): Promise<EmbeddedMessage> {
    const header = readHeaderFields(source);
    const rest = source.subarray(header.end);
    const body = rest.length > 0 ? rest : misplacedBody(source);
    return { header, root: await this.#entity(partHeaderOf(header), body, level) };
  }

  async #entity(header: PartHeader, body: Buffer, level: number): Promise<MimePart> {
    const contentType = fittingContentType(header.contentTypes, body);
    const { root, count, error } = await splitParts(headerBlock(header, contentType), body, this.#partsLeft);
    this.#partsLeft = Math.max(1, this.#partsLeft - count);
    if (error) this.problems.add(error.message);
    return root ? this.#part(root, header, level) : leaf(plainHeader('text/plain'), [body]);
  }

  /** @param given the header of the outermost part, of which the splitter has only seen one field of each name */
  async #part(raw: RawPart, given: PartHeader | null, level: number): Promise<MimePart> {
    const { node } = raw;
    const repeated = given === null && hasRepeats(node);
    if (node.multipart || repeated || (node.contentType || '').startsWith('multipart')) {
      if (raw.children.length > 0)
        return { ...described(node, given), children: await this.#children(raw, level), body: raw.preamble };
      const body = Buffer.concat(raw.body);
      const header = given ?? partHeaderOfNode(node);
      if (level < MAX_LEVELS && this.#partsLeft > 1 && (repeated || body.toString('latin1', 0, 200).trim() !== '')) {
        const another = repeated ? { header: once(header, body), body } : repaired(header, node, body);
        return this.#entity(another.header, another.body, level + 1);
      }
    }
    const body = raw.body.length > 0 || given ? raw.body : [misplacedBody(node.getHeaders())];
    this.#charset ??= node.charset || null;
    const filename = rawFilename(node.getHeaders(), this.#charset);
    const part = { ...described(node, given), ...(filename && { filename }), body };
    return level < MAX_LEVELS ? this.#opened(part, level) : part;
  }

  async #children(raw: RawPart, level: number): Promise<MimePart[]> {
    const children: MimePart[] = [];
    const lost = level < MAX_LEVELS ? lostPart(raw.preamble) : null;
    if (lost) {
      const { header, body } = lost;
      children.push(await this.#entity(partHeaderOf(header), body, level + 1));
    }
    for (const child of raw.children) children.push(await this.#part(child, null, level));
    return children;
  }

  /** Opens a leaf that contains parts: an attached message, or opaque S/MIME. */
  async #opened(part: MimePart, level: number): Promise<MimePart> {
    if (isMessage(part.contentType)) {
      const source = decodedHead(part.body, part.encoding, MAX_EMBEDDED);
      return { ...part, message: await this.message(source.subarray(0, MAX_EMBEDDED), level + 1) };
    }
    if (!isOpaque(part.contentType)) return part;
    const signed = signedContent(Buffer.concat([...decodedPieces(part.body, part.encoding)]));
    if (signed.content === null) {
      this.problems.add(signed.problem);
      return part;
    }
    const { root } = await this.message(signed.content, level + 1);
    return { ...part, contentType: 'multipart/mixed', children: [root], body: [] };
  }
}

/** Repairs a multipart without parts: its body is encoded, has another boundary, or is text. */
function repaired(header: PartHeader, node: MimeNode, body: Buffer): { header: PartHeader; body: Buffer } {
  const contentType = header.contentTypes[0] ?? '';
  const encoding = transferEncoding(header.encodings, () => body.toString('latin1', 0, 4096));
  if (encoding !== 'identity') {
    const decoded = Buffer.concat([...decodedPieces([body], encoding)]);
    if (decoded.length > 0) return { header: plainHeader(contentType, header), body: decoded };
  }
  const boundary = guessedBoundary(body);
  if (boundary !== null && boundary !== node._boundary.toString()) {
    const type = mediaType(node.contentType, null);
    return { header: plainHeader(`${type}; boundary="${boundary}"`, header), body };
  }
  return { header: plainHeader(HTML.test(body.toString('latin1', 0, 200)) ? 'text/html' : 'text/plain'), body };
}

const HTML = /^\s*<(?:!doctype html|html)\b/i;

const once = (header: PartHeader, body: Buffer): PartHeader => ({
  ...header,
  contentTypes: [fittingContentType(header.contentTypes, body)],
});

function described(node: MimeNode, given: PartHeader | null): MimePart {
  const filename = node.filename || null;
  const { disposition } = node;
  const header = node.headers || null;
  return {
    contentType: mediaType(node.contentType, filename),
    charset: node.charset || null,
    flowed: node.flowed ? { delSp: node.delSp } : null,
    // An unknown disposition means attachment (RFC 2183, 2.8).
    disposition: disposition ? (disposition === 'inline' ? 'inline' : 'attachment') : null,
    filename,
    contentId: unbracketed(given?.contentId ?? header?.getFirst('content-id')),
    contentLocation: (given?.contentLocation ?? header?.getFirst('content-location'))?.replace(/\s+/g, '') || null,
    encoding: transferEncoding(given?.encodings ?? [node.encoding || ''], () => ''),
    children: [],
    body: [],
    message: null,
  };
}

const leaf = (header: PartHeader, body: Buffer[]): MimePart => ({
  contentType: header.contentTypes[0] ?? 'text/plain',
  charset: null,
  flowed: null,
  disposition: null,
  filename: null,
  contentId: null,
  contentLocation: null,
  encoding: 'identity',
  children: [],
  body,
  message: null,
});

const unbracketed = (id: string | undefined): string | null => id?.trim().replace(/^<|>$/g, '').trim() || null;

function hasRepeats(node: MimeNode): boolean {
  let types = 0;
  for (const { key } of node.headers ? node.headers.getList() : []) if (key === 'content-type') types++;
  return types > 1;
}

function partHeaderOf({ values, repeats }: HeaderFields): PartHeader {
  const all = (name: 'content-type' | 'content-transfer-encoding') =>
    values.has(name) ? [values.get(name)!, ...(repeats.get(name) ?? [])] : [];
  return {
    contentTypes: all('content-type'),
    encodings: all('content-transfer-encoding'),
    disposition: values.get('content-disposition') ?? '',
    contentId: values.get('content-id') ?? '',
    contentLocation: values.get('content-location') ?? '',
  };
}

const partHeaderOfNode = (node: MimeNode): PartHeader => partHeaderOf(readHeaderFields(node.getHeaders()));

const LF = 0x0a;
const CR = 0x0d;

/** The content of an S/MIME message, or why it cannot be read. */
export type SignedContent = { readonly content: Buffer } | { readonly content: null; readonly problem: string };

/** Object identifiers of content types in DER: SignedData, EnvelopedData and AuthEnvelopedData (RFC 5652, RFC 5083). */
const SIGNED = '2a864886f70d010702';
const ENCRYPTED: ReadonlySet<string> = new Set(['2a864886f70d010703', '2a864886f70d0109100117']);

const UNREADABLE = 'the text is within S/MIME content that cannot be read';

/**
 * Extracts the content of a CMS SignedData (RFC 5652, 5.1), the format of opaque S/MIME signatures. It does not verify
 * the signature. It reads BER in a dozen lines, without an ASN.1 library: ContentInfo { oid, [0] SignedData { version,
 * digests, EncapsulatedContentInfo { oid, [0] OCTET STRING } } }.
 */
export function signedContent(bytes: Buffer): SignedContent {
  try {
    const [type, explicit] = elements(first(bytes));
    const oid = type!.value.toString('hex');
    if (ENCRYPTED.has(oid)) return { content: null, problem: 'the text is encrypted (S/MIME)' };
    if (oid !== SIGNED) return { content: null, problem: UNREADABLE };
    const [, , encapsulated] = elements(first(explicit!.value));
    const [, content] = elements(encapsulated!);
    return { content: octets(first(content!.value), 0) };
  } catch {
    return { content: null, problem: UNREADABLE };
  }
}

interface Element {
  readonly tag: number;
  readonly value: Buffer;
  /** Offset of the next one. */
  readonly end: number;
}

const first = (bytes: Buffer): Element => element(bytes, 0, 0);

function* elementsOf({ value }: Element): Generator<Element> {
  for (let at = 0; at < value.length; ) {
    const next = element(value, at, 0);
    yield next;
    at = next.end;
  }
}

/** Returns the first three elements; the others are not needed. */
function elements(parent: Element): Element[] {
  const found: Element[] = [];
  for (const next of elementsOf(parent)) if (found.push(next) === 3) break;
  return found;
}

const OCTET_STRING = 0x04;
const CONSTRUCTED = 0x20;
const MAX_NESTING = 10;

/** Returns the bytes of an OCTET STRING, which BER may split into pieces. */
function octets(string: Element, nesting: number): Buffer {
  if ((string.tag & ~CONSTRUCTED) !== OCTET_STRING || nesting > MAX_NESTING) throw new Error('no octet string');
  if ((string.tag & CONSTRUCTED) === 0) return string.value;
  return Buffer.concat([...elementsOf(string)].map((piece) => octets(piece, nesting + 1)));
}

/** Returns the element at an offset (X.690, 8.1). One of indefinite length ends with two zero bytes. */
function element(bytes: Buffer, at: number, nesting: number): Element {
  const tag = bytes.readUInt8(at);
  const short = bytes.readUInt8(at + 1);
  let start = at + 2;
  if (short === INDEFINITE) {
    if (nesting > MAX_NESTING) throw new Error('nested too deep');
    let end = start;
    while (bytes.readUInt16BE(end) !== 0) end = element(bytes, end, nesting + 1).end;
    return { tag, value: bytes.subarray(start, end), end: end + 2 };
  }
  let length = short;
  if (short > INDEFINITE) {
    length = bytes.readUIntBE(start, short & 0x7f);
    start += short & 0x7f;
  }
  if (start + length > bytes.length) throw new Error('cut off');
  return { tag, value: bytes.subarray(start, start + length), end: start + length };
}

const INDEFINITE = 0x80;

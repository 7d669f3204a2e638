import libmime from 'libmime';
import { typeOfName } from './part-types.ts';

/** The fields of a message's or part's header that describe its body; values are unfolded, otherwise as written. */
export interface PartHeader {
  /** All Content-Type fields; only one is allowed. */
  readonly contentTypes: readonly string[];
  /** All Content-Transfer-Encoding fields. */
  readonly encodings: readonly string[];
  readonly disposition: string;
  readonly contentId: string;
  readonly contentLocation: string;
}

export type TransferEncoding = 'base64' | 'quoted-printable' | 'uuencode' | 'identity';

/** Returns a header with this content type and no transfer encoding, for a body that is not encoded. */
export const plainHeader = (contentType: string, header?: PartHeader): PartHeader => ({
  disposition: '',
  contentId: '',
  contentLocation: '',
  ...header,
  contentTypes: [contentType],
  encodings: [],
});

/** Returns these fields as a header block for the splitter. */
export function headerBlock(header: PartHeader, contentType: string): string {
  const { encodings, disposition, contentId, contentLocation } = header;
  return [
    field('Content-Type', contentType),
    field('Content-Transfer-Encoding', encodings[0] ?? ''),
    field('Content-Disposition', disposition),
    field('Content-ID', contentId),
    field('Content-Location', contentLocation),
    '\r\n',
  ].join('');
}

const field = (name: string, value: string): string => (value ? `${name}: ${value.replace(/[\r\n]+/g, ' ')}\r\n` : '');

/**
 * Returns, of several Content-Type fields, the one that matches the body: the first multipart whose boundary is in it;
 * if none is, the first other type; else the first field.
 */
export function fittingContentType(contentTypes: readonly string[], body: Buffer): string {
  const [first = ''] = contentTypes;
  if (contentTypes.length < 2) return first;
  const fits = contentTypes.find((value) => isMultipart(value) && hasBoundary(body, boundaryOf(value)));
  return fits ?? contentTypes.find((value) => !isMultipart(value)) ?? first;
}

const isMultipart = (contentType: string): boolean => /^\s*multipart\b/i.test(contentType);

function boundaryOf(contentType: string): string {
  return libmime.parseHeaderValue(contentType, { stripComments: true }).params['boundary']?.trimEnd() ?? '';
}

function hasBoundary(body: Buffer, boundary: string): boolean {
  if (!boundary) return false;
  const line = `--${boundary}`;
  return body.subarray(0, line.length).toString('latin1') === line || body.includes(`\n${line}`);
}

/**
 * Returns the transfer encoding that is meant, whatever surrounds its name: quotes, a semicolon, a comment, parameters
 * (RFC 2045, 6.1, allows a bare token). With several fields, base64 counts if the body looks like it.
 */
export function transferEncoding(names: readonly string[], body: () => string): TransferEncoding {
  const [first = 'identity', ...others] = names.map(encodingNamed);
  if (others.every((other) => other === first)) return first;
  const all = new Set([first, ...others]);
  if (all.has('base64') && looksLikeBase64(body())) return 'base64';
  if (all.has('quoted-printable') && /=[0-9A-F]{2}|=\r?\n/.test(body())) return 'quoted-printable';
  return all.has('identity') || first === 'base64' ? 'identity' : first;
}

function encodingNamed(name: string): TransferEncoding {
  const written = name.includes('(') ? name.slice(0, name.indexOf('(')) + name.slice(name.lastIndexOf(')') + 1) : name;
  if (/base[-_ ]?64/i.test(written)) return 'base64';
  if (/quoted[-_ ]?print/i.test(written)) return 'quoted-printable';
  return /\buu(?:e\b|-?encode)/i.test(written) ? 'uuencode' : 'identity';
}

/** Returns whether the first line consists of the alphabet of base64. */
export function looksLikeBase64(body: string): boolean {
  const line = body
    .slice(0, 4096)
    .trimStart()
    .split(/[\r\n]/, 1)[0]!;
  return /^[\w+/=-][\w+/=\t -]*$/.test(line) && !/[\w+/-][\t ]+[\w+/-]/.test(line);
}

/** Returns `type/subtype` in lower case. `text` alone, or anything invalid, is text/plain (RFC 2045, 5.2). */
export function mediaType(written: string | false, filename: string | null): string {
  const type = (written || '').trim().toLowerCase();
  if (TYPE.test(type)) return type === 'application/octet-stream' ? (typeOfName(filename) ?? type) : type;
  if (/^(?:text\/)?html?$/.test(type)) return 'text/html';
  if (type.startsWith('multipart')) return 'multipart/mixed';
  return typeOfName(filename) ?? 'text/plain';
}

const TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/;

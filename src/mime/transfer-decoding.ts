import libbase64 from 'libbase64';
import libqp from 'libqp';
import type { TransferEncoding } from './part-header.ts';
import { uudecode } from './uuencode.ts';

/** Bytes decoded at a time, so that a huge attachment is never wholly in memory while it is only counted. */
const STEP = 512 * 1024;

/** Yields the decoded bytes of a body, piece by piece. */
export function* decodedPieces(body: readonly Buffer[], encoding: TransferEncoding): Generator<Buffer> {
  if (encoding === 'base64') yield* base64Pieces(body);
  else if (encoding === 'quoted-printable') yield* quotedPrintablePieces(body);
  else if (encoding === 'uuencode') yield uudecode(Buffer.concat(body));
  else yield* body;
}

/** Returns the size of a decoded body, in bytes. */
export function decodedSize(body: readonly Buffer[], encoding: TransferEncoding): number {
  let size = 0;
  for (const piece of decodedPieces(body, encoding)) size += piece.length;
  return size;
}

/** Returns the first decoded bytes of a body: at least `most`, if it has that many. */
export function decodedHead(body: readonly Buffer[], encoding: TransferEncoding, most: number): Buffer {
  const pieces: Buffer[] = [];
  let size = 0;
  for (const piece of decodedPieces(body, encoding)) {
    pieces.push(piece);
    size += piece.length;
    if (size >= most) break;
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

function* base64Pieces(body: readonly Buffer[]): Generator<Buffer> {
  let rest = '';
  for (const step of steps(body)) {
    const text = rest + step.toString('latin1').replace(/[^\w+/=-]+/g, '');
    // Four characters are three bytes; the count restarts after padding.
    const whole = text.length - ((text.length - 1 - text.lastIndexOf('=')) % 4);
    rest = text.slice(whole);
    if (whole > 0) yield libbase64.decode(text.slice(0, whole));
  }
  if (rest.length > 1) yield libbase64.decode(rest);
}

function* quotedPrintablePieces(body: readonly Buffer[]): Generator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for (const step of steps(body)) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, step]) : step;
    // Neither an escape nor a soft line break extends beyond the end of a line.
    const lineEnd = bytes.lastIndexOf(LF) + 1;
    const whole = lineEnd > 0 || bytes.length < STEP ? lineEnd : bytes.length;
    rest = bytes.subarray(whole);
    if (whole > 0) yield libqp.decode(bytes.subarray(0, whole));
  }
  if (rest.length > 0) yield libqp.decode(rest);
}

function* steps(body: readonly Buffer[]): Generator<Buffer> {
  for (const piece of body) for (let at = 0; at < piece.length; at += STEP) yield piece.subarray(at, at + STEP);
}

const LF = 0x0a;

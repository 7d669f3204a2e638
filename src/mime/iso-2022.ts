import { latin1 } from './latin1.ts';

/**
 * The seven-bit encodings of East Asia. No maintained library supports more of them than ISO-2022-JP. Node's decoders
 * of the eight-bit encodings of the same character sets map the characters. This module only switches between the sets.
 */

/** A two-byte character set: a decoder, and the byte that precedes the two bytes once their high bits are set. */
interface DoubleByteSet {
  readonly decoder: TextDecoder;
  readonly prefix?: number;
}

const JIS_X_0208: DoubleByteSet = { decoder: new TextDecoder('euc-jp') };
const JIS_X_0212: DoubleByteSet = { decoder: new TextDecoder('euc-jp'), prefix: 0x8f };
const GB_2312: DoubleByteSet = { decoder: new TextDecoder('gb18030') };
const KS_X_1001: DoubleByteSet = { decoder: new TextDecoder('euc-kr') };
const LATIN_1 = new TextDecoder('iso-8859-1');
const GREEK = new TextDecoder('iso-8859-7');
/** A set that no decoder of Node supports, such as CNS 11643. */
const UNKNOWN = 'unknown';

type CharacterSet = 'ascii' | 'roman' | 'kana' | typeof UNKNOWN | DoubleByteSet;

/** By the final byte of their escape sequences. JIS X 0213 is decoded as JIS X 0208, which it extends. */
const DOUBLE_BYTE: Readonly<Record<string, DoubleByteSet>> = {
  '@': JIS_X_0208,
  A: GB_2312,
  B: JIS_X_0208,
  C: KS_X_1001,
  D: JIS_X_0212,
  E: GB_2312,
  O: JIS_X_0208,
  Q: JIS_X_0208,
};
const ONE_BYTE: Readonly<Record<string, CharacterSet>> = { B: 'ascii', H: 'roman', I: 'kana', J: 'roman' };

const ESC = '\x1b';
const SHIFT_OUT = '\x0e';
const SHIFT_IN = '\x0f';

/** Designates a two-byte set. It only occurs in text in ISO 2022. */
const DESIGNATION = new RegExp(`${ESC}\\$(?:[@AB]|[()*+][@-Z])`);

/** Returns whether text is in an encoding of ISO 2022, whatever it is declared to be. */
export const hasIso2022Escapes = (ascii: string): boolean => DESIGNATION.test(ascii);

/** An escape sequence, a shift, or the end of a line, which ends a shift. */
const CONTROL = new RegExp(
  `${ESC}(?:\\$([@AB])|\\$([()*+])([@-Z])|\\(([@-Z])|\\.([AF])|N(.)|&@)|[${SHIFT_OUT}${SHIFT_IN}]|\\n`,
  'gs',
);

/**
 * Decodes ISO-2022-JP with its extensions 1, 2, 3 and those of Microsoft (RFC 1468, 2237, 1554), ISO-2022-KR (RFC
 * 1557), and the part of ISO-2022-CN (RFC 1922) that is in GB 2312.
 */
export function decodeIso2022(bytes: Uint8Array): string {
  const text = latin1(bytes);
  let unshifted: CharacterSet = 'ascii';
  // The only set of ISO-2022-KR, whose header line some senders omit.
  let shifted: CharacterSet = KS_X_1001;
  let high = LATIN_1;
  let isShifted = false;
  let decoded = '';
  let at = 0;
  for (const match of text.matchAll(CONTROL)) {
    const [control, two, into, twoInto, one, highSet, single] = match;
    decoded += inSet(text.slice(at, match.index), isShifted ? shifted : unshifted);
    at = match.index + control.length;
    if (control === SHIFT_OUT) isShifted = true;
    else if (control === SHIFT_IN) isShifted = false;
    else if (control === '\n') {
      isShifted = false;
      decoded += control;
    } else if (two) unshifted = DOUBLE_BYTE[two]!;
    else if (into === '(') unshifted = DOUBLE_BYTE[twoInto!] ?? UNKNOWN;
    else if (into === ')') shifted = DOUBLE_BYTE[twoInto!] ?? UNKNOWN;
    else if (one) unshifted = ONE_BYTE[one] ?? 'ascii';
    else if (highSet) high = highSet === 'A' ? LATIN_1 : GREEK;
    else if (single) decoded += high.decode(Uint8Array.of(single.charCodeAt(0) | 0x80));
  }
  return decoded + inSet(text.slice(at), isShifted ? shifted : unshifted);
}

/** Decodes HZ (RFC 1843): `~{` begins GB 2312, `~}` or the end of the line ends it. */
export function decodeHz(bytes: Uint8Array): string {
  const text = latin1(bytes);
  let set: CharacterSet = 'ascii';
  let decoded = '';
  let at = 0;
  for (const { 0: control, index } of text.matchAll(/~[{}~\n]|\n/g)) {
    decoded += inSet(text.slice(at, index), set);
    at = index + control.length;
    set = control === '~{' ? GB_2312 : 'ascii';
    if (control === '~~') decoded += '~';
    if (control === '\n') decoded += control;
  }
  return decoded + inSet(text.slice(at), set);
}

function inSet(text: string, set: CharacterSet): string {
  if (text === '' || set === 'ascii') return text;
  if (set === 'roman') return text.replaceAll('\\', '¥').replaceAll('~', '‾');
  if (set === 'kana') return text.replace(/[!-_]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) + KANA));
  if (set === UNKNOWN) return '\ufffd'.repeat(Math.ceil(text.length / 2));
  const bytes = new Uint8Array(text.length * 2);
  let end = 0;
  let isSecond = false;
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    const isCharacter = byte > 0x20 && byte < 0x7f;
    if (isCharacter && !isSecond && set.prefix) bytes[end++] = set.prefix;
    bytes[end++] = isCharacter ? byte | 0x80 : byte;
    isSecond = isCharacter && !isSecond;
  }
  return set.decoder.decode(bytes.subarray(0, end));
}

/** Half-width katakana begin at "!" in JIS X 0201, and at U+FF61 in Unicode. */
const KANA = 0xff61 - 0x21;

import iconv from 'iconv-lite';
import { decodeHz, decodeIso2022 } from './iso-2022.ts';

/** The charset of a label. */
export interface Charset {
  /**
   * `single` and `multi`: ASCII is ASCII, bytes from 0x80 are characters or parts of them. `sevenBit`: ASCII bytes may
   * mean something else and no other bytes occur. `wide`: units of two or four bytes.
   */
  readonly kind: 'single' | 'multi' | 'sevenBit' | 'wide';
  /** Replaces invalid bytes with U+FFFD. */
  readonly decode: (bytes: Uint8Array) => string;
}

/**
 * Returns the charset of a label in a header field or a `meta` element; null if the label promises no more than ASCII,
 * or is unknown. Accepts the labels of the WHATWG Encoding Standard, the names of iconv, and the ways in which mail
 * programs misspell them: quotes, a language suffix (RFC 2231, 5), a missing or a wrong separator.
 */
export function charsetOf(label: string | null): Charset | null {
  if (!label) return null;
  if (label.length > MAX_LABEL) return null;
  let charset = known.get(label);
  if (charset === undefined) {
    charset = resolve(label);
    // Senders choose labels, so the memory for them is limited.
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(label, charset);
  }
  return charset;
}

const known = new Map<string, Charset | null>();
const MAX_KNOWN = 200;
/** Longest label, in characters. The longest registered name has 45. */
const MAX_LABEL = 100;

/**
 * Labels that promise no more than ASCII. They include `ansi` and `ANSI_X3.4-1968`: text under these names is UTF-8 or
 * windows-1252 in practice, and ASCII text is both.
 */
const PROMISES_NOTHING =
  /^(?:x|cs)?(?:us|us.?ascii.*|ascii\d?|ansi|ansix34.*|isoir6|iso646(?:us|irv).*|[78]bit|binary|unknown.*|default|none|null|undefined|userdefined)?$/;

/** By the label in lower case without separators. `$1` is the captured group. The order matters: utf7 before utf. */
const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/^(?:x|cs)?(?:unicode\d*)?utf7/, 'utf-7'],
  [/^(?:x|cs)?(?:unicode\d*)?utf8|^cesu8|^utf$|^cp65001/, 'utf-8'],
  [/^(?:x|cs)?utf(16|32)(be|le)/, 'utf-$1$2'],
  [/^(?:x|cs)?utf(16|32)/, 'utf-$1'],
  [/^(?:cs)?unicode$|^(?:x|cs)?(?:iso10646)?ucs2/, 'utf-16'],
  [/^(?:x|cs)?(?:iso10646)?ucs4/, 'utf-32'],
  [/^(?:x|cs)?iso2022|^(?:x|cs)?(?:cp|windows)?5022\d|^jis[78]?$/, 'iso-2022'],
  [/^(?:x|cs)?hz/, 'hz'],
  [/shiftjis|^(?:x|cs)?(?:ms)?sjis|mskanji|windows31j|^(?:cp|ms|ibm|windows)?(?:932|943)/, 'shift_jis'],
  [/eucjp|eucpkdfmtjapanese|^ujis|^(?:cp)?51932/, 'euc-jp'],
  [/^(?:x|cn|cs|hz)*gb|euccn|^(?:cp|ms|windows)?(?:936|54936)$|^chinese/, 'gb18030'],
  [/big5|^(?:x|cs)?(?:cp|ms|windows)?950$/, 'big5'],
  [/euckr|ksc?5601|ksx1001|uhc$|^(?:x|cs)?(?:cp|ms|windows)?949$|^korean/, 'euc-kr'],
  [/^(?:x|cs)?(?:tis620|(?:cp|ibm|windows|dos)?874$|iso885911)/, 'windows-874'],
  [/^(?:x|cs)?(?:windows|win|cp|ms|ibm|ansi|microsoftcp)?(125[0-8])/, 'windows-$1'],
  [/^(?:x|cs)?(?:iso)?8859(1[03-6]|[1-9])/, 'iso-8859-$1'],
  [/^(?:x|cs)?(?:iso)?latin1|^(?:x|cs)?roman$/, 'windows-1252'],
  [/^(?:x|cs)?(?:iso)?latin([2-4])/, 'iso-8859-$1'],
  [/^(?:x|cs)?(?:iso)?latin5/, 'iso-8859-9'],
  [/^(?:x|cs)?(?:iso)?latin9/, 'iso-8859-15'],
  [/^(?:x|cs)?koi8t/, 'koi8t'],
  [/^(?:x|cs)?koi8r?u/, 'koi8-u'],
  [/^(?:x|cs)?koi8?/, 'koi8-r'],
  [/^(?:x|cs)?mac(?:intosh)?(?:roman|latin.*)?$/, 'macintosh'],
  [/^(?:x|cs)?mac(?:cyrillic|ukrain)/, 'x-mac-cyrillic'],
  [/^(?:x|cs)?mac(?:ce$|central|latin2)/, 'maccenteuro'],
  [/^(?:x|cs)?(mac(?:greek|turkish|croatian|iceland|romania|thai))/, '$1'],
  [/^(?:x|cs)?(?:cp|ibm|dos|oem|pc)?0*((?:4|7|8|9|10|11)\d{2})(?:multilingual|\D|$)/, 'cp$1'],
  [/^(?:x|cs)?(viscii|tcvn|hproman8|pt154|rk1048|armscii8|georgianps|georgianacademy|mik)/, '$1'],
];

function resolve(label: string): Charset | null {
  const plain = label
    .toLowerCase()
    .replace(/^[\s"']*(?:charset\s*=)?[\s"']*/, '')
    .replace(/["'*;,].*|:\d{4}$/s, '')
    .trim();
  const squeezed = plain.replace(/[^a-z0-9]/g, '');
  if (PROMISES_NOTHING.test(squeezed)) return null;
  for (const [spelling, name] of SPELLINGS) {
    const match = spelling.exec(squeezed);
    if (match) return charsetNamed(name.replace(/\$(\d)/g, (_, group) => match[group] ?? ''));
  }
  return whatwg(plain);
}

function charsetNamed(name: string): Charset | null {
  // Node's decoders only support the charsets of the WHATWG. iconv-lite has those of DOS and the Mac, UTF-7 and UTF-32.
  if (name === 'iso-2022') return { kind: 'sevenBit', decode: decodeIso2022 };
  if (name === 'hz') return { kind: 'sevenBit', decode: decodeHz };
  if (name === 'utf-7') return { kind: 'sevenBit', decode: (bytes) => iconv.decode(bytes, name) };
  if (/^utf-(?:16|32)/.test(name)) return { kind: 'wide', decode: (bytes) => iconv.decode(bytes, name) };
  const charset = whatwg(name);
  if (charset || !iconv.encodingExists(name)) return charset;
  return { kind: 'single', decode: (bytes) => iconv.decode(bytes, name) };
}

const MULTI_BYTE = new Set(['utf-8', 'gbk', 'gb18030', 'big5', 'euc-jp', 'shift_jis', 'euc-kr']);

function whatwg(label: string): Charset | null {
  try {
    const decoder = new TextDecoder(label, { ignoreBOM: true });
    return {
      kind: MULTI_BYTE.has(decoder.encoding) ? 'multi' : 'single',
      decode: (bytes) => decoder.decode(bytes),
    };
  } catch (error) {
    // A RangeError means that the label is unknown.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

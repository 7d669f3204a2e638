import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeText } from '../../../src/mime/decode-text.ts';
import { cpuMs } from '../cpu-time.ts';

const bytes = (latin1: string) => Buffer.from(latin1, 'latin1');
const plain = (source: Uint8Array, declared: string | null) => decodeText(source, declared, { html: false });
const html = (source: Uint8Array, declared: string | null) => decodeText(source, declared, { html: true });

describe('decodeText, a declared charset under any of its names, decodes by it', () => {
  test.each([
    [
      'windows-1252',
      ['iso-8859-1', 'ISO8859-1', 'iso_8859-1:1987', 'latin1', 'Latin-1', 'cp1252', 'win-1252', '8859-1'],
    ],
    ['windows-1251', ['"windows-1251"', "'cp1251'", 'WIN1251', 'x-cp1251', 'ms-1251', 'windows-1251; format=flowed']],
    ['iso-8859-2', ['ISO-8859-2*pl', 'iso8859_2', 'latin2', 'l2', ' iso 8859-2 ', 'charset=iso-8859-2']],
    ['iso-8859-15', ['iso8859-15', 'ISO_8859-15', 'latin-9', 'l9']],
    ['koi8-r', ['KOI8', 'koi8_r', 'koi', 'cskoi8r']],
    ['windows-874', ['tis-620', 'TIS620', 'cp874', 'iso-8859-11']],
    ['macintosh', ['mac', 'x-mac-roman', 'MacRoman', 'x-macintosh']],
    ['gb18030', ['gb2312', 'GBK', 'x-gbk', 'gb2312_charset', 'cp936', 'cn-gb', 'ms936', 'euc-cn', 'gb_2312-80']],
    ['big5', ['Big5-HKSCS', 'x-x-big5', 'cp950', 'cn-big5', 'big-5']],
    ['euc-kr', ['ks_c_5601-1987', 'ks_c_5601', 'cp949', 'ms949', 'uhc', 'ksc5601', 'x-windows-949']],
    ['shift_jis', ['shift-jis', 'x-sjis', 'SJIS', 'cp932', 'windows-31j', 'ms_kanji']],
    ['euc-jp', ['eucJP', 'x-euc-jp', 'cp51932', 'ujis']],
  ])('%s', (name, labels) => {
    // Two-byte characters of all multi-byte charsets, and letters of the others.
    const source = Uint8Array.of(0xc4, 0xe3, 0xb0, 0xa1, 0xc8, 0xd5);
    const expected = new TextDecoder(name).decode(source);
    for (const label of labels) expect(plain(source, label), label).toBe(expected);
  });

  test.each([
    ['cp437', '\x81', 'ü'],
    ['IBM850', '\x9b', 'ø'],
    ['dos-862', '\x80', 'א'],
    ['x-mac-ce', '\x8b', 'č'],
    ['koi8-t', '\x8d', 'ҷ'],
    ['viscii', '\xd5', 'ạ'],
    ['iso-8859-8-i', '\xf9', 'ש'],
    ['iso-8859-8-e', '\xf9', 'ש'],
    ['armscii-8', '\xb2', 'Ա'],
  ])('%s', (label, source, expected) => expect(plain(bytes(source), label)).toBe(expected));
});

describe('decodeText, a 7-bit encoding, decodes it', () => {
  test.each([
    ['utf-7', 'Gr+APwA3w-e', 'Grüße'],
    ['unicode-1-1-utf-7', '1 +- 1', '1 + 1'],
    ['hz-gb-2312', 'a~~ ~{VPND~} b', 'a~ 中文 b'],
    ['HZ', '~{VP\n~{ND', '中\n文'],
    ['iso-2022-kr', '\x1b$)C\r\n\x0e0!\x0f, a', '\r\n가, a'],
    ['iso-2022-cn', '\x1b$)A\x0eVPND\x0f', '中文'],
    ['iso-2022-jp', '\x1b(I1\x1b(J\\~\x1b(B\\~', 'ｱ¥‾\\~'],
    ['iso-2022-jp', '\x1b$B-!\x1b(B', '①'],
    ['iso-2022-jp-1', '\x1b$(D0!\x1b(B', '丂'],
    ['iso-2022-jp-2', '\x1b$A0!\x1b$(C0!\x1b(B \x1b.A\x1bNi\x1b.F\x1bNa', '啊가 éα'],
    ['iso-2022-jp-3', '\x1b$(Q0!\x1b(B', '亜'],
  ])('%s, %j', (label, source, expected) => expect(plain(bytes(source), label)).toBe(expected));

  test.each([null, '', 'us-ascii', 'iso-8859-1', 'utf-8', 'x-jis', 'iso-2022-jp-ms', 'CP50220', 'csISO2022JP'])(
    'ISO-2022-JP declared as %j',
    (label) => expect(plain(bytes('\x1b$B$3$s$K$A$O!"EDCf$G$9!#\x1b(B ok'), label)).toBe('こんにちは、田中です。 ok'),
  );

  test('other escape sequences stay unchanged', () =>
    expect(plain(bytes('\x1b[31mred\x1b[0m'), null)).toBe('\x1b[31mred\x1b[0m'));
});

describe('decodeText, UTF-16 and UTF-32, decodes by mark, name or zeros', () => {
  const be = (text: string) => Buffer.from(text, 'utf16le').swap16();
  test.each([
    [null, Buffer.from('\ufeffgrün', 'utf16le')],
    [null, be('\ufeffgrün')],
    ['utf-16', be('grün')],
    ['utf-16', Buffer.from('grün', 'utf16le')],
    ['utf-16be', be('grün')],
    ['ucs-2', Buffer.from('grün', 'utf16le')],
    ['utf-32be', bytes('\0\0\0g\0\0\0r\0\0\0\xfc\0\0\0n')],
    ['utf-16', Buffer.from('grün')],
    [null, Buffer.from('\ufeffgrün')],
    ['windows-1252', Buffer.from('\ufeffgrün')],
  ])('%s', (label, source) => expect(plain(source, label)).toBe('grün'));
});

describe('decodeText, no usable charset', () => {
  test.each([
    null,
    '',
    '""',
    'us-ascii',
    'ANSI_X3.4-1968',
    'ansi',
    'x-unknown',
    'unknown-8bit',
    '8bit',
    'iso-8859-',
    'windows-',
    'base64',
    'hex',
    '__proto__',
    'x'.repeat(1e6),
  ])('%.20s, is UTF-8 if the bytes are, else windows-1252', (label) => {
    expect(plain(Buffer.from('café € “x” 漢字'), label)).toBe('café € “x” 漢字');
    expect(plain(bytes('caf\xe9 \x80 \x93x\x94'), label)).toBe('café € “x”');
  });

  test('truncated UTF-8 stays UTF-8', () => {
    const source = Buffer.from('Жизнь прекрасна, и');
    expect(plain(source.subarray(0, -1), null)).toBe('Жизнь прекрасна, \ufffd');
    expect(plain(source.subarray(0, -1), 'utf-8')).toBe('Жизнь прекрасна, \ufffd');
  });
});

describe('decodeText, a charset that the bytes do not fit', () => {
  test.each([
    ['utf-8', 'it\x92s \x805', 'it’s €5'],
    ['utf-7', 'caf\xe9', 'café'],
    ['iso-2022-jp', 'caf\xe9', 'café'],
  ])('%s, is windows-1252', (label, source, expected) => expect(plain(bytes(source), label)).toBe(expected));

  test.each(['iso-8859-1', 'windows-1252', 'koi8-r', 'windows-1251', 'shift_jis', 'euc-kr', 'utf-7', 'macintosh'])(
    '%s, takes UTF-8 where the bytes surely are',
    (label) => {
      expect(plain(Buffer.from('naïve café, прекрасно'), label)).toBe('naïve café, прекрасно');
    },
  );

  test.each([
    ['windows-1252', 'CAF\xc9\x92S', 'CAFÉ’S'],
    ['windows-1251', '\xd0\xb8', 'Рё'],
    ['koi8-r', '\xcc\xa3', 'лё'],
    ['gb2312', '\xd6\xd0\xce\xc4\xff', '中文\ufffd'],
  ])('%s, stays if it is only unusual: %j', (label, source, expected) =>
    expect(
      plain(bytes(`${source}${label === 'gb2312' ? '\xd6\xd0'.repeat(20) : ''}`), label).slice(0, expected.length),
    ).toBe(expected),
  );
});

describe('decodeText, HTML that names its charset', () => {
  test.each([
    '<meta charset=iso-8859-2>',
    "<META CHARSET='iso-8859-2' />",
    '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2">',
    '<meta\ncontent="text/html;charset = iso-8859-2" http-equiv=content-type>',
    '<meta name=x content=y><!-- <meta charset=koi8-r> --><meta charset="ISO-8859-2">',
    '<?xml version="1.0" encoding="iso-8859-2"?>',
  ])('%s', (head) => {
    for (const declared of [null, 'us-ascii', 'x-unknown', 'utf-8'])
      expect(html(bytes(`${head}<p>\xb1\xb6`), declared), `${declared}`).toBe(`${head}<p>ąś`);
    expect(html(bytes(`${head}<p>\xb1\xb6`), 'windows-1251')).toBe(`${head}<p>±¶`);
    expect(html(Buffer.from(`${head}<p>ąś`), null)).toBe(`${head}<p>ąś`);
    expect(plain(bytes(`${head}<p>\xb1\xb6`), null)).toBe(`${head}<p>±¶`);
  });

  test('as UTF-16, which is impossible, is UTF-8', () =>
    expect(html(Buffer.from('<meta charset=utf-16>é'), null)).toBe('<meta charset=utf-16>é'));
});

describe('decodeText, any bytes', () => {
  const label = fc.option(
    fc.oneof(
      fc.string(),
      fc.constantFrom('utf-8', 'utf-7', 'utf-16', 'utf-32', 'hz', 'iso-2022-jp', 'gb18030', 'big5', 'euc-jp', 'cp437'),
    ),
  );

  test('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), label, fc.boolean(), (source, declared, isHtml) => {
        expect(typeof decodeText(source, declared, { html: isHtml })).toBe('string');
      }),
      { numRuns: 2000 },
    );
  });

  test('without a charset, any UTF-8 text decodes to itself', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(plain(Buffer.from(text), null)).toBe(text.toWellFormed().replace(/^\ufeff/, ''));
      }),
    );
  });

  test.each([
    ['\x1b$B', 'iso-2022-jp'],
    ['\x0e\x0f', 'iso-2022-kr'],
    ['\x1b$B0', null],
    ['~{~', 'hz'],
    ['~{', 'hz'],
    ['+AAA', 'utf-7'],
    ['<meta ', null],
    ['<!--', null],
    ['<meta charset=\xe9', null],
    ['\xe9', null],
    ['\xc3\xa9', 'iso-8859-1'],
  ])('%j repeated, takes time in proportion', (piece, declared) => {
    const time = (length: number) => {
      const source = bytes(piece.repeat(length / piece.length));
      const start = cpuMs();
      html(source, declared);
      return cpuMs() - start;
    };
    time(50_000);
    expect(time(800_000)).toBeLessThan(60 * time(50_000) + 300);
  });
});

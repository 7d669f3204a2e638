import { describe, expect, test } from 'vitest';
import { parseMessage } from '../../../src/mime/parse-message.ts';

const parse = (...lines: string[]) => parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\nx\r\n`, 'latin1'));

describe('parseMessage, malformed encoded words, decodes them', () => {
  test.each([
    ['=?UTF-8?Q?Caf=C3=A9_heute??=', 'Café heute?'],
    ['=?ANSI_X3.4-1968?Q?Report=20done?=', 'Report done'],
    ['=?utf8*en?q?a b?= c', 'a b c'],
    ['=?ansi?Q?caf=E9?=', 'café'],
    ['=?UTF-8?B?w6k?=', 'é'],
    ['=?utf-8?q?=C3?= =?UTF-8?q?=A9?=', 'é'],
    ['=?utf-8?b?w?= =?utf-8?b?w6k=?=', 'é'],
    ['=?utf-7?Q?Gr+APwA3w-e?=', 'Grüße'],
    ['=?iso-2022-jp-ms?B?GyRCJDMbKEI=?=', 'こ'],
    ['a =? b ?= c', 'a =? b ?= c'],
  ])('%s', async (written, expected) => {
    const { subject, from } = await parse(`Subject: ${written}`, `From: "${written}" <a@example.org>`);
    expect(subject).toBe(expected);
    expect(from).toEqual([{ name: expected, address: 'a@example.org' }]);
  });
});

describe("parseMessage, raw 8-bit fields, reads UTF-8, the body's charset or windows-1252", () => {
  test.each([
    ['koi8-r', '\xee\xcf\xd7\xc1\xd1', 'Новая'],
    ['windows-1252', 'We\x92ve moved \x96 next', 'We’ve moved – next'],
    ['us-ascii', 'We\x92ve', 'We’ve'],
    ['koi8-r', 'caf\xc3\xa9', 'café'],
    ['gb2312', '\xd6\xd0\xce\xc4', '中文'],
    ['us-ascii', '\x1b$B$3\x1b(B', 'こ'],
  ])('%s', async (charset, written, expected) => {
    const { subject, from } = await parse(
      `Subject: ${written}`,
      `From: ${written} <a@example.org>`,
      `Content-Type: text/plain; charset=${charset}`,
    );
    expect(subject).toBe(expected);
    expect(from).toEqual([{ name: expected, address: 'a@example.org' }]);
  });
});

import { expect, test } from 'vitest';
import { linksOf } from '../../../src/domain/links.ts';
import { isMessageId } from '../../../src/domain/message-id.ts';
import { ownMessageId, referencedIds } from '../../../src/mime/message-ids.ts';
import { parseMessage } from '../../../src/mime/parse-message.ts';
import { cpuMs } from '../cpu-time.ts';

const ANN = { name: 'Ann Lee', address: 'ann@example.org' };
const ids = (references: string, inReplyTo = '') =>
  referencedIds({ references, inReplyTo, own: '<own@x>', people: [[ANN], []] });
/** `In-Reply-To` alone, and the same in `References`. */
const either = (value: string) => {
  expect(ids(value)).toEqual(ids('', value));
  return ids(value);
};

const LONG = '<AM0PR05MB6834D2C88EE7DD0B43CC6B35E8A0A0123456789@AM0PR05MB6834.prod.example.org>';

test.each([
  ['quoted-printable', LONG.replace(/[<>@.]/g, (c) => `=${c.charCodeAt(0).toString(16).toUpperCase()}`), 'q'],
  ['base64', Buffer.from(LONG).toString('base64'), 'B'],
])('an id folded into encoded-words, in %s, is decoded', (_, text, encoding) => {
  const words = (text.match(/.{1,40}/g) ?? []).map((part) => `=?utf-8?${encoding}?${part}?=`);
  expect(either(words.join('\r\n '))).toEqual([LONG]);
  expect(either(words.join(' '))).toEqual([LONG]);
  expect(ownMessageId(words.join(' '))).toBe(LONG);
});

test('several ids in encoded-words are separate ids', () => {
  expect(either('=?us-ascii?Q?=3Ca1=40x=3E_=3Cb2=40x?= =?us-ascii?Q?=3E?=')).toEqual(['<a1@x>', '<b2@x>']);
});

test.each([
  ['<a1@x><b2@x>', ['<a1@x>', '<b2@x>']],
  ['<a1@x>,\r\n\t<b2@x>', ['<a1@x>', '<b2@x>']],
  ['a1@x b2@x', ['<a1@x>', '<b2@x>']],
  ['<a1@x> b2@x', ['<a1@x>', '<b2@x>']],
  ['<a1@\r\n x>', ['<a1@x>']],
  ['<a1@x', ['<a1@x>']],
  ['<a1@x> (message of Bob <bob@example.net>)', ['<a1@x>']],
  ['"<a1@x>"', ['<a1@x>']],
  ['(a1@x)', []],
  ['', []],
])('referencedIds, %j, returns %j', (value, expected) => {
  expect(either(value)).toEqual(expected);
});

test.each([
  ['Message from Ann Lee <ann@example.org> of "Tue, 03 Mar 2026 10:00:00 +0100." <c08.1@example.org>'],
  ['Your message of "Wed, 04 Mar 2026 11:00:00 +0100." <c08.1@example.org> from Ann Lee <ann@example.org>'],
  ['<c08.1@example.org> from "Ann Lee" at Mar 3, 2026 10:00 am'],
  ['<c08.1@example.org> (Bob Roe\'s message of "Tue, 3 Mar 2026")'],
  ["Bob Roe <bob.roe@example.net>'s message of Monday <c08.1@example.org>"],
  ['<bob.roe7@example.net> wrote <c08.1@example.org>'],
  ['<c08.1@example.org>, as written by <12345678@example.net>'],
  ['Your message of Monday <c08.1@example.org>'],
])('an address in prose is no id: %s', (value) => {
  expect(ids('', value)).toEqual(['<c08.1@example.org>']);
});

test.each([
  ['ann@example.org'],
  ['<ann@example.org>'],
  ['<Ann@Example.org>'],
  ['bob.roe@example.net'],
  ['Bob <bob@example.net>'],
])('an address alone is no id: %s', (value) => {
  expect(either(value)).toEqual([]);
});

test('prose in In-Reply-To adds nothing to the ids of References', () => {
  expect(ids('<r1@x>', 'From <a1@example.net>, as you wrote')).toEqual(['<r1@x>']);
  expect(ids('<r1@x>', '<p2@x>')).toEqual(['<r1@x>', '<p2@x>']);
});

test.each([
  '<undefined>',
  '<null>',
  '<>',
  '< >',
  '<@>',
  '<@localhost>',
  '<x1@>',
  '<0@localhost>',
  '<1@localhost.localdomain>',
  '<undefined@example.org>',
  '<NULL@example.org>',
  '<(null)@example.org>',
  '<none@none>',
  '<message-id@example.org>',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what a template left behind
  '<${id}@example.org>',
  '<{{ message_id }}@example.org>',
  '<%s@example.org>',
  '<[objectObject]@example.org>',
  '<12345>',
  '<mailto:ann@example.org>',
  '<https://example.org/12345678901234567890>',
])('%s links no thread', (id) => {
  expect(isMessageId(id)).toBe(false);
  expect(either(id)).toEqual([]);
});

test.each([
  '<0@x>',
  '<a@b>',
  '<"quoted left"@x>',
  '<x@y@z>',
  '<20020823120000.GA1234>',
  '<{6F9619FF-8B86-D011-B42D-00CF4FC964FF}@example.org>',
  '<000001c1$4e5f$abc@example.org>',
  '<CA+abc=def%xyz@mail.example.org>',
])('%s can be an id', (id) => {
  expect(isMessageId(id)).toBe(true);
});

test("a Message-ID that is its sender's address is shown, and links no thread", async () => {
  const parsed = await parseMessage(Buffer.from('From: ann@example.org\r\nMessage-ID: <ann@example.org>\r\n\r\nx'));
  expect(parsed.messageIdHeader).toBe('<ann@example.org>');
  expect(linksOf(parsed).own).toBeNull();
});

test('64 kB of brackets, quotes and prose take less than a second of CPU', () => {
  const began = cpuMs();
  for (const part of ['<', '(', '"', '<a', '(<', 'from <a1@x> ', '=?', '=?utf-8?q?', 'from ', '<a@b@', '\\(', 'x '])
    ids(part.repeat(Math.ceil(65_536 / part.length)), part.repeat(Math.ceil(65_536 / part.length)));
  expect(cpuMs() - began).toBeLessThan(1000);
});

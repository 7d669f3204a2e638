import { expect, test } from 'vitest';
import { CORPUS_SIZE, corpus, withCrlf } from '../../../lab/mail/corpus.ts';
import { MAX_ADDRESSES, MAX_TEXT, type ParsedMessage } from '../../../src/domain/parsed-message.ts';
import { isStorable } from '../../../src/domain/storable-text.ts';
import { parseHeaderOnly, parseMessage } from '../../../src/mime/parse-message.ts';
import { readAttachment } from '../../../src/mime/read-attachment.ts';
import { cpuMs } from '../cpu-time.ts';

const bytes = (lines: readonly string[], encoding: BufferEncoding = 'utf8') =>
  Buffer.from(lines.join('\r\n'), encoding);
const parse = (...lines: string[]) => parseMessage(bytes(lines));

const MIXED = [
  'From: Ann <ann@example.com>',
  'Subject: Files',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Two files.',
  '--b',
  'Content-Type: application/pdf; name="plan.pdf"',
  'Content-Disposition: attachment; filename="plan.pdf"',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from('%PDF plan').toString('base64'),
  '--b',
  'Content-Type: message/rfc822',
  '',
  'Subject: Forwarded',
  'Date: nonsense',
  '',
  'Inner.',
  '--b--',
  '',
];

test('parseMessage, a complete message, returns all of its fields', async () => {
  const message = await parse(
    'Date: Thu, 22 Aug 2002 18:26:25 +0700 (ICT)',
    'From: =?utf-8?q?Ann_L=C3=A9e?= <ann@example.com>',
    'To: Team: bob@example.com, "Cid, Dr." <cid@example.com>;',
    'Cc: dan@example.com',
    'Bcc: eve@example.com',
    'Reply-To: list@example.com',
    'Message-ID: <3@example.com>',
    'In-Reply-To: <2@example.com>',
    'References: <1@example.com>',
    ' <2@example.com>',
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
    '',
    'Hello,',
    '  world!',
  );
  expect(message).toEqual({
    messageIdHeader: '<3@example.com>',
    references: ['<1@example.com>', '<2@example.com>'],
    subject: 'Grüße',
    from: [{ name: 'Ann Lée', address: 'ann@example.com' }],
    to: [
      { name: null, address: 'bob@example.com' },
      { name: 'Cid, Dr.', address: 'cid@example.com' },
    ],
    cc: [{ name: null, address: 'dan@example.com' }],
    bcc: [{ name: null, address: 'eve@example.com' }],
    replyTo: [{ name: null, address: 'list@example.com' }],
    sentAt: new Date('2002-08-22T11:26:25Z'),
    text: 'Hello,\n  world!',
    html: null,
    snippet: 'Hello, world!',
    attachments: [],
    hasRemoteImages: false,
    attachedText: '',
    parseError: null,
  });
});

test.each([
  ['no From', ['Sender: =?utf-8?q?Ann_L=C3=A9e?= <ann@example.com>'], 'ann@example.com'],
  ['an empty From', ['From:', 'Sender: ann@example.com'], 'ann@example.com'],
  ['a From without an address', ['From: <>', 'Sender: ann@example.com'], 'ann@example.com'],
  ['both fields', ['Sender: ann@example.com', 'From: bob@example.com'], 'bob@example.com'],
])('parseMessage, %s, shows Sender only in its place', async (_what, header, expected) => {
  const { from } = await parse(...header, '', 'Hello');
  expect(from.map(({ address }) => address)).toEqual([expected]);
});

test('attachments are listed, and are found by their index', async () => {
  const { text, attachments, parseError } = await parse(...MIXED);
  expect(parseError).toBeNull();
  expect(text.trim()).toBe('Two files.');
  expect(attachments).toEqual([
    { filename: 'plan.pdf', contentType: 'application/pdf', size: 9, contentId: null, isInline: false },
    { filename: 'Forwarded.eml', contentType: 'message/rfc822', size: 44, contentId: null, isInline: false },
  ]);
  const [pdf, forwarded] = attachments.map((attachment, index) => ({ ...attachment, index }));
  const found = await readAttachment(bytes(MIXED), pdf!);
  expect(found).toMatchObject({ filename: 'plan.pdf' });
  expect(Buffer.from(found!.content).toString()).toBe('%PDF plan');
  expect(Buffer.from((await readAttachment(bytes(MIXED), forwarded!))!.content).toString()).toContain('Date: nonsense');
  expect(await readAttachment(bytes(MIXED), { ...pdf!, index: 2, filename: 'other.pdf', size: 10 })).toBeNull();
});

test('an image that the HTML shows is inline', async () => {
  const { attachments } = await parse(
    'Content-Type: multipart/related; boundary=b',
    '',
    '--b',
    'Content-Type: text/html',
    '',
    '<img src="cid:logo@x">',
    '--b',
    'Content-Type: image/png',
    'Content-ID: <logo@x>',
    '',
    'png',
    '--b--',
  );
  expect(attachments).toMatchObject([{ contentId: 'logo@x', isInline: true }]);
});

const strings = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : value !== null && typeof value === 'object' && !(value instanceof Date)
      ? Object.values(value).flatMap(strings)
      : [];

test('NULs and lone surrogates, raw or encoded, reach no string', async () => {
  const surrogate = Buffer.from([0xd8, 0x3d]).toString('base64');
  const message = await parse(
    'Subject: a\0b =?utf-8?b?AEE=?= =?utf-16be?b?2D0=?=',
    'From: "N\0" <a\0@example.com>',
    'Message-ID: <a\0b@example.com>',
    'References: <r\0@example.com>',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Transfer-Encoding: base64',
    'Content-Type: text/plain; charset=utf-16be',
    '',
    surrogate,
    '--b',
    'Content-Type: text/html',
    '',
    '<p>x\0y&#0;&#xD83D;z</p>',
    '--b',
    "Content-Disposition: attachment; filename*=utf-8''f%00.txt",
    'Content-ID: <c\0>',
    '',
    '--b--',
  );
  expect(message.attachments).toHaveLength(1);
  expect(message.subject).toMatch(/^ab/);
  expect(message.messageIdHeader).toBe('<ab@example.com>');
  expect(strings(message).filter((text) => !isStorable(text))).toEqual([]);
});

test('texts are cut between characters', async () => {
  const { snippet, text } = await parse('Subject: x', '', `a${'😀'.repeat(MAX_TEXT)}`);
  expect(snippet.isWellFormed()).toBe(true);
  expect(snippet).toHaveLength(199);
  expect(text.isWellFormed()).toBe(true);
});

test('the date is that of the header or null, never the present time', async () => {
  expect((await parse('Date: yesterday', '', '')).sentAt).toBeNull();
  expect((await parse('Subject: x', '', '')).sentAt).toBeNull();
  expect((await parse('Date: Mon, 1 Jan 12024 00:00:00 +0000', '', '')).sentAt).toBeNull();
  expect(await parse(...MIXED)).toEqual(await parse(...MIXED));
});

test('a header of 2 MB with 60,000 lines and 20,000 recipients is parsed', async () => {
  const received = Array.from({ length: 60_000 }, (_, i) => `Received: from host${i}`);
  const recipients = Array.from({ length: 20_000 }, (_, i) => ` person${i}@example.com,`);
  const message = await parse(...received, 'To:', ...recipients, 'Subject: Big', 'From: a@example.com', '', 'Body.');
  expect(message).toMatchObject({ subject: 'Big', text: 'Body.', parseError: 'a header field is too long' });
  expect(message.to).toHaveLength(MAX_ADDRESSES);
  expect(message.to[7]).toEqual({ name: null, address: 'person7@example.com' });
});

test('too many parts: returns the header and the parts so far', async () => {
  const part = ['--b', 'Content-Disposition: attachment', '', 'x'];
  const parts = Array.from({ length: 1500 }, () => part).flat();
  const message = await parse('Subject: Many', 'Content-Type: multipart/mixed; boundary=b', '', ...parts, '--b--');
  expect(message.subject).toBe('Many');
  expect(message.parseError).toContain('child nodes');
});

test('of repeated single fields the first counts; repeated lists are joined', async () => {
  const message = await parse(
    'Message-ID: <1@x>',
    'Message-ID: <2@x>',
    'Subject:',
    'Subject: First',
    'Subject: Second',
    'From: a@x.org',
    'From: b@x.org',
    'To: c@x.org',
    'To: d@x.org',
    '',
    '',
  );
  expect(message).toMatchObject({ messageIdHeader: '<1@x>', subject: 'First', from: [{ address: 'a@x.org' }] });
  expect(message.to.map(({ address }) => address)).toEqual(['c@x.org', 'd@x.org']);
});

test('ids without brackets, in prose, folded, of the message itself, and too many', async () => {
  const references = Array.from({ length: 300 }, (_, i) => `<${i}@x>`);
  const message = await parse(
    'Message-ID: 300@x',
    'In-Reply-To: Your message of Monday <299@x>',
    `References: ${references.join('\r\n ')} <300@x><broken`,
    '',
    '',
  );
  expect(message.messageIdHeader).toBe('<300@x>');
  expect(message.references).toHaveLength(100);
  expect(message.references[0]).toBe('<0@x>');
  expect(message.references.at(-1)).toBe('<299@x>');
});

test('raw 8-bit headers are UTF-8, else Latin-1', async () => {
  const lines = ['Subject: Grüße', 'From: Jürgen <j@x.org>', 'To: (comment) k@x.org', '', ''];
  for (const encoding of ['utf8', 'latin1'] as const) {
    const message = await parseMessage(bytes(lines, encoding));
    expect(message.subject).toBe('Grüße');
    expect(message.from).toEqual([{ name: 'Jürgen', address: 'j@x.org' }]);
  }
});

test.each([
  ['GB 2312', 'gb2312', [0xb2, 0xe2, 0xca, 0xd4], '测试'],
  ['KOI8-R', 'koi8-r', [0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4], 'Привет'],
  ['Shift JIS', 'shift_jis', [0x83, 0x65, 0x83, 0x58, 0x83, 0x67], 'テスト'],
  ['no charset that is named', '', [0x50, 0x72, 0xfc, 0x66], 'Prüf'],
])('a file name in raw bytes of %s, the charset of the letter, is decoded', async (_name, charset, name, read) => {
  const { attachments } = await parseMessage(
    bytes(
      [
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        `Content-Type: text/plain${charset && `; charset=${charset}`}`,
        '',
        'One file.',
        '--b',
        `Content-Type: application/pdf; name="${Buffer.from(name).toString('latin1')}.pdf"`,
        '',
        '%PDF',
        '--b--',
        '',
      ],
      'latin1',
    ),
  );
  expect(attachments).toMatchObject([{ filename: `${read}.pdf` }]);
});

test('an unknown charset loses characters, not the message', async () => {
  const message = await parseMessage(
    bytes(['Subject: x', 'Content-Type: text/plain; charset=x-unheard-of', '', 'caf\xe9'], 'latin1'),
  );
  expect(message.text).toMatch(/^caf/);
});

const NOTHING: Partial<ParsedMessage> = { from: [], to: [], references: [], attachments: [], sentAt: null, html: null };

test.each([
  ['no bytes', '', NOTHING],
  ['an empty line', '\r\n', NOTHING],
  ['no header', '\r\nOnly a body', { ...NOTHING, subject: null, text: 'Only a body' }],
  ['no body', 'Subject: x', { subject: 'x', text: '' }],
  [
    'bare LF',
    'Subject: x\nFrom: a@x.org\n\nBody\n',
    { subject: 'x', text: 'Body\n', from: [{ name: null, address: 'a@x.org' }] },
  ],
  ['bare CR', 'Subject: x\rFrom: a@x.org\r\rBody\r', { subject: 'x', text: 'Body\n' }],
  [
    'an mbox envelope',
    'From a@x.org Thu Aug 22 12:36:23 2002\r\nSubject: x\r\n\r\nBody',
    { subject: 'x', text: 'Body' },
  ],
  ['lines that are no fields', 'nonsense\r\n: empty\r\n folded\r\nSubject: x\r\n\r\n', { subject: 'x' }],
  ['a multipart without end', 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nPart', { text: 'Part' }],
  ['a multipart without boundary', 'Content-Type: multipart/mixed\r\n\r\nPart', { text: 'Part' }],
])('parseMessage, %s', async (_, source, expected) => {
  const message = await parseMessage(Buffer.from(source));
  expect(message).toMatchObject({ ...expected, parseError: null });
});

test('HTML alone, or beside almost no text, gives the text', async () => {
  const html = `<style>p { color: red }</style><p>Dear&nbsp;Ann,</p><p>${'good news &amp; more. '.repeat(20)}</p>`;
  const alone = await parse('Content-Type: text/html', '', html);
  expect(alone.text).toMatch(/^Dear Ann,\n\ngood news & more\./);
  expect(alone.html).toContain('<p>Dear&nbsp;Ann,</p>');
  const beside = await parse(
    'Content-Type: multipart/alternative; boundary=b',
    '',
    '--b',
    '',
    'No HTML, no news.',
    '--b',
    'Content-Type: text/html',
    '',
    html,
    '--b--',
  );
  expect(beside.snippet).toMatch(/^Dear Ann, good news & more\./);
});

test('if the body cannot be parsed, the header is still returned', async () => {
  const message = await parseHeaderOnly(bytes(MIXED), 'parsing took too long');
  expect(message).toMatchObject({
    subject: 'Files',
    from: [{ name: 'Ann', address: 'ann@example.com' }],
    text: '',
    attachments: [],
    parseError: 'parsing took too long',
  });
});

test('2 MB of HTML, one line or open brackets, take less than 5 seconds of CPU', async () => {
  for (const piece of ['<p>word</p> ', '<', '<a ', '<!--', '<style>', '&', '&nbsp;', '<td>', '<x y="', '\r\n', ' ']) {
    const started = cpuMs();
    const message = await parse('Content-Type: text/html', '', piece.repeat(2_000_000 / piece.length));
    expect(message.html).not.toBe('');
    expect(cpuMs() - started, piece).toBeLessThan(5_000);
  }
});

test('the whole corpus parses into text that the database can store', async () => {
  let dated = 0;
  let addressed = 0;
  let seen = 0;
  for (const { name, bytes } of corpus()) {
    const source = seen % 2 === 0 ? bytes : withCrlf(bytes);
    const message = await parseMessage(source);
    if (message.parseError !== null) throw new Error(`${name}: ${message.parseError}`);
    if (!strings(message).every(isStorable)) throw new Error(`${name} has text that cannot be stored`);
    if (message.snippet.length > 200) throw new Error(`${name} has a long snippet`);
    seen += 1;
    if (message.sentAt) dated += 1;
    if (message.from[0]?.address) addressed += 1;
  }
  expect(seen).toBe(CORPUS_SIZE);
  expect(dated).toBeGreaterThan(CORPUS_SIZE * 0.98);
  expect(addressed).toBeGreaterThan(CORPUS_SIZE * 0.98);
}, 120_000);

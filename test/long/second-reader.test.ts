import { expect, test } from 'vitest';
import { compareReadings, type Difference } from '../../lab/mail/compare-readings.ts';
import { CORPUS_SIZE, corpus } from '../../lab/mail/corpus.ts';
import { HOSTILE } from '../../lab/mail/hostile-mime.ts';
import { readWithPython, type SecondReading } from '../../lab/mail/second-reader.ts';
import type { ParsedMessage } from '../../src/domain/parsed-message.ts';
import { parseMessage } from '../../src/mime/parse-message.ts';

interface Case extends Difference {
  readonly reading: SecondReading;
  readonly parsed: ParsedMessage;
  /** Each byte as one character. */
  readonly source: string;
}

const UNDECODED = /[\ufffd\ud800-\udfff]/;
const is =
  (...fields: Difference['field'][]) =>
  ({ field }: Case): boolean =>
    fields.includes(field);
const all = (...conditions: ((found: Case) => boolean)[]) => {
  return (found: Case): boolean => conditions.every((holds) => holds(found));
};
const source =
  (pattern: RegExp) =>
  (found: Case): boolean =>
    pattern.test(found.source);
const squeezed = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');
const hostile =
  (...names: string[]) =>
  ({ reading }: Case): boolean =>
    names.some((name) => reading.name === `hostile: ${name}`);

/** Why the readings of a message may differ, and the evidence for each reason. */
const REASONS: readonly (readonly [reason: string, explains: (found: Case) => boolean])[] = [
  [
    'Python does not decode raw 8-bit headers',
    all(is('subject', 'from'), ({ theirs }) => theirs.some((text) => UNDECODED.test(text))),
  ],
  [
    'Python does not decode 8-bit text without its true charset; we guess from the bytes',
    all(
      is('words lost', 'words added'),
      source(/[\x80-\xff]|=[89a-f][0-9a-f]/i),
      ({ reading, theirs, ours }) =>
        UNDECODED.test(reading.text) || [...theirs, ...ours].some((word) => /[^\x20-\x7e]/.test(word)),
    ),
  ],
  [
    'the text is in Asian or encoded bytes that Python takes for their declared charset',
    all(is('words lost', 'words added'), ({ theirs, ours }) =>
      [...theirs, ...ours].some((word) => /[\u0080-\uffff]/.test(word)),
    ),
  ],
  [
    'the plain text beside an HTML text stands for it, and is a notice or shorter',
    all(is('words lost'), source(/multipart\/(alternative|mixed|related)/i), ({ parsed }) => parsed.html !== null),
  ],
  [
    'Python separates words at every tag; we join them where the tag is within a line',
    all(is('words added'), source(/<\w/), ({ reading, ours }) => {
      const text = squeezed(reading.text);
      return ours.every((word) => text.includes(word));
    }),
  ],
  [
    'we show delivery reports and other named or unnamed text parts; Python lists them as files',
    all(
      is('words added'),
      ({ reading, source: text }) => reading.names.length > 0 || /message\/delivery-status/i.test(text),
    ),
  ],
  [
    'ISO-8859-1 is windows-1252, as browsers read it; Python makes control characters of it',
    all(is('subject', 'words added'), ({ reading }) => /[\x80-\x9f]/.test(`${reading.subject} ${reading.text}`)),
  ],
  [
    'the base64 has a line too many or too few letters, and Python leaves it encoded',
    all(is('words lost', 'words added'), ({ reading }) => /[\w+/]{70}/.test(reading.text)),
  ],
  [
    'HTML with broken tags or comments: both readers guess where they end',
    all(
      is('words lost', 'words added'),
      ({ parsed, theirs, ours }) => parsed.html !== null && theirs.length + ours.length <= 10,
    ),
  ],
  ['Python returns an address for text that is none', all(is('from'), ({ theirs }) => theirs.includes('<>'))],
  [
    'an encoded-word stands for a part of an address, or two addresses are written as one: neither reader finds it',
    all(is('from'), ({ theirs }) => theirs.some((address) => address.includes('"'))),
  ],
  [
    'a file name with blanks is not quoted: Python takes its first word',
    all(
      is('names'),
      ({ theirs, ours }) => theirs.length === ours.length && theirs.every((name, i) => ours[i]!.startsWith(name)),
    ),
  ],
  [
    'a named text or HTML part is in the letter',
    all(
      is('names'),
      ({ theirs, ours, reading, parsed }) =>
        new Set(ours).isSubsetOf(new Set(theirs)) &&
        /\.(html?|txt|patch)$/i.test(theirs.filter((name) => !ours.includes(name)).join()) &&
        reading.names.length >= parsed.attachments.length,
    ),
  ],
  [
    'a forwarded message has the name of its subject',
    all(is('names'), ({ theirs, ours }) => ours.length > theirs.length && ours.every((name) => name.endsWith('.eml'))),
  ],
  [
    'a uuencoded file in the text is an attachment',
    all(is('names', 'words lost'), source(/^begin \d{3} \S/m), ({ parsed }) => parsed.attachments.length > 0),
  ],
  [
    'a mailing list appended its footer in plain text to base64, which Python decodes with the rest',
    all(is('words added'), source(/^content-transfer-encoding:\s*base64/im), ({ ours, source: text }) =>
      ours.every((word) => squeezed(text).includes(word)),
    ),
  ],
  ['Python finds no text at all', all(is('words added'), ({ reading }) => reading.text.trim() === '')],
  ['the parser reports that it omitted something', ({ parsed }) => parsed.parseError !== null],
  ['Python shows an encoded-word that holds half a character as it is', hostile('lone surrogates')],
];

/** Python fails on these, by time or recursion. */
const TOO_MUCH = ['hostile: 10 MB of HTML', 'hostile: nested 400 deep', 'hostile: forwarded 400 times'];

test('our parser and Python read every message alike, or the difference has a reason', {
  timeout: 400_000,
}, async () => {
  const unexplained: string[] = [];
  const explained = new Map<string, number>();
  let count = 0;
  for await (const { bytes, reading } of readWithPython(everything())) {
    count++;
    if (reading.failed) {
      if (!TOO_MUCH.includes(reading.name)) unexplained.push(`${reading.name}: ${reading.failed}`);
      continue;
    }
    const parsed = await parseMessage(bytes);
    for (const difference of compareReadings(reading, parsed)) {
      const found = { ...difference, reading, parsed, source: bytes.toString('latin1') };
      const reason = REASONS.find(([, explains]) => explains(found))?.[0];
      if (reason) explained.set(reason, (explained.get(reason) ?? 0) + 1);
      else
        unexplained.push(
          `${reading.name}, ${difference.field}: ${shown(difference.theirs)} | ${shown(difference.ours)}`,
        );
    }
  }
  console.log(Object.fromEntries(explained));
  expect(unexplained).toEqual([]);
  expect(count).toBe(CORPUS_SIZE + Object.keys(HOSTILE).length);
  // A reason that explains nothing is outdated, and one that explains many would hide a fault.
  expect(REASONS.map(([reason]) => reason).filter((reason) => !explained.has(reason))).toEqual([]);
  for (const [reason, times] of explained) expect(times, reason).toBeLessThan(150);
});

const shown = (texts: readonly string[]): string => JSON.stringify(texts.slice(0, 8)).slice(0, 200);

function* everything(): Generator<{ name: string; bytes: Buffer }> {
  yield* corpus();
  for (const [name, make] of Object.entries(HOSTILE)) yield { name: `hostile: ${name}`, bytes: make() };
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { htmlPage } from '../../../src/mime/html-page.ts';
import { parseMessage } from '../../../src/mime/parse-message.ts';
import { readAttachment } from '../../../src/mime/read-attachment.ts';
import { searchVector } from '../../../src/pg-formats/search-vector.ts';

/** The expected result for a message of test/mime/letters/. Absent fields are not compared. */
interface Expected {
  readonly textHas?: string[];
  readonly textLacks?: string[];
  readonly snippetHas?: string[];
  /** In the HTML page, in this order. */
  readonly pageOrder?: string[];
  /** Names of all attachments. */
  readonly attachments?: string[];
  /** How many of them the page lists. */
  readonly listed?: number;
  /** In the first attachment as a user saves it. */
  readonly savedHas?: string;
  /** A word by which a search finds the message. */
  readonly foundBy?: string;
}

const FOLDER = join(import.meta.dirname, 'letters');
const expectations: Record<string, Expected> = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8'));

test('every letter of the directory has expectations', () => {
  const letters = readdirSync(FOLDER).filter((name) => name.endsWith('.eml'));
  expect(letters).toEqual(Object.keys(expectations).toSorted());
});

test.each(Object.entries(expectations))('%s, is read as mail programs show it', async (name, expected) => {
  const source = readFileSync(join(FOLDER, name));
  const message = await parseMessage(source);
  const { text, html, snippet, attachments, parseError } = message;
  expect(parseError).toBeNull();
  for (const words of expected.textHas ?? []) expect(text).toContain(words);
  for (const words of expected.textLacks ?? []) expect(text).not.toContain(words);
  for (const words of expected.snippetHas ?? []) expect(snippet).toContain(words);
  if (expected.pageOrder) {
    const page = await htmlPage({ html: html!, source: new Uint8Array(source), remoteImages: false });
    const places = expected.pageOrder.map((words) => page.indexOf(words));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  }
  if (expected.attachments) expect(attachments.map(({ filename }) => filename)).toEqual(expected.attachments);
  const listed = attachments.filter(({ isInline }) => !isInline);
  if (expected.listed !== undefined) expect(listed).toHaveLength(expected.listed);
  if (expected.savedHas) {
    const saved = await readAttachment(source, { ...attachments[0]!, index: 0 });
    expect(Buffer.from(saved!.content).toString()).toContain(expected.savedHas);
  }
  if (expected.foundBy)
    expect(Buffer.from(searchVector(message)).toString('latin1')).toContain(`${expected.foundBy}\0`);
});

import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { readPgArray } from '../../lab/assertions/pg-array.ts';
import { corpus, withCrlf } from '../../lab/mail/corpus.ts';
import type { ParsedBatch } from '../../src/domain/parsed-batch.ts';
import { createMimePool, GIANT, type MimePool, type MimePoolOptions } from '../../src/mime/mime-pool.ts';

let pool: MimePool;
afterEach(() => pool.close());

function start(options?: MimePoolOptions): MimePool {
  pool = createMimePool(options);
  return pool;
}

const small = (subject: string) => Buffer.from(`Subject: ${subject}\r\n\r\nHello, ${subject}!`);
const textsOf = (array: Uint8Array) => readPgArray(array).map((text) => text?.toString() ?? null);
const subjects = (batch: ParsedBatch) => textsOf(batch.columns.subject);

function expectIntact(batch: ParsedBatch, sources: readonly Buffer[]): void {
  expect(batch.messages).toHaveLength(sources.length);
  for (const column of Object.values(batch.columns)) expect(readPgArray(column)).toHaveLength(sources.length);
  const packed = readPgArray(batch.packs.sources).map((frame) => zstdDecompressSync(frame!));
  for (const [i, message] of batch.messages.entries()) {
    const { pack, sourceAt } = message.place;
    expect(packed[pack]!.subarray(sourceAt, sourceAt + message.size).equals(sources[i]!)).toBe(true);
    expect(message.sha256).toBe(createHash('sha256').update(sources[i]!).digest('hex'));
    expect(message.size).toBe(sources[i]!.length);
  }
}

const workerThreads = (): number => (process.report.getReport() as { workers: unknown[] }).workers.length;

test('returns real messages in order, parsed, hashed and compressed without loss', async () => {
  const sources = [...corpus().take(200)].map(({ bytes }) => withCrlf(bytes));
  start({ threads: 2 });
  const batches = await Promise.all([0, 50, 100, 150].map((from) => pool.digest(sources.slice(from, from + 50))));
  for (const [i, batch] of batches.entries()) expectIntact(batch, sources.slice(i * 50, i * 50 + 50));
  expect(batches.flatMap(subjects).filter((subject) => subject === null).length).toBeLessThan(5);
});

test('leaves the sources usable, and accepts an empty source and an empty batch', async () => {
  const source = small('x');
  const sources = [source, Buffer.alloc(0), source.subarray(0, 10)];
  expectIntact(await start().digest(sources), sources);
  expect(source.toString()).toContain('Hello');
  expect(await pool.digest([])).toMatchObject({ messages: [] });
});

test('stores the parsed text and HTML of each message in the pack', async () => {
  const html = (body: string) => Buffer.from(`Content-Type: text/html; charset=utf-8\r\n\r\n<p>${body}</p>`);
  const giant = Buffer.concat([small('giant'), Buffer.alloc(GIANT, ' ')]);
  const batch = await start().digest([small('Ann'), html('Grüße 🌊'), Buffer.alloc(0), small('Bob'), giant]);
  const texts = readPgArray(batch.packs.texts).map((frame) => zstdDecompressSync(frame!));
  const contents = batch.messages.map(({ place: { pack, textAt, textSize, htmlSize } }) => {
    const htmlAt = textAt + textSize;
    const from = (start: number, end: number) => texts[pack]!.toString('utf8', start, end).trim();
    return [from(textAt, htmlAt), htmlSize === null ? undefined : from(htmlAt, htmlAt + htmlSize)];
  });
  expect(contents).toEqual([
    ['Hello, Ann!', undefined],
    ['Grüße 🌊', '<p>Grüße 🌊</p>'],
    ['', undefined],
    ['Hello, Bob!', undefined],
    ['Hello, giant!', undefined],
  ]);
});

test("a message that exhausts a thread's memory affects no other message", async () => {
  // Millions of header lines, each of which the splitter keeps in memory.
  const part = `--b\n${'X:\n'.repeat(16_000)}\nx\n`;
  const giant = Buffer.from(`Subject: giant\nContent-Type: multipart/mixed; boundary=b\n\n${part.repeat(300)}`);
  const sources = [small('before'), giant, small('after')];
  const batch = await start({ timeLimitMs: 60_000 }).digest([small('before'), Buffer.from(giant), small('after')]);
  expect(subjects(batch)).toEqual(['before', 'giant', 'after']);
  expect(textsOf(batch.columns.parseError)).toEqual([null, 'parsing took too much memory', null]);
  expectIntact(batch, sources);
}, 120_000);

test('a message that takes too long to parse affects no other message', async () => {
  const slow = Buffer.concat([small('slow'), Buffer.alloc(150_000_000, '\n')]);
  const batch = await start({ timeLimitMs: 6_000 }).digest([small('before'), slow, small('after')]);
  expect(subjects(batch)).toEqual(['before', 'slow', 'after']);
  expect(textsOf(batch.columns.parseError)).toEqual([null, 'parsing took too long', null]);
}, 60_000);

test('returns the bytes of an attachment', async () => {
  const source = Buffer.from(
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\nbytes\r\n--b--\r\n',
  );
  const stored = { index: 0, filename: 'a.bin', contentType: 'application/octet-stream', size: 5 };
  const found = await start().attachment(source, stored);
  expect(found).toMatchObject({ filename: 'a.bin' });
  expect(Buffer.from(found!.content).toString()).toBe('bytes');
  expect(await pool.attachment(source, { ...stored, filename: 'b.bin', index: 1, size: 6 })).toBeNull();
});

test('close ends every thread and rejects unfinished work', async () => {
  const before = workerThreads();
  start({ threads: 2 });
  const underWay = [1, 2, 3, 4].map(() => pool.digest([small('x'), Buffer.alloc(20_000_000, '\n')]));
  const settled = Promise.allSettled(underWay);
  await expect.poll(workerThreads).toBe(before + 2);
  await pool.close();
  expect((await settled).map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
  await expect(pool.digest([small('late')])).rejects.toThrow();
  expect(workerThreads()).toBe(before);
});

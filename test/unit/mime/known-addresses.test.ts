import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { parseMessage } from '../../../src/mime/parse-message.ts';

const MEBIBYTE = 1024 * 1024;

test('the cache of addresses does not retain the headers that they were in', async () => {
  const padding = `X-Padding: ${'x'.repeat(70)}\r\n`.repeat(12_000);
  const before = heapUsed();
  for (let i = 0; i < 200; i++) {
    const { from } = await parseMessage(
      Buffer.from(`From: Sender Number ${i} <sender-${i}@example.com>\r\n${padding}\r\nHello\r\n`),
    );
    expect(from).toEqual([{ name: `Sender Number ${i}`, address: `sender-${i}@example.com` }]);
  }
  // 200 headers of a megabyte.
  expect((heapUsed() - before) / MEBIBYTE).toBeLessThan(50);
}, 60_000);

/** The size of what is still reachable, in bytes. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  return process.memoryUsage().heapUsed;
}

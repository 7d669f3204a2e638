import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { chainEvents, genesisHash } from '../../src/timeline/chain.ts';
import type { EventInput } from '../../src/timeline/schemas.ts';

const page = readFileSync(new URL('../../docs/timeline.md', import.meta.url), 'utf8');
const block = (language: string) => new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(page)![1]!;
const vectors = block('jsonl');
const events = vectors
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

function published(input: string) {
  return spawnSync(process.execPath, ['--input-type=module', '-e', block('js')], { input, encoding: 'utf8' });
}

test('the code writes the format that docs/timeline.md publishes', () => {
  const accountId = events[0].accountId as string;
  const genesis = genesisHash(accountId);
  expect(page).toContain(`\`${genesis.toString('hex')}\``);
  const inputs = events.map(({ type, payload }) => ({ type, payload }) as EventInput);
  const chained = chainEvents({ seq: 0n, hash: genesis }, accountId, inputs, new Date(events[0].occurredAt));
  expect(
    chained.map((event) => ({
      accountId,
      ...event,
      seq: event.seq.toString(),
      occurredAt: event.occurredAt.toISOString(),
      prevHash: event.prevHash.toString('hex'),
      hash: event.hash.toString('hex'),
    })),
  ).toEqual(events);
});

test('the verifier in docs/timeline.md accepts the test vectors', () => {
  const { stdout, stderr } = published(vectors);
  expect(stderr).toBe('');
  expect(stdout).toBe(`3 ${events.at(-1).hash}\n`);
});

test('the verifier in docs/timeline.md names the event that was changed', () => {
  expect(published(vectors.replace('"uid":7', '"uid":8')).stderr).toContain('broken at 3');
  expect(published(vectors.replace('imap.example.com', 'imap.example.org')).stderr).toContain('broken at 1');
  expect(published(vectors.split('\n').toSpliced(1, 1).join('\n')).stderr).toContain('broken at 2');
});

import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openKeyring } from '../../../src/accounts/keyring.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'keyring-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

test('creates a key file that only its owner can read, and reads it again', async () => {
  const folder = join(dataDir, 'new');
  const first = await openKeyring({ dataDir: folder });
  expect(statSync(join(folder, 'encryption.key')).mode & 0o777).toBe(0o600);
  expect(Buffer.from(readFileSync(join(folder, 'encryption.key'), 'utf8'), 'base64')).toHaveLength(32);
  expect(await openKeyring({ dataDir: folder })).toEqual(first);
  expect(readdirSync(folder)).toEqual(['encryption.key']);
});

test('two processes that start at once use the same key', async () => {
  const rings = await Promise.all(Array.from({ length: 8 }, () => openKeyring({ dataDir })));
  expect(new Set(rings.map(({ currentKeyId }) => currentKeyId)).size).toBe(1);
});

test('uses the given key, and creates no file', async () => {
  const ring = await openKeyring({ encryptionKey: Buffer.alloc(32, 7).toString('base64'), dataDir });
  expect([...ring.keys]).toEqual([[ring.currentKeyId, Buffer.alloc(32, 7)]]);
  expect(readdirSync(dataDir)).toEqual([]);
});

test('rejects a key file that others can read', async () => {
  await openKeyring({ dataDir });
  chmodSync(join(dataDir, 'encryption.key'), 0o640);
  await expect(openKeyring({ dataDir })).rejects.toThrow(/Other users of this machine can read/);
});

test('rejects an invalid key without repeating it', async () => {
  await expect(openKeyring({ encryptionKey: 'c2hvcnQ=', dataDir })).rejects.toThrow(
    'ENCRYPTION_KEY is not a key. It must be 32 bytes in base64',
  );
  writeFileSync(join(dataDir, 'encryption.key'), 'nonsense', { mode: 0o600 });
  await expect(openKeyring({ dataDir })).rejects.toThrow(/encryption\.key is not a key/);
});

import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { authenticate } from '../../src/store/authenticator.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { newDataDir } from '../support/present-schema.ts';

let dataDir: string;
let database: Database;

beforeAll(async () => {
  dataDir = newDataDir();
  // As a service that runs: the command has to go through its database.
  database = await openDatabase({ url: undefined, dataDir });
});

afterAll(async () => {
  await database?.close();
  await rm(dataDir, { recursive: true, force: true });
});

function tenant(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = new URL('../../src/tenant-cli.ts', import.meta.url).pathname;
  const { PATH, TMPDIR } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script, ...args],
      { env: { PATH, TMPDIR, DATA_DIR: dataDir } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test('makes tenants and keys beside the running service, and names them', async () => {
  const added = await tenant('add', 'Blue Tide');
  expect(added).toEqual({ code: 0, stdout: expect.stringMatching(/^mt_\w+_[\w-]{43}\n$/), stderr: '' });
  const another = await tenant('key', 'Blue Tide');
  const [one, two] = await Promise.all(
    [added, another].map(({ stdout }) => authenticate(database.prisma, stdout.trim())),
  );
  expect(one?.tenantId).toBe(two?.tenantId);
  expect((await tenant('list')).stdout).toBe('Blue Tide: 2 keys, 0 accounts\n');
});

test('says what is wrong', async () => {
  await tenant('add', 'Twice');
  expect(await tenant('add', 'Twice')).toEqual({ code: 1, stdout: '', stderr: 'There is a tenant "Twice" already.\n' });
  expect(await tenant('key', 'Nobody')).toMatchObject({ code: 1, stderr: 'There is no tenant "Nobody".\n' });
  for (const args of [[], ['add'], ['add', ' '], ['add', 'a', 'b'], ['drop', 'a'], ['list', 'a']]) {
    expect(await tenant(...args)).toMatchObject({ code: 2, stderr: expect.stringMatching(/^Usage:/) });
  }
});

import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { authenticate } from '../../src/store/tenancy/authenticator.ts';
import { createSession } from '../../src/store/tenancy/sessions.ts';

let dataDir: string;
let database: Database;

beforeAll(async () => {
  dataDir = newDataDir();
  // Like a running service: the command has to use its database.
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

test('tenant-cli adds tenants and keys beside the running service, and lists them', async () => {
  const added = await tenant('add', 'Blue Tide');
  expect(added).toEqual({ code: 0, stdout: expect.stringMatching(/^mt_\w+_[\w-]{43}\n$/), stderr: '' });
  const another = await tenant('key', 'Blue Tide');
  const [one, two] = await Promise.all(
    [added, another].map(({ stdout }) => authenticate(database.prisma, stdout.trim())),
  );
  expect(one?.tenantId).toBe(two?.tenantId);
  expect((await tenant('list')).stdout).toBe('Blue Tide: 2 keys, 0 accounts\n');
});

test('tenant-cli lists keys, revokes them, and ends sessions', async () => {
  const { prisma } = database;
  const [first, second] = [await tenant('add', 'Keys'), await tenant('key', 'Keys')].map(({ stdout }) => stdout.trim());
  const [one, two] = [(await authenticate(prisma, first!))!, (await authenticate(prisma, second!))!];
  await createSession(prisma, one);
  const line = (id: string, sessions: string) => `${id}: created \\d{4}-\\S+Z, ${sessions}\n`;
  expect((await tenant('keys', 'Keys')).stdout).toMatch(
    new RegExp(`^${line(one.apiKeyId, '1 session')}${line(two.apiKeyId, '0 sessions')}$`),
  );
  expect((await tenant('sign-out', 'Keys')).stdout).toBe('Ended 1 session.\n');
  expect(await tenant('revoke', one.apiKeyId)).toEqual({ code: 0, stdout: `Revoked ${one.apiKeyId}.\n`, stderr: '' });
  expect([await authenticate(prisma, first!), await authenticate(prisma, second!)]).toEqual([null, two]);
  expect(await tenant('revoke', one.apiKeyId)).toMatchObject({
    code: 1,
    stderr: `The key "${one.apiKeyId}" does not exist.\n`,
  });
});

test('tenant-cli reports invalid arguments', async () => {
  await tenant('add', 'Twice');
  expect(await tenant('add', 'Twice')).toEqual({ code: 1, stdout: '', stderr: 'The tenant "Twice" already exists.\n' });
  expect(await tenant('key', 'Nobody')).toMatchObject({ code: 1, stderr: 'The tenant "Nobody" does not exist.\n' });
  for (const args of [[], ['add'], ['add', ' '], ['add', 'a', 'b'], ['drop', 'a'], ['list', 'a']]) {
    expect(await tenant(...args)).toMatchObject({ code: 2, stderr: expect.stringMatching(/^Usage:/) });
  }
});

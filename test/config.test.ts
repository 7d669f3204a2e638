import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type MainProcess, runMain } from '../lab/service/main-process.ts';
import { waitFor } from '../lab/wait.ts';
import { readConfig, SETTING_NAMES } from '../src/config.ts';

/** Part of every invalid value, so that a message which contains the value is found. */
const SECRET = 'hunter2';
const key = (length: number, fill = 7) => Buffer.alloc(length, fill).toString('base64');
const url = 'postgresql://user:secret@127.0.0.1:5432/mailtide';

describe('readConfig, an invalid value, throws one line with its name but not its value', () => {
  test.each([
    ['PORT', SECRET],
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['ROLES', SECRET],
    ['ROLES', 'api,worker,hunter2'],
    ['ROLES', ','],
    ['DATABASE_URL', `mysql://user:${SECRET}@host/db`],
    ['DATABASE_URL', SECRET],
    ['PUBLIC_URL', SECRET],
    ['PUBLIC_URL', 'mail.example.org'],
    ['PUBLIC_URL', 'https://mail.example.com/mailtide'],
    ['TRUSTED_PROXIES', SECRET],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', SECRET],
    ['REDIS_URL', `http://user:${SECRET}@host`],
    ['REDIS_URL', `redis://user:${SECRET}@:x`],
    ['REDIS_PREFIX', `${SECRET}:`],
    ['ADMIN_KEY', SECRET],
    ['API_KEY', SECRET],
    ['API_KEY', `mt_id_${SECRET}`],
    ['API_KEY', `mt_${SECRET}`],
    ['ADMIN_KEY', SECRET],
    ['ENCRYPTION_KEY', SECRET],
    ['ENCRYPTION_KEY', key(31)],
    ['ENCRYPTION_KEY', key(33)],
    ['SYNC_CONCURRENCY', '0'],
    ['SYNC_CONCURRENCY', '257'],
    ['SYNC_CONCURRENCY', SECRET],
    ['SYNC_ENABLED', SECRET],
    ['SYNC_INTERVAL_MINUTES', '0'],
    ['SYNC_MAX_RETRIES', '-1'],
    ['SYNC_RETRY_BASE_SECONDS', '0'],
    ['SYNC_TIME_LIMIT_MINUTES', '0'],
    ['MAX_MESSAGE_BYTES', '1000'],
    ['MAX_MESSAGE_BYTES', SECRET],
    ['IMAP_TIMEOUT_SECONDS', '0'],
    ['IMAP_ALLOW_PRIVATE_HOSTS', SECRET],
    ['LOG_LEVEL', SECRET],
  ])('%s=%s', (name, value) => {
    const message = refusalOf({ [name]: value });
    expect(message).toMatch(new RegExp(`^Setting ${name}: [^\\n]{8,}$`));
    if (value.length > 5) expect(message).not.toContain(value);
    expect(message).not.toContain(SECRET);
    // Mailtide's own words, not the validator's.
    expect(message).toMatch(/^Setting \w+: (must|is) /);
  });

  test.each([
    ['PORT', SECRET, 'must be an integer from 0 to 65535'],
    ['PORT', '80.5', 'must be an integer from 0 to 65535'],
    ['SYNC_CONCURRENCY', '0', 'must be an integer from 1 to 256'],
    ['SYNC_ENABLED', SECRET, 'must be one of: true, false, 1, 0, yes, no'],
    ['ROLES', 'api,hunter2', 'must be one of: api, worker, scheduler'],
    ['LOG_LEVEL', SECRET, 'must be one of: trace, debug, info, warn, error, fatal, silent'],
  ])('%s=%s %s', (name, value, sentence) => {
    expect(refusalOf({ [name]: value })).toBe(`Setting ${name}: ${sentence}`);
  });

  test('REDIS_URL without a DATABASE_URL', () => {
    const message = refusalOf({ REDIS_URL: `redis://:${SECRET}@127.0.0.1:6379` });
    expect(message).toMatch(/^Setting REDIS_URL: [^\n]+$/);
    expect(message).not.toContain(SECRET);
  });

  test('DATABASE_URL without an ENCRYPTION_KEY', () => {
    const message = refusalOf({ DATABASE_URL: url });
    expect(message).toMatch(/^Setting ENCRYPTION_KEY: [^\n]+$/);
    expect(message).not.toContain('secret@');
  });
});

function refusalOf(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('this was taken as valid');
}

test('readConfig, an empty environment, has defaults for a single user', () => {
  expect(readConfig({})).toEqual({
    HOST: '127.0.0.1',
    PORT: 4000,
    REDIS_PREFIX: 'mailtide',
    TRUSTED_PROXIES: ['loopback'],
    ROLES: ['api', 'worker', 'scheduler'],
    DATABASE_POOL_SIZE: 10,
    DATA_DIR: './data',
    SYNC_ENABLED: true,
    SYNC_INTERVAL_MINUTES: 15,
    SYNC_CONCURRENCY: 4,
    SYNC_MAX_RETRIES: 3,
    SYNC_RETRY_BASE_SECONDS: 60,
    SYNC_TIME_LIMIT_MINUTES: 60,
    RUN_HISTORY_DAYS: 90,
    MAX_MESSAGE_BYTES: 64 * 1024 * 1024,
    MAX_MAILBOX_MESSAGES: 1_000_000,
    IMAP_TIMEOUT_SECONDS: 90,
    IMAP_ALLOW_PRIVATE_HOSTS: true,
    OAUTH_MICROSOFT_TENANT: 'common',
    OTEL_SERVICE_NAME: 'mailtide',
    OTEL_SDK_DISABLED: false,
    LOG_LEVEL: 'info',
  });
});

test('readConfig, empty values as in compose files, uses the defaults', () => {
  expect(readConfig(Object.fromEntries(SETTING_NAMES.map((name) => [name, ''])))).toEqual(readConfig({}));
});

test('private hosts are allowed by default only if no other machine reaches the API', () => {
  const allowed = (environment: Record<string, string>) => readConfig(environment).IMAP_ALLOW_PRIVATE_HOSTS;
  expect(['127.0.0.1', 'localhost', '::1', '127.8.8.8'].map((HOST) => allowed({ HOST }))).toEqual(Array(4).fill(true));
  expect(allowed({ PUBLIC_URL: 'http://localhost:4000' })).toBe(true);
  expect(allowed({ PUBLIC_URL: 'https://mail.example.com' })).toBe(false);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.evil'].map((HOST) => allowed({ HOST }))).toEqual(Array(4).fill(false));
  expect(allowed({ HOST: '0.0.0.0', IMAP_ALLOW_PRIVATE_HOSTS: 'true' })).toBe(true);
  expect(allowed({ IMAP_ALLOW_PRIVATE_HOSTS: 'no' })).toBe(false);
});

test('readConfig, valid values, converts them to their types', () => {
  const config = readConfig({
    PORT: '0',
    ROLES: 'worker, api',
    DATABASE_URL: url,
    ENCRYPTION_KEY: key(32),
    SYNC_CONCURRENCY: '16',
  });
  expect(config).toMatchObject({ PORT: 0, ROLES: ['worker', 'api'], DATABASE_URL: url, SYNC_CONCURRENCY: 16 });
});

test('readConfig, the result, is frozen', () => {
  const config = readConfig({});
  expect(() => Object.assign(config, { PORT: 1 })).toThrow(TypeError);
  expect(() => (config.ROLES as string[]).push('api')).toThrow(TypeError);
});

test.each([
  ['an invalid setting', { PORT: SECRET }, /^Setting PORT: [^\n]+\n$/],
  ['a database that does not answer', database('127.0.0.1:9'), /^Mailtide cannot start: [^\n]*127\.0\.0\.1:9[^\n]*\n$/],
  ['an invalid database URL', database('127.0.0.1:port'), /^Mailtide cannot start: [^\n]+\n$/],
])('main, %s, exits with code 1 and prints one line', async (_what, environment, line) => {
  await using main = runMain(environment);
  expect(await main.ended).toEqual({ code: 1, signal: null });
  expect(main.stderr()).toMatch(line);
  expect(main.stdout()).toBe('');
  expect(main.stderr()).not.toContain(SECRET);
});

test.each(['/proc/mailtide', '/proc/mailtide/data'])(
  'a DATA_DIR that cannot be created, %s, ends the start',
  async (folder) => {
    await using refused = runMain({ DATA_DIR: folder });
    expect(await refused.ended).toEqual({ code: 1, signal: null });
    expect(refused.stderr()).toMatch(/^Mailtide cannot start: ENOENT[^\n]*'\/proc\/mailtide'\n$/);
  },
);

/** Time for two starts. The first one creates the database, which may take a minute on a busy machine. */
const FIRST_STARTS_MS = 300_000;

test(
  'main, a port in use, prints one line and keeps the first key for later',
  async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'data-'));
    await using other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const taken = String((other.address() as AddressInfo).port);
    await using refused = runMain({ DATA_DIR: folder.path, PORT: taken });
    expect(await refused.ended).toEqual({ code: 1, signal: null });
    expect(refused.stderr()).toMatch(/^Mailtide cannot start: [^\n]*EADDRINUSE[^\n]*\n$/);
    expect(refused.stdout()).toBe('');

    await using started = runMain({ DATA_DIR: folder.path });
    await expectFirstKey(started, folder.path);
    started.kill('SIGTERM');
    await started.ended;
  },
  FIRST_STARTS_MS,
);

test(
  'main, a role without an API, creates no key',
  async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'data-'));
    await using worker = runMain({ DATA_DIR: folder.path, ROLES: 'worker', LOG_LEVEL: 'info' });
    // Prints no line when it is ready. The key file appears after the database is open, at the point where a key is
    // created.
    await waitFor(() => existsSync(join(folder.path, 'encryption.key')), {
      what: 'the worker to start',
      timeoutMs: 150_000,
    });
    worker.kill('SIGTERM');
    await worker.ended;

    await using started = runMain({ DATA_DIR: folder.path });
    await expectFirstKey(started, folder.path);
    started.kill('SIGTERM');
    await started.ended;
  },
  FIRST_STARTS_MS,
);

/** Without a terminal, the key is in a file that only its owner can read, and not in the output. */
async function expectFirstKey(started: MainProcess, dataDir: string): Promise<void> {
  const file = join(dataDir, 'first-api-key');
  const isNamed = () => started.stdout().includes(`The first API key is in ${file}. `);
  await waitFor(isNamed, { what: 'the first key to be named', timeoutMs: 150_000 });
  expect(readFileSync(file, 'utf8')).toMatch(/^mt_\S+\n$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(started.stdout()).not.toMatch(/mt_\w+_/);
}

function database(host: string): Record<string, string> {
  return { DATABASE_URL: `postgresql://user:${SECRET}@${host}/mailtide`, ENCRYPTION_KEY: key(32), LOG_LEVEL: 'info' };
}

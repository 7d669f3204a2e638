import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Databases of the present schema, which are made once for all test files, by the program itself: each takes seconds,
 * and nearly every test file wants one. Benchmarks have none, and pay for their own.
 */

const TEMPLATE = 'present-schema';

/** A server's database is not opened without one; nothing is encrypted here. */
const ENCRYPTION_KEY = Buffer.alloc(32).toString('base64');

/** Makes the embedded one, in the folder of temporary files. */
export async function makeEmbeddedTemplate(): Promise<void> {
  await bringToPresent({ DATA_DIR: join(tmpdir(), TEMPLATE) });
}

/** Brings the database of these settings to the present schema. */
export async function bringToPresent(settings: { DATA_DIR: string } | { DATABASE_URL: string }): Promise<void> {
  await promisify(execFile)('sh', ['scripts/service.sh', 'src/migrate-cli.ts'], {
    cwd: join(import.meta.dirname, '../..'),
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], ENCRYPTION_KEY, ...settings },
  });
}

/** A new folder for an embedded database, which is in it already where there is a template. */
export function newDataDir(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'data-'));
  const template = join(tmpdir(), TEMPLATE, 'postgres');
  if (existsSync(template)) cpSync(template, join(dataDir, 'postgres'), { recursive: true });
  return dataDir;
}

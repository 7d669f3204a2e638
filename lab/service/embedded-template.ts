import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Template databases with the present schema, created once for all test files by the program itself: creating one takes
 * seconds, and nearly every test file needs one. Benchmarks have none, and create their own.
 */

const TEMPLATE = 'present-schema';

/** Required to open a server's database; nothing is encrypted here. */
const ENCRYPTION_KEY = Buffer.alloc(32).toString('base64');

/** Creates the embedded template in the temporary directory. */
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

/** Returns a new directory for an embedded database, with a copy of the template if one exists. */
export function newDataDir(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'data-'));
  const template = join(tmpdir(), TEMPLATE, 'postgres');
  if (existsSync(template)) cpSync(template, join(dataDir, 'postgres'), { recursive: true });
  return dataDir;
}

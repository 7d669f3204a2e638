import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bringToPresent, makeEmbeddedTemplate } from '../service/embedded-template.ts';
import { waitFor } from '../wait.ts';
import { type DovecotCoordinates, startDovecot } from './dovecot.ts';
import { processesOf } from './left-behind.ts';
import { type PostgresCoordinates, startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';

declare module 'vitest' {
  interface ProvidedContext {
    dovecot: DovecotCoordinates;
    postgres: PostgresCoordinates;
    redis: string;
  }
}

/**
 * Starts one Dovecot, one PostgreSQL and one Redis for all test files, and creates a template with the present schema
 * for both kinds of database. `shared-servers.ts` passes them to the tests.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // All temporary files of this run, including those of the processes that tests start, are in one directory.
  const folder = mkdtempSync(join(tmpdir(), 'mailtide-tests-'));
  chmodSync(folder, 0o755);
  process.env['TMPDIR'] = folder;

  const [dovecot, postgres, redis] = await Promise.all([startDovecot(), startPostgres(), startRedis()]);
  const template = await postgres.createDatabase();
  await Promise.all([bringToPresent({ DATABASE_URL: template }), makeEmbeddedTemplate()]);
  const { host, port, tlsPort, authority, password } = dovecot;
  project.provide('dovecot', { host, port, tlsPort, authority, password, folder: dovecot.folder });
  project.provide('postgres', { port: postgres.port, password: postgres.password, template });
  project.provide('redis', redis.url);

  return async () => {
    await Promise.all([dovecot.stop(), postgres.stop(), redis.stop()]);
    const left = await endWhatIsLeft(folder);
    rmSync(folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`Tests left processes behind:\n${left.join('\n')}`);
  };
}

/** Tests must stop whatever they start. The children of this process are the test runner's own workers. */
async function endWhatIsLeft(folder: string): Promise<string[]> {
  const left = () => processesOf(folder).filter(({ parent }) => parent !== process.pid);
  const gone = waitFor(() => left().length === 0, { what: 'the processes of the tests', timeoutMs: 3000 });
  // What is left then is reported below.
  await gone.catch(() => undefined);
  return left().map(({ pid, command }) => {
    process.kill(pid, 'SIGKILL');
    return `${pid} ${command}`;
  });
}

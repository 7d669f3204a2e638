import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import pino from 'pino';
import { type App, startApp } from './app.ts';
import { type Config, readConfig } from './config.ts';
import { makeFolder } from './make-folder.ts';

/** Longest time that stopping may take, in milliseconds: who stops us waits 10 s before it kills. */
const STOP_WITHIN_MS = 9_000;

function configOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

// The young generation's limit on the command line (scripts/service.sh) is for this thread, which has its heap by now.
// Other threads have limits of their own (`resourceLimits`), which V8 does not heed while there is one for all.
setFlagsFromString('--max-semi-space-size=0');

const config = configOrExit();
const log = pino({ level: config.LOG_LEVEL });
let app: App | null = null;
let stopping = false;

function stop(signal: string): void {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, 'stopping');
  // Nothing runs yet, and every step of a start may be interrupted: the next one begins it again.
  if (!app) process.exit(0);
  setTimeout(() => {
    log.error('stopping took too long: what was not committed is done again at the next start');
    process.exit(1);
  }, STOP_WITHIN_MS).unref();
  app.close().then(
    () => process.exit(0),
    (error: unknown) => {
      log.error({ err: error }, 'stopping failed');
      process.exit(1);
    },
  );
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);

try {
  app = await startApp(config, log);
  announce(app.url, app.newApiKey, config.DATA_DIR);
} catch (error) {
  console.error(`Mailtide cannot start: ${reasonOf(error)}`);
  log.debug({ err: error }, 'start failed');
  process.exit(1);
}

/** A host with several addresses fails with one error for each of them, and none of its own. */
function reasonOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? error.errors : [error];
  return first instanceof Error ? first.message : String(first);
}

/**
 * For the person at the terminal; the key is shown this one time. Other standard output ends in a log that keeps it, so
 * there the key goes to a file that only the service's user can read.
 */
function announce(url: string, newApiKey: string | null, dataDir: string): void {
  console.log(`Mailtide listens on ${url}`);
  if (!newApiKey) return;
  if (process.stdout.isTTY) {
    console.log(`\nSign in (shown only once, the key opens everything):\n  ${url}/sign-in?key=${newApiKey}\n`);
    console.log(`API key: ${newApiKey}`);
    return;
  }
  const file = join(dataDir, 'first-api-key');
  try {
    makeFolder(dataDir);
    // The mode counts for a new file only.
    rmSync(file, { force: true });
    writeFileSync(file, `${newApiKey}\n`, { mode: 0o600 });
    console.log(`The first API key is in ${file}: sign in with it at ${url}, then delete the file.`);
  } catch (error) {
    console.error(
      `The first API key could not be written to ${file} (${reasonOf(error)}): "npm run tenant -- key default" makes another.`,
    );
  }
}

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import pino from 'pino';
import { type App, startApp } from './app.ts';
import { type Config, readConfig } from './config.ts';
import { makeFolder } from './make-folder.ts';

/** Shutdown deadline in ms. Supervisors usually send SIGKILL after 10 s. */
const STOP_WITHIN_MS = 9_000;

function configOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

// The command line (scripts/service.sh) limits the young generation of this thread, whose heap exists by now. Other
// threads have their own limits (`resourceLimits`), which V8 ignores while a global limit is set.
setFlagsFromString('--max-semi-space-size=0');

const config = configOrExit();
const log = pino({ level: config.LOG_LEVEL });
let app: App | null = null;
let stopping = false;

function stop(signal: string): void {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, 'stopping');
  // Nothing runs yet, and every step of a start may be interrupted and is repeated by the next start.
  if (!app) process.exit(0);
  setTimeout(() => {
    log.error('shutdown timed out: uncommitted work is repeated after the next start');
    process.exit(1);
  }, STOP_WITHIN_MS).unref();
  app.close().then(
    () => process.exit(0),
    (error: unknown) => {
      log.error({ err: error }, 'shutdown failed');
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

/** Returns the first message of an error. A host with several addresses fails with an AggregateError of one each. */
function reasonOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? error.errors : [error];
  return first instanceof Error ? first.message : String(first);
}

/**
 * Prints the address and, once, a new key. If standard output is not a terminal, it usually ends in a log, so the key
 * goes to a file that only the service's user can read.
 */
function announce(url: string, newApiKey: string | null, dataDir: string): void {
  console.log(`Mailtide listens on ${url}`);
  if (!newApiKey) return;
  if (process.stdout.isTTY) {
    console.log(`\nSign in (shown only once; the key gives full access):\n  ${url}/sign-in?key=${newApiKey}\n`);
    console.log(`API key: ${newApiKey}`);
    return;
  }
  const file = join(dataDir, 'first-api-key');
  try {
    makeFolder(dataDir);
    // The mode applies only to a new file.
    rmSync(file, { force: true });
    writeFileSync(file, `${newApiKey}\n`, { mode: 0o600 });
    console.log(`The first API key is in ${file}. Sign in with it at ${url}, then delete the file.`);
  } catch (error) {
    console.error(
      `The first API key could not be written to ${file} (${reasonOf(error)}). Run "npm run tenant -- key default" to create another.`,
    );
  }
}

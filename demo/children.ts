import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Longer than the service takes to stop, in milliseconds. */
const STOP_WITHIN_MS = 12_000;

/**
 * The demo's processes, and the temporary directory, the only place where they write. Each process leads its own
 * process group, so that Ctrl-C reaches only the demo, which ends them in order, with the processes that they have
 * started.
 */
export class Children {
  readonly folder = mkdtempSync(join(tmpdir(), 'mailtide-demo-'));
  readonly #running = new Map<string, ChildProcess>();
  readonly #failure = Promise.withResolvers<never>();
  #stopping = false;

  constructor() {
    // A caller may await it later, or never.
    this.#failure.promise.catch(() => {});
  }

  /** Rejects with one line if a child ends that was not stopped. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** Starts one of our programs, with its output in a file. */
  start(
    name: string,
    [command, ...args]: [string, ...string[]],
    environment: Record<string, string> = {},
  ): ChildProcess {
    if (this.#stopping) throw new Error('stopping');
    const log = openSync(this.#logFile(name), 'a');
    const child = spawn(command, args, {
      cwd: join(import.meta.dirname, '..'),
      // None of the user's own settings: the demo must not write to their database.
      env: { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, TMPDIR: this.folder, ...environment },
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
    });
    this.#running.set(name, child);
    child.once('exit', (code, signal) => {
      this.#running.delete(name);
      const reason = lastWords(this.logOf(name)) ?? signal ?? `exit code ${code}`;
      this.#failure.reject(new Error(`the ${name} ended: ${reason}`));
    });
    return child;
  }

  logOf(name: string): string {
    return readFileSync(this.#logFile(name), 'utf8');
  }

  /** Ends all processes, the last one first, and removes the directory. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const child of [...this.#running.values()].reverse()) await end(child);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #logFile(name: string): string {
    return join(this.folder, `${name.replaceAll(' ', '-')}.log`);
  }
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  const kill = (signal: NodeJS.Signals): boolean => process.kill(-child.pid!, signal);
  const timer = setTimeout(() => kill('SIGKILL'), STOP_WITHIN_MS);
  kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

/** The reason why a program ended: our service's fatal line, or the error of another program. */
function lastWords(log: string): string | undefined {
  const fatal = /"level":60,.*"msg":"((?:[^"\\]|\\.)*)"/.exec(log)?.[1];
  return fatal ?? /^\w*Error: .+$/m.exec(log)?.[0];
}

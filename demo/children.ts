import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Longer than the service takes to stop by itself, in milliseconds. */
const STOP_WITHIN_MS = 12_000;

/**
 * The demo's processes and the temporary folder that is all they write to. Each leads a process group of its own: so
 * Ctrl-C reaches the demo alone, which then ends them in order, and what they have started ends with them.
 */
export class Children {
  readonly folder = mkdtempSync(join(tmpdir(), 'mailtide-demo-'));
  readonly #running = new Map<string, ChildProcess>();
  readonly #failure = Promise.withResolvers<never>();
  #stopping = false;

  constructor() {
    // Who waits for it may come later, or not at all.
    this.#failure.promise.catch(() => {});
  }

  /** Rejects with one line when a child ends that was not stopped. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** Starts a program of ours. What it prints goes to a file. */
  start(
    name: string,
    [command, ...args]: [string, ...string[]],
    environment: Record<string, string> = {},
  ): ChildProcess {
    if (this.#stopping) throw new Error('stopping');
    const log = openSync(this.#logFile(name), 'a');
    const child = spawn(command, args, {
      cwd: join(import.meta.dirname, '..'),
      // Nothing of the person's own settings: the demo must not end up in their database.
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

  /** Ends all, the last one first, and removes the folder. */
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

/** Why a program says that it ends: our service's fatal line, or the error that ended another one. */
function lastWords(log: string): string | undefined {
  const fatal = /"level":60,.*"msg":"((?:[^"\\]|\\.)*)"/.exec(log)?.[1];
  return fatal ?? /^\w*Error: .+$/m.exec(log)?.[0];
}

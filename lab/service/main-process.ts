import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The service's process, even if it exits before serving. `startService` covers the usual case. */
export type MainProcess = AsyncDisposable & {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** How it ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
};

export function runMain(environment: Record<string, string>): MainProcess {
  const child = spawn('sh', ['scripts/service.sh', 'src/main.ts'], {
    cwd: join(import.meta.dirname, '../..'),
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    let text = '';
    stream.on('data', (data: Buffer) => {
      text += data.toString();
    });
    return () => text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return {
    stdout: stdout!,
    stderr: stderr!,
    ended,
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

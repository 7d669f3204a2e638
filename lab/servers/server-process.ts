import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../wait.ts';

export type ServerCommand = {
  name: string;
  command: readonly string[];
  /** The server's directory, which is deleted with it. */
  folder: string;
  stopSignal: 'KILL' | 'QUIT';
  ready: () => Promise<boolean>;
};

export type ServerProcess = AsyncDisposable & { stop(): Promise<void> };

/*
 * A shell between us and the server reads a pipe that only we hold. The pipe ends when we close it, and also when we are
 * killed. In both cases the shell stops the server, removes the directory, and ends its process group, itself included.
 * An 'exit' handler would not run on SIGKILL, and the kernel's parent-death signal would leave the directory behind.
 */
const GUARD = `
signal=$1 folder=$2
shift 2
exec 3<&0
"$@" 3<&- &
server=$!
(
  read -r _ <&3
  kill -s "$signal" "$server"
  sleep 15
  kill -s KILL "$server"
) &
wait "$server"
trap '' TERM
kill -s TERM -- "-$$"
rm -rf "$folder" || { sleep 1; rm -rf "$folder"; }
kill -s KILL -- "-$$"
`;

/** Resolves when the server is ready. Rejects with the end of its log if it ends or hangs before that. */
export async function startServer({ name, command, folder, stopSignal, ready }: ServerCommand): Promise<ServerProcess> {
  const log = openSync(join(folder, 'output.log'), 'a+');
  const guard = spawn('sh', ['-c', GUARD, 'guard', stopSignal, folder, ...command], {
    cwd: folder,
    // In a process group of its own: Ctrl-C in the terminal reaches only us, and we stop the server in order.
    detached: true,
    stdio: ['pipe', log, log],
  });
  const exited = once(guard, 'exit');

  // A server that was not stopped must not keep the process alive: its end closes the pipe.
  guard.unref();

  async function stop(): Promise<void> {
    guard.ref();
    guard.stdin?.end();
    await exited;
  }

  const ended = () => guard.exitCode !== null || guard.signalCode !== null;
  try {
    await waitFor(() => ended() || ready(), { what: `${name} to accept connections`, timeoutMs: 30_000 });
    if (ended()) throw new Error(`${name} ended while starting`);
  } catch (error) {
    await stop();
    // Reads through the open file, because the guard may have deleted its name already.
    throw new Error(`${name} did not start: ${readAll(log).slice(-2000)}`, { cause: error });
  } finally {
    closeSync(log);
  }
  return { stop, [Symbol.asyncDispose]: stop };
}

function readAll(file: number): string {
  const bytes = Buffer.alloc(fstatSync(file).size);
  readSync(file, bytes, 0, bytes.length, 0);
  return bytes.toString();
}

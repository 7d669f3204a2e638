import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { startService } from '../../lab/service/service.ts';
import { DataDirInUse, dataDirOwner, lockDataDir } from '../../src/store/embedded/data-dir-lock.ts';
import { openEmbedded } from '../../src/store/embedded/open-embedded.ts';

vi.setConfig({ testTimeout: 180_000 });
const ROOT = join(import.meta.dirname, '../..');
const HOLDER = join(ROOT, 'lab/service/lock-holder.ts');
let dataDir: string;
const children: number[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'lock-'));
});

afterEach(() => {
  for (const pid of children.splice(0)) process.kill(pid, 'SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

/** Another process that holds the lock, with a child of its own. */
async function startHolder(): Promise<ChildProcess> {
  const holder = spawn(process.execPath, ['--expose-gc', '--disable-warning=ExperimentalWarning', HOLDER, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: holder.stdout }), 'line')) as [string];
  children.push(Number(line.split(' ')[1]));
  return holder;
}

const refusal = (): string => {
  try {
    lockDataDir(dataDir).release();
    return 'not refused';
  } catch (error) {
    expect(error).toBeInstanceOf(DataDirInUse);
    return (error as Error).message;
  }
};

test('the lock of a live process excludes others, and ends with SIGKILL', async () => {
  const holder = await startHolder();
  const sentence = `DATA_DIR ${dataDir} is in use by another Mailtide (process ${holder.pid} on ${hostname()}). Stop it first.`;
  expect(refusal()).toBe(sentence);
  expect(refusal()).toBe(sentence);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  process.kill(children[0]!, 0);
  expect(refusal()).toBe('not refused');
});

test('a rejected attempt in the same process leaves the lock intact', async () => {
  const lock = lockDataDir(dataDir);
  lock.announce('/nowhere');
  expect(refusal()).toContain(`(process ${process.pid} on ${hostname()})`);
  const script = `import { lockDataDir } from ${JSON.stringify(join(ROOT, 'src/store/embedded/data-dir-lock.ts'))};
    lockDataDir(${JSON.stringify(dataDir)});`;
  const other = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: 'pipe' });
  const [code] = (await once(other, 'exit')) as [number];
  expect(code).toBe(1);
  lock.release();
  expect(dataDirOwner(dataDir)).toBeNull();
  expect(refusal()).toBe('not refused');
});

test.each([
  [
    'of a version with another lock, and a pid that is in use',
    JSON.stringify({ pid: process.pid, socketDir: '/gone' }),
  ],
  ['cut short by a crash', '{"pid":1'],
])('a lock file of a dead owner, %s, blocks nobody', async (_what, content) => {
  const ofService = newDataDir();
  writeFileSync(join(ofService, 'mailtide.lock'), content);
  const embedded = await openEmbedded(ofService);
  expect(dataDirOwner(ofService)).toEqual({ pid: process.pid, host: hostname(), socketDir: embedded.socketDir });
  await embedded.close();
  rmSync(ofService, { recursive: true });
});

test('a running service of a version with another lock keeps its directory', async () => {
  const server = createServer().listen(join(dataDir, '.s.PGSQL.5432'));
  const file = join(dataDir, 'mailtide.lock');
  const content = JSON.stringify({ pid: 4711, socketDir: dataDir });
  writeFileSync(file, content);
  await expect(openEmbedded(dataDir)).rejects.toThrow('is in use by another Mailtide (process 4711). Stop it first.');
  expect(readFileSync(file, 'utf8')).toBe(content);
  server.close();
});

// Creating namespaces requires root, as in CI or with sudo.
describe.skipIf(process.getuid!() !== 0)(
  'in a pid and mount namespace of its own, as in another container (root only)',
  () => {
    /** Runs a part of the service there; `hide` is a directory that is invisible in it. */
    function elsewhere(args: string[], hide: string): Promise<{ code: number; stdout: string; stderr: string }> {
      const script = 'mount -t tmpfs none "$0" && exec sh scripts/service.sh "$@"';
      return new Promise((resolve) => {
        execFile(
          'unshare',
          ['--fork', '--pid', '--mount-proc', '--kill-child', 'sh', '-c', script, hide, ...args],
          {
            cwd: ROOT,
            env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], DATA_DIR: dataDir, PORT: '0' },
          },
          (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
        );
      });
    }

    test('neither a service nor a command can open the files, and the lock holds', async () => {
      rmSync(dataDir, { recursive: true });
      dataDir = newDataDir();
      await using service = await startService({ dataDir });
      const owner = dataDirOwner(dataDir)!;
      const inUse = `DATA_DIR ${dataDir} is in use by another Mailtide (process ${service.pid} on ${hostname()})`;
      const nothing = mkdtempSync(join(tmpdir(), 'nothing-'));

      const second = await elsewhere(['src/main.ts'], nothing);
      expect(second).toEqual({ code: 1, stdout: '', stderr: `Mailtide cannot start: ${inUse}. Stop it first.\n` });

      for (const args of [['src/tenant-cli.ts', 'add', 'Far'], ['src/migrate-cli.ts']]) {
        expect(await elsewhere(args, owner.socketDir)).toEqual({
          code: 1,
          stdout: '',
          stderr: `${inUse} and cannot be reached from here: run this command in the same container, once the service is ready.\n`,
        });
      }
      const near = await elsewhere(['src/tenant-cli.ts', 'add', 'Near'], nothing);
      expect(near).toMatchObject({ code: 0, stderr: '' });
      rmSync(nothing, { recursive: true });

      expect(dataDirOwner(dataDir)).toEqual(owner);
      const { data } = await service.ask<{ viewer: { tenant: { name: string } } }>(
        '{ viewer { tenant { name } } }',
        {},
        near.stdout.trim(),
      );
      expect(data.viewer.tenant.name).toBe('Near');
    });
  },
);

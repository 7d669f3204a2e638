import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DovecotCoordinates } from '../lab/servers/dovecot.ts';
import type { Contender } from './contender.ts';
import { usageOf } from './usage.ts';

/** mbsync (Debian's isync), which copies the mailbox into a Maildir. */
export function mbsync(server: DovecotCoordinates, user: string, fsync: boolean): Contender {
  return {
    name: fsync ? 'mbsync' : 'mbsync, FSync no',
    async run() {
      const folder = mkdtempSync(join(tmpdir(), 'mbsync-'));
      try {
        mkdirSync(join(folder, 'mail'));
        writeFileSync(join(folder, 'mbsyncrc'), configuration(server, user, folder, fsync));
        const first = await pull(folder);
        const second = await pull(folder);
        return {
          seconds: first.seconds,
          unchangedSeconds: second.seconds,
          cpuSeconds: first.cpuSeconds,
          peakRssMb: first.peakRssMb,
          messages: ['cur', 'new'].reduce((n, sub) => n + readdirSync(join(folder, 'mail', 'INBOX', sub)).length, 0),
        };
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

const configuration = (server: DovecotCoordinates, user: string, folder: string, fsync: boolean): string => `
FSync ${fsync ? 'yes' : 'no'}

IMAPAccount bench
Host ${server.host}
Port ${server.port}
User ${user}
Pass ${server.password}
SSLType None

IMAPStore remote
Account bench

MaildirStore local
Path ${folder}/mail/
Inbox ${folder}/mail/INBOX

Channel bench
Far :remote:
Near :local:
Patterns INBOX
Create Near
Sync Pull
SyncState ${folder}/state-
`;

async function pull(folder: string): Promise<{ seconds: number; cpuSeconds: number; peakRssMb: number }> {
  const began = performance.now();
  const child = spawn('mbsync', ['-q', '-c', join(folder, 'mbsyncrc'), 'bench'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (data: Buffer) => {
    complaint += data.toString();
  });
  let usage = { cpuSeconds: 0, peakRssMb: 0 };
  const watch = setInterval(() => {
    try {
      const { cpuSeconds, peakRssMb } = usageOf(child.pid!);
      // A process that has ended and was not waited for has no memory any more.
      usage = { cpuSeconds, peakRssMb: Math.max(peakRssMb, usage.peakRssMb) };
    } catch {
      // It ended in between: the last reading counts.
    }
  }, 20);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`mbsync failed: ${complaint}`);
  return { seconds: (performance.now() - began) / 1000, ...usage };
}

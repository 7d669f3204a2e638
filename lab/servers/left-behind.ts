import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export type Process = { pid: number; parent: number; command: string };

/**
 * Returns the processes that belong to a directory: their environment or arguments name it, or they run or are locked
 * (chroot) inside it. Servers remove some of these marks on purpose, but hardly all.
 */
export function processesOf(folder: string): Process[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => traces(pid).some((trace) => trace.includes(folder)))
    .map((pid) => ({
      pid: Number(pid),
      parent: Number(/^PPid:\s+(\d+)/m.exec(of(pid, 'status'))?.[1]),
      command: of(pid, 'cmdline').replaceAll('\0', ' ').trim(),
    }));
}

function traces(pid: string): string[] {
  return [of(pid, 'environ'), of(pid, 'cmdline'), linkOf(pid, 'cwd'), linkOf(pid, 'root')];
}

// A process may end, or belong to another user, while it is read: then it has no marks.
function of(pid: string, file: string): string {
  try {
    return readFileSync(join('/proc', pid, file), 'latin1');
  } catch {
    return '';
  }
}

function linkOf(pid: string, link: string): string {
  try {
    return readlinkSync(join('/proc', pid, link));
  } catch {
    return '';
  }
}

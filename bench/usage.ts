import { readFileSync } from 'node:fs';

/** The resources that a process and its children have used so far. */
export interface Usage {
  readonly cpuSeconds: number;
  /** The peak resident size of the process itself (VmHWM), in MB. */
  readonly peakRssMb: number;
}

/** The kernel's clock ticks per second, the same on every Linux that Node runs on. */
const TICKS = 100;

export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  // utime, stime, and those of children that ended: fields 14 to 17 of proc(5).
  return { cpuSeconds: (fields[11]! + fields[12]! + fields[13]! + fields[14]!) / TICKS, peakRssMb: peak };
}

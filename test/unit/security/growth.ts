import { cpuMs } from '../cpu-time.ts';

/**
 * Lengths of input, in characters. Small steps at first, so that exponential growth is found before it takes minutes.
 */
const LENGTHS = [16, 20, 25, 31, 39, 49, 61, 256, 1024, 4096, 16_384];
/** Less CPU time than this, in milliseconds, is harmless and too short to measure. */
const HARMLESS_MS = 15;
/** Linear work takes 4 times as long on 4 times the input, quadratic work 16 times. */
const TIMES = 4;
const LINEAR_AT_MOST = 9;

/**
 * Whether the work grows more than linearly with its input. Measures CPU time, so that a busy machine does not matter.
 */
export function growsSuperLinearly(work: (length: number) => unknown): boolean {
  // The code is cold at first, and a garbage collection may fall into any round.
  const best = (length: number) => Math.min(...[1, 2, 3].map(() => cpuMsOf(() => work(length))));
  for (const length of LENGTHS) {
    if (cpuMsOf(() => work(length)) < HARMLESS_MS) continue;
    const longer = best(length);
    if (longer > HARMLESS_MS && longer > LINEAR_AT_MOST * best(Math.floor(length / TIMES))) return true;
  }
  return false;
}

function cpuMsOf(work: () => unknown): number {
  const before = cpuMs();
  work();
  return cpuMs() - before;
}

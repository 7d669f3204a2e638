/** Lengths of input, in characters. Small steps at first: what grows exponentially is found before it takes minutes. */
const LENGTHS = [16, 20, 25, 31, 39, 49, 61, 256, 1024, 4096, 16_384];
/** Less than this is no harm, and nothing that a clock tells apart. Milliseconds of CPU. */
const HARMLESS_MS = 15;
/** Linear work takes 4 times as long on 4 times as much, quadratic work 16 times. */
const TIMES = 4;
const LINEAR_AT_MOST = 9;

/** Whether work takes more than linearly longer on longer input. The clock counts CPU time, so a busy machine is no fault. */
export function growsSuperLinearly(work: (length: number) => unknown): boolean {
  // The first times the code is cold, and a collection may fall into any.
  const best = (length: number) => Math.min(...[1, 2, 3].map(() => cpuMs(() => work(length))));
  for (const length of LENGTHS) {
    if (cpuMs(() => work(length)) < HARMLESS_MS) continue;
    const longer = best(length);
    if (longer > HARMLESS_MS && longer > LINEAR_AT_MOST * best(Math.floor(length / TIMES))) return true;
  }
  return false;
}

function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

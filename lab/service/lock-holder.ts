import { spawn } from 'node:child_process';
import { lockDataDir } from '../../src/store/embedded/data-dir-lock.ts';

/** Locks the data directory, starts a child that outlives it, prints the child's pid, and waits to be killed. */
lockDataDir(process.argv[2]!).announce('/nowhere');
// The lock must not depend on the object staying referenced.
await new Promise(setImmediate);
globalThis.gc!();
const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
console.log(`locked ${child.pid}`);
setInterval(() => {}, 60_000);

import { startDovecot } from './dovecot.ts';

/** Starts a Dovecot, prints its address, and waits to be killed. */
const { folder } = await startDovecot();
console.log(folder);
setInterval(() => {}, 60_000);

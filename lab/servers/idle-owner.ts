import { startDovecot } from './dovecot.ts';

/** Starts a Dovecot, says where, and waits to be killed. */
const { folder } = await startDovecot();
console.log(folder);
setInterval(() => {}, 60_000);

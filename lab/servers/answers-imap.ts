import { connect } from 'node:net';

/** Whether an IMAP server answers on this port. */
export function answersImap(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const answer = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.once('data', (greeting) => answer(greeting.toString().startsWith('* OK')));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
    socket.setTimeout(1000, () => answer(false));
  });
}

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A relay to a server that seems far away: everything takes `ms` milliseconds for the round trip. */
export async function openSlowLine(
  to: { host: string; port: number },
  ms: number,
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(to);
    for (const [from, into] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => from.destroy());
      // Timers of equal length end in the order in which they began.
      from.on('data', (data) => setTimeout(() => into.writable && into.write(data), ms / 2));
      from.on('close', () => {
        sockets.delete(from);
        setTimeout(() => into.destroySoon(), ms / 2);
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy of a real server whose answers are as slow as a test wants, so that a sync can be watched. */
export interface SlowServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Bytes per second of all answers together, from now on. 0 holds them back; Infinity removes the limit. */
  bytesPerSecond: number;
}

const HOST = '127.0.0.1';
const EVERY_MS = 20;

export async function openSlowServer(
  to: { host: string; port: number },
  bytesPerSecond = Infinity,
): Promise<SlowServer> {
  const sockets = new Set<Socket>();
  const waiting: { readonly client: Socket; rest: Buffer }[] = [];
  const slow = { bytesPerSecond };

  const server = createServer((client) => {
    const upstream = connect(to);
    client.pipe(upstream);
    upstream.on('data', (rest) => waiting.push({ client, rest }));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
  });

  const timer = setInterval(() => {
    let allowed = (slow.bytesPerSecond * EVERY_MS) / 1000;
    while (waiting.length > 0 && allowed > 0) {
      const { client, rest } = waiting[0]!;
      const now = rest.subarray(0, Math.min(rest.length, Math.ceil(allowed)));
      client.write(now);
      allowed -= now.length;
      waiting[0]!.rest = rest.subarray(now.length);
      if (waiting[0]!.rest.length === 0) waiting.shift();
    }
  }, EVERY_MS);

  await once(server.listen(0, HOST), 'listening');
  return Object.assign(slow, {
    host: HOST,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

export type Tunnel = AsyncDisposable & {
  readonly host: string;
  readonly port: number;
  /** From now on nobody gets in, and who is in is cut off. */
  close(): Promise<void>;
  /** Lets in again, on the same port. */
  open(): Promise<void>;
  /** Every connection passes so many bytes of the server's answers, then it is cut, or nothing comes any more. */
  limit(bytes: number, then: 'cut' | 'hang'): void;
  unlimit(): void;
  /** From now on nothing passes, in neither direction, and nobody is told: a cable that was pulled. */
  pull(): void;
  /** What was said meanwhile arrives. */
  plug(): void;
};

/** A port that leads to a real server for as long, and as far, as a test wants it to. */
export async function openTunnel(to: { host: string; port: number }): Promise<Tunnel> {
  const sockets = new Set<Socket>();
  let most = Number.POSITIVE_INFINITY;
  let end: 'cut' | 'hang' = 'cut';
  let port = 0;
  let server: Server;
  let pulled = false;

  function pass(client: Socket): void {
    const upstream = connect(to);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    if (pulled) for (const socket of [client, upstream]) socket.pause();
    let passed = 0;
    upstream.on('data', (data: Buffer) => {
      const allowed = data.subarray(0, Math.max(0, most - passed));
      passed += data.length;
      if (allowed.length > 0) client.write(allowed);
      if (allowed.length < data.length && end === 'cut') client.destroySoon();
    });
  }

  async function open(): Promise<void> {
    server = createServer(pass).listen(port, HOST);
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  }

  async function close(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  await open();
  return {
    host: HOST,
    get port() {
      return port;
    },
    open,
    close,
    limit(bytes, then) {
      most = bytes;
      end = then;
    },
    unlimit() {
      most = Number.POSITIVE_INFINITY;
    },
    pull() {
      pulled = true;
      for (const socket of sockets) socket.pause();
    },
    plug() {
      pulled = false;
      for (const socket of sockets) socket.resume();
    },
    [Symbol.asyncDispose]: close,
  };
}

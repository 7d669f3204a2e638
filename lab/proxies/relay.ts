import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

export type Relay = AsyncDisposable & {
  readonly host: string;
  readonly port: number;
  /** Cuts all connections, and refuses new ones. */
  readonly close: () => Promise<void>;
  /** Accepts connections again, on the same port. */
  readonly open: () => Promise<void>;
};

/**
 * A relay to a server. Each client gets its own connection to the server, and both end together. `pass` decides what
 * passes between them.
 */
export async function openRelay(
  to: { host: string; port: number },
  pass: (client: Socket, upstream: Socket) => void,
): Promise<Relay> {
  const sockets = new Set<Socket>();
  let port = 0;
  let server: Server;

  function accept(client: Socket): void {
    const upstream = connect(to);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        // The server's last bytes still reach the client.
        client.destroySoon();
        upstream.destroy();
      });
    }
    pass(client, upstream);
  }

  async function open(): Promise<void> {
    server = createServer(accept).listen(port, HOST);
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
    [Symbol.asyncDispose]: close,
  };
}

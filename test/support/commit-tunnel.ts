import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What PostgreSQL says when a COMMIT is done: CommandComplete (C), its length, the tag. */
const COMMITTED = Buffer.from('C\0\0\0\x0bCOMMIT\0', 'latin1');

export type CommitTunnel = AsyncDisposable & {
  /** The database's URL, through the tunnel. */
  readonly databaseUrl: string;
  /** Called when a commit is durable and its client has not heard of it; true keeps it from hearing anything more. */
  onCommit: (() => boolean) | null;
};

/** A way to a PostgreSQL on which commits can be seen, without a word of it in the program that commits. */
export async function openCommitTunnel(databaseUrl: string): Promise<CommitTunnel> {
  const [to, url] = [new URL(databaseUrl), new URL(databaseUrl)];
  const sockets = new Set<Socket>();
  const tunnel = { onCommit: null as CommitTunnel['onCommit'] };

  const server = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    let silent = false;
    upstream.on('data', (chunk: Buffer) => {
      // Never in two parts: it is the whole answer to its command, a few bytes.
      if (!silent && chunk.includes(COMMITTED)) silent = tunnel.onCommit?.() ?? false;
      if (!silent && client.writable) client.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return Object.assign(tunnel, {
    databaseUrl: url.href,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  });
}

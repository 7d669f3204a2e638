import type { Socket } from 'node:net';
import { openRelay, type Relay } from './relay.ts';

export type Tunnel = Relay & {
  /** After that many bytes of the server's responses, each connection is cut, or nothing more arrives. */
  limit(bytes: number, then: 'cut' | 'hang'): void;
  unlimit(): void;
  /** From now on nothing passes in either direction, and neither side notices: an unplugged cable. */
  pull(): void;
  /** Delivers what was sent meanwhile. */
  plug(): void;
};

/** A tunnel to a real server that a test can cut, limit or block. */
export async function openTunnel(to: { host: string; port: number }): Promise<Tunnel> {
  let most = Number.POSITIVE_INFINITY;
  let end: 'cut' | 'hang' = 'cut';
  let pulled = false;
  const sockets = new Set<Socket>();
  const relay = await openRelay(to, (client: Socket, upstream: Socket) => {
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
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
  });
  return Object.assign(relay, {
    limit(bytes: number, then: 'cut' | 'hang') {
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
  });
}

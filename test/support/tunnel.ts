import type { Socket } from 'node:net';
import { openRelay, type Relay } from './relay.ts';

export type Tunnel = Relay & {
  /** Every connection passes so many bytes of the server's answers, then it is cut, or nothing comes any more. */
  limit(bytes: number, then: 'cut' | 'hang'): void;
  unlimit(): void;
};

/** A port that leads to a real server for as long, and as far, as a test wants it to. */
export async function openTunnel(to: { host: string; port: number }): Promise<Tunnel> {
  let most = Number.POSITIVE_INFINITY;
  let end: 'cut' | 'hang' = 'cut';
  const relay = await openRelay(to, (client: Socket, upstream: Socket) => {
    client.pipe(upstream);
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
  });
}

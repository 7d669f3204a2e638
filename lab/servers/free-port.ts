import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A free port, for servers that cannot report which port the system gave them. It is below the ephemeral range, so that
 * no outgoing connection takes it before the server does.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(10_000, 32_000);
    if (!given.has(port) && (await isFree(host, port))) {
      given.add(port);
      return port;
    }
  }
  throw new Error(`No free port on ${host} among 100 that were tried`);
}

/** Ports that were given out and may not be in use yet: servers start in parallel. */
const given = new Set<number>();

async function isFree(host: string, port: number): Promise<boolean> {
  const probe = createServer();
  try {
    await once(probe.listen(port, host), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}

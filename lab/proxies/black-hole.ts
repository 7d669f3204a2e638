import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';

const HOST = '127.0.0.1';
/** The length of the queue of unaccepted connections on Linux if one is requested. */
const QUEUE = 2;

/** A thread that listens and then sleeps forever, so that it never accepts a connection. */
const SLEEPER = `
  const { createServer } = require('node:net');
  const server = createServer().listen({ port: 0, host: '${HOST}', backlog: 1 }, () => {
    require('node:worker_threads').parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

export type BlackHole = AsyncDisposable & { readonly host: string; readonly port: number };

/** A port on which every SYN is lost, as if its machine were down: the queue of its listener is full. */
export async function openBlackHole(): Promise<BlackHole> {
  const listener = new Worker(SLEEPER, { eval: true });
  const [port] = (await once(listener, 'message')) as [number];
  const waiting = Array.from({ length: QUEUE }, () => connect({ host: HOST, port }));
  for (const socket of waiting) socket.on('error', () => socket.destroy());
  await Promise.all(waiting.map((socket) => once(socket, 'connect')));
  return {
    host: HOST,
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of waiting) socket.destroy();
      await listener.terminate();
    },
  };
}

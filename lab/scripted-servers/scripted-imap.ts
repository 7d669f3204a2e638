import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A line of a client: `A1 LOGIN ann secret` is tag `A1`, command `LOGIN`, rest `ann secret`. */
export type ReceivedLine = { line: string; tag: string; command: string; rest: string };

export type Script = {
  /** An address of the loopback network: a service keeps separate records for each host. */
  host?: string;
  /** The greeting. Without one, the server accepts the connection and sends nothing. */
  greeting?: string;
  /** The answer to CAPABILITY. */
  capability?: string;
  /** Answers a line: text (CRLF is added), or undefined for a correct answer. */
  reply?(received: ReceivedLine, socket: Socket): string | undefined;
};

/** Accepts the line and sends nothing. */
export const SILENCE = '';

export type ScriptedImap = AsyncDisposable & {
  host: string;
  port: number;
  /** Every line of all clients, in order. */
  received: string[];
  /** How many clients are connected. */
  connections(): number;
  stop(): Promise<void>;
};

/** A server that misbehaves as its script states, in ways that no real server can be made to. */
export async function startScriptedImap(script: Script = {}): Promise<ScriptedImap> {
  const { host = '127.0.0.1' } = script;
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that gives up resets the connection, which is what such tests are about.
    socket.on('error', () => socket.destroy());
    if (script.greeting !== undefined) socket.write(`${script.greeting}\r\n`);
    const lines = createInterface({ input: socket });
    // It passes the socket's errors on.
    lines.on('error', () => socket.destroy());
    lines.on('line', (line) => {
      received.push(line);
      const [tag = '', command = '', ...rest] = line.split(' ');
      const parts = { line, tag, command: command.toUpperCase(), rest: rest.join(' ') };
      const answer = script.reply?.(parts, socket) ?? ordinary(parts, script);
      if (answer !== SILENCE && socket.writable) socket.write(`${answer}\r\n`);
    });
  });
  server.listen(0, host);
  await once(server, 'listening');

  async function stop(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }

  const { port } = server.address() as AddressInfo;
  return { host, port, received, connections: () => sockets.size, stop, [Symbol.asyncDispose]: stop };
}

function ordinary({ tag, command }: ReceivedLine, { capability = 'IMAP4rev1' }: Script): string {
  switch (command) {
    case 'CAPABILITY':
      return `* CAPABILITY ${capability}\r\n${tag} OK done`;
    case 'LOGOUT':
      return `* BYE see you\r\n${tag} OK done`;
    case 'LOGIN':
    case 'NOOP':
    case 'ID':
      return `${tag} OK done`;
    default:
      return `${tag} BAD unknown command`;
  }
}

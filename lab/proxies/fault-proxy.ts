import type { Socket } from 'node:net';
import { firstLine, ImapUnits } from '../imap-client/imap-units.ts';
import { openRelay } from './relay.ts';

/** `A7 UID FETCH 1:5 (FLAGS)`: tag `A7`, name `UID FETCH`, line all of it. */
export type Command = { readonly tag: string; readonly name: string; readonly line: string };

export type Response = {
  readonly bytes: Buffer;
  readonly line: string;
  /** The command that this answers; null before the first command. */
  readonly command: Command | null;
  /** The position of this FETCH row within the command's answer, from 1; 0 for any other line. */
  readonly row: number;
  /** Whether it ends the answer: `A7 OK ...`. */
  readonly isEnd: boolean;
};

/** What a fault can do to one connection. */
export type Wire = {
  /** Sends to the client, before the next response. */
  send(bytes: string | Buffer): void;
  /** Sends RST to the client, after what was sent. */
  cut(): void;
  /** Sends FIN to the client, after what was sent. */
  end(): void;
  /** From now on nothing passes in either direction, although neither side closes. */
  hang(): void;
  /** From now on one byte at a time passes to the client, every `everyMs`, until the fault ends. */
  drip(everyMs: number, onByte: () => void): void;
};

/** Returns a replacement for the response: text, bytes, or '' for nothing. Undefined passes the response on. */
export type Fault = {
  connected?(wire: Wire): void;
  /** Called before a command is passed on to the server, which waits until it resolves. */
  before?(command: Command): Promise<void> | undefined;
  command?(command: Command, wire: Wire): string | undefined;
  response?(response: Response, wire: Wire): string | Buffer | undefined;
};

export type FaultProxy = AsyncDisposable & {
  readonly host: string;
  readonly port: number;
  /** Every command since the start, in order; only the name for logins. */
  readonly commands: string[];
  /** The active fault, which also applies to open connections. Null for none, as at the start. */
  fault: Fault | null;
};

/**
 * A proxy of a real IMAP server that parses the dialogue, records every command, and applies faults when a test asks
 * for them. Clear text only; responses are held until they are complete.
 */
export async function openFaultProxy(to: { host: string; port: number }): Promise<FaultProxy> {
  const commands: string[] = [];
  const proxy = { fault: null as Fault | null };

  function pass(client: Socket, upstream: Socket): void {
    const out = sender(client, () => proxy.fault !== null);
    let hanging = false;
    const wire: Wire = {
      send: (bytes) => out.send(bytes),
      cut: () => void client.resetAndDestroy(),
      end: () => client.destroySoon(),
      hang() {
        hanging = true;
      },
      drip: (everyMs, onByte) => out.drip(everyMs, onByte),
    };
    proxy.fault?.connected?.(wire);

    let command: Command | null = null;
    let rows = 0;
    let continuing = false;
    const [sent, answered] = [new ImapUnits(), new ImapUnits()];
    const forward = async (chunk: Buffer): Promise<void> => {
      for (const unit of sent.push(chunk)) {
        if (hanging || client.destroyed) return;
        // The answer to `+` is not a command, and may be a password.
        if (!continuing) {
          command = commandOf(firstLine(unit));
          rows = 0;
          commands.push(command.line);
          const answer = proxy.fault?.command?.(command, wire);
          if (answer !== undefined) {
            if (answer !== '') out.send(`${answer}\r\n`);
            continue;
          }
          const happening = proxy.fault?.before?.(command);
          if (happening) await happening;
        }
        if (!hanging) upstream.write(unit);
      }
    };
    let forwarded = Promise.resolve();
    client.on('data', (chunk: Buffer) => {
      forwarded = forwarded.then(() => forward(chunk));
    });
    upstream.on('data', (chunk: Buffer) => {
      for (const bytes of answered.push(chunk)) {
        if (hanging || client.destroyed) return;
        const line = firstLine(bytes);
        continuing = line.startsWith('+');
        const isRow = /^\* \d+ FETCH /.test(line);
        if (isRow) rows += 1;
        const isEnd = command !== null && line.startsWith(`${command.tag} `);
        const response = { bytes, line, command, row: isRow ? rows : 0, isEnd };
        const answer = proxy.fault?.response?.(response, wire) ?? bytes;
        if (!hanging && !client.destroyed && answer.length > 0) out.send(answer);
      }
    });
  }

  const { host, port, close } = await openRelay(to, pass);
  return Object.assign(proxy, { host, port, commands, [Symbol.asyncDispose]: close });
}

function commandOf(line: string): Command {
  const [tag = '', first = '', second = ''] = line.split(' ');
  const name = (/^uid$/i.test(first) ? `${first} ${second}` : first).toUpperCase();
  const secret = name === 'LOGIN' || name === 'AUTHENTICATE';
  return { tag, name, line: secret ? `${tag} ${name}` : line };
}

/** Writes at once, or byte by byte while `isDripping`. */
function sender(client: Socket, isDripping: () => boolean) {
  let waiting = Buffer.alloc(0);
  let timer: NodeJS.Timeout | undefined;
  client.on('close', () => clearInterval(timer));
  return {
    send(bytes: string | Buffer): void {
      const more = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
      if (timer) waiting = Buffer.concat([waiting, more]);
      else if (client.writable) client.write(more);
    },
    drip(everyMs: number, onByte: () => void): void {
      timer ??= setInterval(() => {
        const length = isDripping() ? 1 : waiting.length;
        client.write(waiting.subarray(0, length));
        if (waiting.length > 0) onByte();
        waiting = waiting.subarray(length);
        if (!isDripping()) {
          clearInterval(timer);
          timer = undefined;
        }
      }, everyMs);
    },
  };
}

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type CaseStages, newScript } from './case-script.ts';
import {
  answerOf,
  type CaseCommand,
  type CaseReply,
  type CaseSession,
  CLOSE,
  logIn,
  SILENT,
  saslLogin,
  scriptedAnswer,
} from './case-session.ts';

export type CaseServer = AsyncDisposable & {
  host: string;
  port: number;
  /** Every command of all clients, in order, as latin1. */
  received: string[];
  /** Brings the server to its state after this run. */
  afterRun(run: number): void;
};

/** The command that a response answers; `GREETING` before any. */
export type Asked = Pick<CaseCommand, 'command' | 'rest'> & {
  /** Name of the selected mailbox. */
  selected: string | null;
};

/** Returns what is sent in place of a response, which is one line, or several with literals. */
export type Alter = (response: string, asked: Asked) => CaseReply;

/** Starts a server that follows its script (test/sync/odd-servers/README.md), and otherwise answers correctly. */
export async function startCaseServer(stages: CaseStages, alter: Alter = (line) => [line]): Promise<CaseServer> {
  const script = newScript();
  const afterRun = (run: number) => {
    for (const statement of stages[run] ?? []) statement(script);
  };
  afterRun(0);
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket, { script, user: null, identified: false, selected: null }, received, alter);
  });
  const host = '127.0.0.1';
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host,
    port,
    received,
    afterRun,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function serve(socket: Socket, session: CaseSession, received: string[], alter: Alter): void {
  let isSilent = false;
  const send = (line: string) => {
    if (!isSilent && socket.writable) socket.write(`${line}\r\n`, 'latin1');
  };
  const reply = (answer: CaseReply, { command, rest }: Pick<CaseCommand, 'command' | 'rest'>) => {
    const asked = { command, rest, selected: session.selected?.name ?? null };
    const sent = answer.flatMap((one): CaseReply => (typeof one === 'string' ? alter(one, asked) : [one]));
    // In one packet: each further one would wait until the previous one is acknowledged.
    socket.cork();
    for (const line of sent) {
      if (line === CLOSE) socket.end();
      else if (line === SILENT) isSilent = true;
      else send(line);
    }
    socket.uncork();
  };
  /** Handles the next line if it is not a command: the answer of a SASL exchange. */
  let exchange: ((line: string) => void) | null = null;
  const authenticate = (tag: string, mechanism: string, initial: string | undefined) => {
    const steps: string[] = initial === undefined ? [] : [initial];
    const wanted = mechanism.toUpperCase() === 'LOGIN' ? 2 : 1;
    const step = () => {
      if (steps.length < wanted) {
        exchange = (line) => {
          steps.push(line);
          step();
        };
        send(`+ ${mechanism.toUpperCase() === 'LOGIN' ? btoa(['Username:', 'Password:'][steps.length]!) : ''}`);
        return;
      }
      exchange = null;
      const decoded = steps.map((text) => Buffer.from(text, 'base64').toString('latin1'));
      const [user, password] = wanted === 2 ? [decoded[0]!, decoded[1]!] : saslLogin(steps[0]!);
      reply(logIn(session, tag, user, password), { command: 'LOGIN', rest: '' });
    };
    step();
  };
  const heard = (line: string) => {
    received.push(line);
    if (exchange) {
      exchange(line);
      return;
    }
    const [tag = '', name = '', ...rest] = line.split(' ');
    const command = { tag, command: name.toUpperCase(), rest: rest.join(' ') };
    const scripted = command.command === 'AUTHENTICATE' ? scriptedAnswer(session, command) : null;
    if (command.command === 'AUTHENTICATE' && !scripted) authenticate(tag, rest[0]!, rest[1]);
    else reply(scripted ?? answerOf(session, command), command);
  };
  reply([session.script.greeting], { command: 'GREETING', rest: '' });
  let buffered = '';
  let asked = false;
  socket.on('data', (data: Buffer) => {
    buffered += data.toString('latin1');
    for (;;) {
      const [command, used] = firstCommand(buffered);
      if (command === null) {
        // A synchronising literal (RFC 9051, 4.3).
        if (!asked && /\{\d+\}\r\n$/.test(buffered)) send('+ go ahead');
        asked = /\{\d+\}\r\n/.test(buffered);
        return;
      }
      buffered = buffered.slice(used);
      asked = false;
      heard(command);
    }
  });
}

/** The first complete command, with its literals as quoted strings, and its length in the buffer. */
function firstCommand(text: string): [command: string | null, used: number] {
  let command = '';
  let at = 0;
  for (;;) {
    const end = text.indexOf('\r\n', at);
    if (end < 0) return [null, 0];
    const line = text.slice(at, end);
    const literal = /\{(\d+)\+?\}$/.exec(line);
    if (!literal) return [command + line, end + 2];
    at = end + 2 + Number(literal[1]);
    if (text.length < at) return [null, 0];
    const value = text.slice(end + 2, at);
    command += `${line.slice(0, literal.index)}"${value.replace(/["\\]/g, '\\$&')}"`;
  }
}

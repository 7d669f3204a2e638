import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ImapValue, type Piece, parseResponse, text } from './imap-response.ts';

export type ImapAddress = {
  host: string;
  port: number;
  security?: 'TLS' | 'STARTTLS' | 'NONE';
  /** PEM of the authority to trust. */
  authority?: string | undefined;
};

export type Reply = { untagged: ImapValue[][]; text: string };

/** Sends one IMAP command at a time and collects the server's responses. Knows lines and literals, but no command. */
export class ImapConnection {
  #socket: Socket;
  #chunks: AsyncIterator<Buffer>;
  #received = Buffer.alloc(0);
  #count = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = chunksOf(socket);
  }

  static async open({ host, port, security = 'NONE', authority }: ImapAddress): Promise<ImapConnection> {
    const trust = { host, ...(authority === undefined ? {} : { ca: authority }) };
    const secure = security === 'TLS';
    const socket = secure ? connectTls({ port, ...trust }) : connect({ host, port });
    await once(socket, secure ? 'secureConnect' : 'connect');
    const connection = new ImapConnection(socket);
    await connection.readResponse();
    if (security === 'STARTTLS') {
      await connection.command('STARTTLS');
      connection.#socket = connectTls({ socket, ...trust });
      await once(connection.#socket, 'secureConnect');
      connection.#chunks = chunksOf(connection.#socket);
    }
    return connection;
  }

  /** Sends the literal at the end of the line when the server asks for it. Rejects on NO or BAD. */
  async command(line: string, literal?: Buffer): Promise<Reply> {
    this.#count += 1;
    const tag = `R${this.#count}`;
    // Without the rest of the line, which may contain a password.
    const name = line.split(' ', 1)[0];
    this.#socket.write(literal ? `${tag} ${line} {${literal.length}}\r\n` : `${tag} ${line}\r\n`);
    const untagged: ImapValue[][] = [];
    for (;;) {
      const [mark, ...rest] = await this.readResponse();
      if (mark === '+' && literal) {
        this.#socket.write(literal);
        this.#socket.write('\r\n');
      } else if (mark === tag) {
        const [status, explanation] = rest.map(text);
        if (status !== 'OK') throw new Error(`${name}: ${status} ${explanation}`);
        return { untagged, text: explanation ?? '' };
      } else {
        untagged.push(rest);
      }
    }
  }

  /** Returns the next response, even one that no command asked for. */
  async readResponse(): Promise<ImapValue[]> {
    const pieces: Piece[] = [];
    for (;;) {
      const line = await this.#readLine();
      pieces.push(line);
      const literal = /\{(\d+)\}$/.exec(line);
      if (!literal) return parseResponse(pieces);
      pieces.push(await this.#readBytes(Number(literal[1])));
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #readLine(): Promise<string> {
    let end = this.#received.indexOf('\r\n');
    while (end < 0) {
      await this.#receive();
      end = this.#received.indexOf('\r\n');
    }
    const line = await this.#readBytes(end + 2);
    return line.subarray(0, -2).toString();
  }

  async #readBytes(length: number): Promise<Buffer> {
    if (this.#received.length < length) {
      // Concatenates once, at the end: adding each chunk to the others would take minutes for a message of 60 MB.
      const chunks: Buffer[] = [this.#received];
      for (let have = this.#received.length; have < length; have += chunks.at(-1)!.length) {
        chunks.push(await this.#nextChunk());
      }
      this.#received = Buffer.concat(chunks);
    }
    const bytes = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return bytes;
  }

  async #receive(): Promise<void> {
    this.#received = Buffer.concat([this.#received, await this.#nextChunk()]);
  }

  async #nextChunk(): Promise<Buffer> {
    const { done, value } = await this.#chunks.next();
    if (done) throw new Error('The IMAP server closed the connection');
    return value;
  }
}

// Not destroyed, because STARTTLS continues to read the same socket through another.
function chunksOf(socket: Socket): AsyncIterator<Buffer> {
  return socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
}

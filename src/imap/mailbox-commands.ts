import type { ImapFlow, MailboxObject } from 'imapflow';

interface Token {
  readonly type: 'ATOM' | 'STRING' | 'LITERAL';
  readonly value: string | Buffer;
}

export type Attribute = Token | readonly Attribute[];

interface Sender {
  exec(
    command: string,
    attributes: readonly Attribute[] | false,
    options?: unknown,
  ): Promise<{ readonly next: () => void }>;
  run(command: string, ...args: unknown[]): Promise<unknown>;
}

/** The name under which imapflow opens a mailbox: the only one that it leaves unchanged. */
const STAND_IN = 'INBOX';

/** Returns imapflow's methods for sending, which its types omit. */
const senderOf = (client: ImapFlow): Sender => client as unknown as Sender;

export const atom = (value: string): Token => ({ type: 'ATOM', value });
export const string = (value: string): Token => ({ type: 'STRING', value });

/**
 * Returns the token of a mailbox name as the server spells it. It is always quoted, because Courier reads an apostrophe
 * in an atom as a quote. It is a literal if a quoted string cannot contain the bytes (RFC 9051, 4.3).
 * @param rawName each byte one character
 */
export function nameToken(rawName: string): Token {
  const bytes = Buffer.from(rawName, 'latin1');
  const text = bytes.toString();
  const isQuotable = !/[\0\r\n]/.test(text) && Buffer.from(text).equals(bytes);
  return isQuotable ? string(text) : { type: 'LITERAL', value: bytes };
}

/** Sends a command whose answer is parsed from the raw lines. */
export async function send(client: ImapFlow, command: string, attributes: readonly Attribute[]): Promise<void> {
  const response = await senderOf(client).exec(command, attributes);
  response.next();
}

/** The readable parts of an answer to SELECT. */
export type Opened = Partial<MailboxObject>;

/** Returns a SELECT that sends names unchanged: imapflow would decode, encode and complete them. */
export function createSelect(client: ImapFlow): (rawName: string) => Promise<Opened> {
  const sender = senderOf(client);
  const exec = sender.exec.bind(client);
  let name = nameToken(STAND_IN);
  sender.exec = (command, attributes, options) =>
    exec(command, command === 'SELECT' && attributes ? [name, ...attributes.slice(1)] : attributes, options);
  // Otherwise imapflow sends LIST first.
  const { folders } = client as unknown as { folders: Map<string, object> };
  return (rawName) => {
    folders.set(STAND_IN, {});
    name = nameToken(rawName);
    return sender.run('SELECT', STAND_IN) as Promise<Opened>;
  };
}

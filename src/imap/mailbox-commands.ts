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

/** What imapflow calls the mailbox to be opened: the one name that it changes in no way. */
const STAND_IN = 'INBOX';

/** What imapflow sends with; not in its types. */
const senderOf = (client: ImapFlow): Sender => client as unknown as Sender;

export const atom = (value: string): Token => ({ type: 'ATOM', value });
export const string = (value: string): Token => ({ type: 'STRING', value });

/**
 * A mailbox's name as the server spells it, quoted always: Courier reads an apostrophe in an atom as a quote. A literal
 * where a quoted string cannot have the bytes (RFC 9051, 4.3).
 * @param rawName each byte one character
 */
export function nameToken(rawName: string): Token {
  const bytes = Buffer.from(rawName, 'latin1');
  const text = bytes.toString();
  const isQuotable = !/[\0\r\n]/.test(text) && Buffer.from(text).equals(bytes);
  return isQuotable ? string(text) : { type: 'LITERAL', value: bytes };
}

/** Sends a command whose answer is read from the raw lines. */
export async function send(client: ImapFlow, command: string, attributes: readonly Attribute[]): Promise<void> {
  const response = await senderOf(client).exec(command, attributes);
  response.next();
}

/** What a SELECT says, as far as it was said and could be read. */
export type Opened = Partial<MailboxObject>;

/** Opens mailboxes by names that are sent as they are: imapflow decodes, encodes and completes what it is given. */
export function createSelect(client: ImapFlow): (rawName: string) => Promise<Opened> {
  const sender = senderOf(client);
  const exec = sender.exec.bind(client);
  let name = nameToken(STAND_IN);
  sender.exec = (command, attributes, options) =>
    exec(command, command === 'SELECT' && attributes ? [name, ...attributes.slice(1)] : attributes, options);
  // Else imapflow asks LIST for it first.
  const { folders } = client as unknown as { folders: Map<string, object> };
  return (rawName) => {
    folders.set(STAND_IN, {});
    name = nameToken(rawName);
    return sender.run('SELECT', STAND_IN) as Promise<Opened>;
  };
}

import type { ImapFlow } from 'imapflow';

interface Attribute {
  readonly type: string;
  readonly value: unknown;
}

interface Sender {
  exec(command: string, attributes?: unknown, options?: unknown): Promise<unknown>;
}

/**
 * Has mailbox names sent as quoted strings always. imapflow sends an atom wherever the grammar allows one, but Courier
 * reads an apostrophe in an atom as a quote: it finds no mailbox called `Mum's` then.
 */
export function quoteNames(client: ImapFlow): void {
  // How every command goes out; not in imapflow's types.
  const sender = client as unknown as Sender;
  const exec = sender.exec.bind(client);
  sender.exec = (command, attributes, options) =>
    exec(command, command === 'SELECT' || command === 'STATUS' ? quoted(attributes) : attributes, options);
}

function quoted(attributes: unknown): unknown {
  if (!Array.isArray(attributes)) return attributes;
  const [name, ...rest] = attributes as [Attribute | undefined, ...unknown[]];
  return name?.type === 'ATOM' ? [{ ...name, type: 'STRING' }, ...rest] : attributes;
}

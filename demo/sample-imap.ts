import { createRequire } from 'node:module';
import { CORPUS_SIZE, corpus, withCrlf } from '../test/support/corpus.ts';

/**
 * A mailbox to try: some thousand real messages on an IMAP server from npm, in memory, on loopback. A process of its
 * own, so that its work is not taken for the service's. Prints its port when it listens; ends with its parent.
 */
const PASSWORD = 'sample';

/** Real but public messages: spread over mailboxes, so that the demo shows more than an INBOX. */
const SHARE: Readonly<Record<string, number>> = { INBOX: 0.6, Archive: 0.3, Sent: 0.1 };

const hoodiecrow = createRequire(import.meta.url)('hoodiecrow-imap') as (options: object) => {
  listen(port: number, host: string, listening: () => void): void;
  server: { address(): { port: number } };
};

const messages = [...corpus()].map(({ bytes }, i) => ({
  raw: withCrlf(bytes).toString('latin1'),
  flags: i % 3 === 0 ? [] : ['\\Seen'],
  internaldate: sampleDate(i),
}));

let from = 0;
const mailbox = (path: string): { messages: typeof messages } => {
  const to = from + Math.round(messages.length * SHARE[path]!);
  const part = { messages: messages.slice(from, to) };
  from = to;
  return part;
};

const server = hoodiecrow({
  plugins: ['ID', 'UIDPLUS', 'CONDSTORE', 'ENABLE', 'UNSELECT', 'IDLE', 'NAMESPACE', 'SPECIAL-USE', 'LITERALPLUS'],
  users: { sample: { password: PASSWORD } },
  storage: {
    INBOX: mailbox('INBOX'),
    '': { separator: '/', folders: { Archive: mailbox('Archive'), Sent: { 'special-use': '\\Sent', ...mailbox('Sent') } } },
  },
});

server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: server.server.address().port, messages: messages.length });
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole group of processes: the demo ends us in its order.
process.on('SIGINT', () => {});

/** One message every ten minutes, up to the last hour of 2002, which the messages are from. */
function sampleDate(i: number): string {
  const date = new Date(Date.UTC(2002, 11, 31) - (CORPUS_SIZE - i) * 600_000);
  const [, day, month, year] = /^\w+, (\d+) (\w+) (\d+)/.exec(date.toUTCString())!;
  return `${day}-${month}-${year} ${date.toISOString().slice(11, 19)} +0000`;
}

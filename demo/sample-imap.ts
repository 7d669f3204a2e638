import { createRequire } from 'node:module';
import { CORPUS_SIZE, corpus, withCrlf } from '../lab/mail/corpus.ts';

/**
 * A sample mailbox: several thousand real messages on an IMAP server from npm, in memory, on loopback. It is a process
 * of its own, so that its work does not count as the service's. It reports its port to the parent, delivers a new
 * message when the parent sends `deliver`, and ends with the parent.
 */
export interface SampleServer {
  readonly port: number;
  readonly messages: number;
  readonly username: string;
  readonly password: string;
}

const USERNAME = 'sample';
const PASSWORD = 'sample';

/** Real but public messages, spread over mailboxes, so that the demo shows more than an INBOX. */
const SHARE: Readonly<Record<string, number>> = { INBOX: 0.6, Archive: 0.3, Sent: 0.1 };

const hoodiecrow = createRequire(import.meta.url)('hoodiecrow-imap') as (options: object) => {
  listen(port: number, host: string, listening: () => void): void;
  appendMessage(mailbox: string, flags: string[], internaldate: string | false, raw: string): void;
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
  users: { [USERNAME]: { password: PASSWORD } },
  storage: {
    INBOX: mailbox('INBOX'),
    '': {
      separator: '/',
      folders: { Archive: mailbox('Archive'), Sent: { 'special-use': '\\Sent', ...mailbox('Sent') } },
    },
  },
});

server.listen(0, '127.0.0.1', () => {
  const listening = {
    port: server.server.address().port,
    messages: messages.length,
    username: USERNAME,
    password: PASSWORD,
  };
  process.send!(listening satisfies SampleServer);
});
process.on('message', () => server.appendMessage('INBOX', [], false, newMessage(new Date())));
process.on('disconnect', () => process.exit(0));

function newMessage(now: Date): string {
  return [
    'From: Mailtide <demo@example.com>',
    'To: sample@example.com',
    `Subject: It is ${now.toUTCString()}`,
    `Date: ${now.toUTCString()}`,
    `Message-ID: <${now.getTime()}@example.com>`,
    '',
    'The demo sent this message to show that new mail arrives.',
  ].join('\r\n');
}

/** One message every ten minutes, up to the last hour of 2002, the year of the messages. */
function sampleDate(i: number): string {
  const date = new Date(Date.UTC(2002, 11, 31) - (CORPUS_SIZE - i) * 600_000);
  const [, day, month, year] = /^\w+, (\d+) (\w+) (\d+)/.exec(date.toUTCString())!;
  return `${day}-${month}-${year} ${date.toISOString().slice(11, 19)} +0000`;
}

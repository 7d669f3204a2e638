import type { Socket } from 'node:net';
import { type ReceivedLine, type Script, SILENCE } from './scripted-imap.ts';

/** What a hostile mail server does in answer to one command; it answers all others correctly. */
export type Attack = {
  what: string;
  script: (host: string) => Script;
};

const KIB = 1024;
const MESSAGES = 900_000;

type Reply = (received: ReceivedLine, socket: Socket) => string | undefined;

/** Sends the results of `next` as fast as the client reads, until it disconnects. */
function pour(socket: Socket, next: (index: number) => string): string {
  let index = 0;
  const more = () => {
    let isRoom = true;
    while (isRoom && !socket.destroyed) {
      let block = '';
      while (block.length < 64 * KIB) block += next(index++);
      isRoom = socket.write(block, 'latin1');
    }
  };
  socket.on('drain', more);
  more();
  return SILENCE;
}

function drip(socket: Socket, text: string, everyMs: number): string {
  const timer = setInterval(() => socket.write(text), everyMs);
  socket.on('close', () => clearInterval(timer));
  return SILENCE;
}

const CAPABILITIES = 'IMAP4rev1 NAMESPACE ENABLE CONDSTORE QRESYNC LIST-STATUS LIST-EXTENDED';

/** A mailbox of `exists` identical messages. */
function mailbox(own: Reply, { exists = 3, capability = CAPABILITIES, listed = 1 } = {}): Attack['script'] {
  const uids = Array.from({ length: exists }, (_, i) => i + 1).join(' ');
  const reply: Reply = (received, socket) => {
    const { tag, command, rest } = received;
    const answer = own(received, socket);
    if (answer !== undefined) return answer;
    switch (command) {
      case 'LIST': {
        const names = Array.from({ length: listed - 1 }, (_, i) => `* LIST () "/" box${i}\r\n`).join('');
        return `* LIST () "/" INBOX\r\n${names}${tag} OK done`;
      }
      case 'NAMESPACE':
        return `* NAMESPACE (("" "/")) NIL NIL\r\n${tag} OK done`;
      case 'ENABLE':
        return `* ENABLED CONDSTORE QRESYNC\r\n${tag} OK done`;
      case 'STATUS':
        return `${tag} NO not now`;
      case 'SELECT':
        return rest.includes('box')
          ? `${tag} NO not now`
          : [
              `* ${exists} EXISTS`,
              '* OK [UIDVALIDITY 7] ok',
              `* OK [UIDNEXT ${exists + 1}] ok`,
              '* OK [HIGHESTMODSEQ 100] ok',
              `${tag} OK [READ-WRITE] done`,
            ].join('\r\n');
      case 'UID':
        return rest.startsWith('SEARCH') ? `* SEARCH ${uids}\r\n${tag} OK done` : rows(received, exists);
    }
    return undefined;
  };
  return (host) => ({ host, greeting: '* OK ready', capability, reply });
}

const BODY = 'From: Ann <ann@example.org>\r\nSubject: hello\r\n\r\nhello\r\n';

/** The answer to a FETCH of few messages. */
function rows({ tag, rest }: ReceivedLine, exists: number): string {
  const said = Array.from({ length: Math.min(exists, 3) }, (_, i) => {
    const items = [`UID ${i + 1}`, 'FLAGS (\\Seen)', 'INTERNALDATE "17-Jul-2020 02:44:25 +0000"', 'MODSEQ (9)'];
    if (rest.includes('RFC822.SIZE')) items.push(`RFC822.SIZE ${BODY.length}`);
    const section = /BODY\.PEEK(\[[^\]]*\])/.exec(rest)?.[1];
    if (section) items.push(`BODY${section} {${BODY.length}}\r\n${BODY}`);
    return `* ${i + 1} FETCH (${items.join(' ')})\r\n`;
  });
  return `${said.join('')}${tag} OK done`;
}

/** Attacks in answer to commands that begin like this: `UID SEARCH`. */
const at =
  (command: string, act: Reply): Reply =>
  (received, socket) =>
    `${received.command} ${received.rest}`.startsWith(command) ? act(received, socket) : undefined;

const flood = (what: string, command: string, next: (index: number) => string, more = {}): Attack => ({
  what: `${what}, to ${command}`,
  script: mailbox(
    at(command, (_, socket) => pour(socket, next)),
    more,
  ),
});

/** Each response of a correct server with a few of its bytes changed, omitted, doubled or replaced. */
function mutating(seed: number): Attack {
  const random = generator(seed);
  const correct = mailbox(() => undefined)('');
  return {
    what: `mutated answers, seed ${seed}`,
    script: (host) => ({
      ...correct,
      host,
      reply: (received, socket) => {
        const answer = correct.reply!(received, socket);
        return answer === undefined || random() < 0.3 ? answer : mutated(answer, random);
      },
    }),
  };
}

function mutated(answer: string, random: () => number): string {
  const bytes = Buffer.from(answer);
  const below = (limit: number) => Math.floor(random() * limit);
  const parts: Buffer[] = [];
  let from = 0;
  for (let times = 1 + below(4); times > 0; times--) {
    const to = from + below(bytes.length - from);
    const length = 1 + below(8);
    parts.push(bytes.subarray(from, to));
    const piece = bytes.subarray(to, to + length);
    const kind = below(4);
    if (kind === 0) parts.push(piece, piece);
    else if (kind === 1) parts.push(Buffer.from(piece.map((byte) => byte ^ (1 << below(8)))));
    else if (kind === 2) parts.push(Buffer.from('(){}"\\\r\n*[]~'.charAt(below(12))));
    from = Math.min(to + length, bytes.length);
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts).toString('latin1');
}

function random(seed: number): Attack {
  const next = generator(seed);
  const noise = () => String.fromCharCode(...Array.from({ length: 4096 }, () => Math.floor(next() * 256)));
  return flood(`random bytes, seed ${seed}`, 'UID', noise);
}

/** Mulberry32: numbers from 0 to 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const attacks = (seed: number): Attack[] => [
  flood('untagged lines', 'UID SEARCH', () => '* OK still here\r\n'),
  flood('untagged lines', 'CAPABILITY', () => '* X\r\n'),
  flood('a line without an end', 'UID FETCH', () => 'a1 '),
  flood('a line without an end', 'LIST', () => 'x'),
  flood('capabilities', 'CAPABILITY', () => '* CAPABILITY IMAP4rev1 X Y Z\r\n'),
  flood('one line of capabilities', 'CAPABILITY', (i) => (i === 0 ? '* CAPABILITY IMAP4rev1' : ` CAP${i}`)),
  flood('mailboxes', 'LIST', (i) => `* LIST (\\HasNoChildren) "/" box${i}\r\n`),
  flood('attributes of one mailbox', 'LIST', (i) => `* LIST (\\x${i} \\y${i} \\z${i}) "/" box\r\n`),
  flood('STATUS', 'LIST', (i) => `* STATUS box${i} (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)\r\n`),
  flood('namespaces', 'NAMESPACE', (i) => (i === 0 ? '* NAMESPACE (' : `("n${i}/" "/")`)),
  flood('EXPUNGE', 'UID FETCH', () => '* 1 EXPUNGE\r\n'),
  flood('VANISHED', 'UID FETCH', (i) => `* VANISHED ${i + 1}:4294967295\r\n`),
  flood('UIDs above EXISTS', 'UID SEARCH', (i) => (i === 0 ? '* SEARCH' : ` ${i}`)),
  flood('flags of one message', 'UID FETCH', (i) => (i === 0 ? '* 1 FETCH (UID 1 FLAGS (' : `flag${i} `)),
  flood('flags that nobody asked for', 'UID FETCH', (i) => `* ${i + 9} FETCH (UID ${i + 9} FLAGS (a b c))\r\n`),
  flood('headers that nobody asked for', 'UID FETCH', (i) => `* 9 FETCH (UID ${i + 9} BODY[HEADER] {4}\r\nabcd)\r\n`),
  flood('parentheses', 'UID FETCH', (i) => (i === 0 ? '* 1 FETCH ' : '(')),
  {
    what: 'a message of 60 MB that says it has 57 bytes, and whose rows never end',
    script: mailbox(({ command, rest }, socket) =>
      command === 'UID' && rest.includes('BODY.PEEK[]')
        ? pour(socket, (i) => (i === 0 ? '* 1 FETCH (UID 1 BODY[] {60000000}\r\n' : 'x'.repeat(KIB)))
        : undefined,
    ),
  },
  {
    what: `${MESSAGES} messages, all of them listed, none of them served`,
    script: mailbox(
      at('UID FETCH', (_, socket) => drip(socket, '* OK still here\r\n', 500)),
      { exists: MESSAGES },
    ),
  },
  { what: '20,000 mailboxes, none of which opens', script: mailbox(() => undefined, { listed: 20_000 }) },
  { what: 'dripping, to LIST', script: mailbox(at('LIST', (_, socket) => drip(socket, '* OK still here\r\n', 500))) },
  { what: 'dripping, to LOGIN', script: mailbox(at('LOGIN', (_, socket) => drip(socket, '*', 500))) },
  ...[0, 1, 2, 3].map((n) => mutating(seed + n)),
  random(seed + 4),
];

import { type CaseMailbox, type CaseMessage, type CaseScript, unquoted, words } from './case-script.ts';

/** The state of one client's session. */
export type CaseSession = {
  script: CaseScript;
  user: string | null;
  /** Whether ID was sent after the login. */
  identified: boolean;
  selected: CaseMailbox | null;
};

/** The answer to a command: lines without their CRLF. 'close' and 'silence' are from the script. */
export type CaseReply = (string | typeof CLOSE | typeof SILENT)[];
export const CLOSE = Symbol('close');
export const SILENT = Symbol('silence');

export type CaseCommand = { tag: string; command: string; rest: string };

/** Answers as the script states, or correctly. */
export function answerOf(session: CaseSession, { tag, command, rest }: CaseCommand): CaseReply {
  const scripted = scriptedAnswer(session, { tag, command, rest });
  if (scripted) return scripted;
  const done = `${tag} OK done`;
  const { script } = session;
  const args = words(rest);
  switch (command) {
    case 'CAPABILITY':
      return [`* CAPABILITY ${capabilities(session)}`, done];
    case 'LOGOUT':
      return ['* BYE see you', done, CLOSE];
    case 'ID':
      if (session.user !== null) session.identified = true;
      return [`* ID ${script.id}`, done];
    case 'LOGIN':
      return logIn(session, tag, args[0]!, args[1]!);
    case 'NOOP':
    case 'CHECK':
      return [done];
    case 'ENABLE': {
      const has = new Set(capabilities(session).split(' '));
      return [`* ENABLED ${args.filter((name) => has.has(name)).join(' ')}`.trimEnd(), done];
    }
    case 'NAMESPACE':
      return [`* NAMESPACE ${script.namespace ?? '(("" "/")) NIL NIL'}`, done];
    case 'LIST':
    case 'LSUB':
      return [...listLines(script, command, args), done];
    case 'STATUS': {
      const mailbox = find(script, args[0]!);
      return mailbox ? [statusLine(mailbox, args[1] ?? '()'), done] : [`${tag} NO [NONEXISTENT] no such mailbox`];
    }
    case 'SELECT':
    case 'EXAMINE':
      return open(session, tag, args[0]!);
    case 'UID':
      if (!session.selected) return [`${tag} BAD nothing is selected`];
      if (rest.startsWith('SEARCH')) return [searchLine(session.selected, args.slice(1)), done];
      if (rest.startsWith('FETCH')) return [...fetchLines(session, session.selected, rest), done];
  }
  return [`${tag} BAD unknown command`];
}

/** The answer to a login by any mechanism. */
export function logIn(session: CaseSession, tag: string, user: string, password: string): CaseReply {
  const { login } = session.script;
  if (login && (login[0] !== user || login[1] !== password)) return [`${tag} NO [AUTHENTICATIONFAILED] wrong`];
  session.user = user;
  return [`${tag} OK logged in`];
}

export function scriptedAnswer(session: CaseSession, { tag, command, rest }: CaseCommand): CaseReply | null {
  const args = words(rest);
  const isSo = (when: string | null): boolean =>
    when === null ||
    (when === 'before login' && session.user === null) ||
    (when === 'after login' && session.user !== null) ||
    (when === 'until ID' && !session.identified);
  const answer = session.script.answers.findLast(
    (one) =>
      one.command === command &&
      isSo(one.when) &&
      one.args.every((arg, index) => (arg === '*' ? index === 0 || args.length > index : arg === args[index])),
  );
  if (!answer) return null;
  const asSent = /^(?:"(?:[^"\\]|\\.)*"|\S+)/.exec(rest)?.[0] ?? '';
  return answer.lines.map((line) => {
    if (line === '!close') return CLOSE;
    if (line === '!silence') return SILENT;
    return line.replace('$TAG', () => tag).replace('$1', () => asSent);
  });
}

const capabilities = ({ script, user }: CaseSession): string =>
  (user === null ? null : script.capabilityAfterLogin) ?? script.capability;

function find({ mailboxes }: CaseScript, name: string): CaseMailbox | null {
  const isInbox = name.toUpperCase() === 'INBOX';
  const found = isInbox
    ? [...mailboxes.values()].find((mailbox) => mailbox.name.toUpperCase() === 'INBOX')
    : mailboxes.get(name);
  return found && !/\\Noselect|\\NonExistent/i.test(found.attributes) ? found : null;
}

function listLines(script: CaseScript, command: string, args: readonly string[]): string[] {
  const [reference = '', pattern = ''] = args;
  if (pattern === '') return [`* ${command} ${script.root}`];
  const items = /\bSTATUS (\([^)]*\))/.exec(args.at(-1) ?? '')?.[1];
  const lines: string[] = [];
  for (const mailbox of script.mailboxes.values()) {
    if (!matches(reference + pattern, mailbox)) continue;
    const { attributes, delimiter, name } = mailbox;
    const correct = `* LIST (${attributes}) ${delimiter === 'NIL' ? 'NIL' : quoted(delimiter)} ${quoted(name)}`;
    lines.push(...(mailbox.listed ?? [correct]).map((line) => line.replace('* LIST', `* ${command}`)));
    if (items && find(script, name)) lines.push(statusLine(mailbox, items));
  }
  return lines;
}

/** LIST's wildcards (RFC 9051, 6.3.9): `*` matches anything, `%` anything within one level. */
function matches(pattern: string, { name, delimiter }: CaseMailbox): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  const level = `[^${delimiter.replace(/[\\\]^-]/g, '\\$&')}]*`;
  return new RegExp(`^${escaped.replace(/\*/g, '.*').replace(/%/g, () => level)}$`, 's').test(name);
}

/** As a literal if a quoted string cannot contain it. */
const quoted = (text: string): string =>
  /[\0\r\n]/.test(text) ? `{${text.length}}\r\n${text}` : `"${text.replace(/["\\]/g, '\\$&')}"`;

function facts(mailbox: CaseMailbox): Record<string, string | null> {
  const { messages, uidNext, highestModseq, lastModseq } = mailbox;
  const modseqs = messages.map(({ modseq }) => modseq);
  const highest = modseqs.reduce((most, one) => (one > most ? one : most), lastModseq);
  return {
    MESSAGES: String(messages.length + mailbox.counted),
    UIDVALIDITY: mailbox.uidValidity,
    UIDNEXT: uidNext === 'none' ? null : (uidNext ?? String(Math.max(0, ...messages.map(({ uid }) => uid)) + 1)),
    HIGHESTMODSEQ: String(highestModseq ?? highest),
    UNSEEN: String(messages.filter(({ flags }) => !flags.includes('\\Seen')).length),
    RECENT: '0',
  };
}

function statusLine(mailbox: CaseMailbox, items: string): string {
  const known = facts(mailbox);
  const said = items
    .slice(1, -1)
    .split(' ')
    .filter((item) => known[item])
    .map((item) => `${item} ${known[item]}`);
  return `* STATUS ${quoted(mailbox.name)} (${said.join(' ')})`;
}

function open(session: CaseSession, tag: string, name: string): CaseReply {
  session.selected = find(session.script, name);
  if (!session.selected) return [`${tag} NO [NONEXISTENT] no such mailbox`];
  const { MESSAGES, UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ } = facts(session.selected);
  return [
    '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)',
    '* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] ok',
    `* ${MESSAGES} EXISTS`,
    '* 0 RECENT',
    `* OK [UIDVALIDITY ${UIDVALIDITY}] ok`,
    ...(UIDNEXT ? [`* OK [UIDNEXT ${UIDNEXT}] ok`] : []),
    ...(hasModseqs(session) ? [`* OK [HIGHESTMODSEQ ${HIGHESTMODSEQ}] ok`] : []),
    ...(/ OBJECTID\b/.test(capabilities(session)) ? [`* OK [MAILBOXID (${UIDVALIDITY}-F)] ok`] : []),
    `${tag} OK [READ-WRITE] done`,
  ];
}

const hasModseqs = (session: CaseSession): boolean => / CONDSTORE\b/.test(capabilities(session));

/** For `UID SEARCH ALL` and `UID SEARCH UID set`. */
function searchLine({ messages }: CaseMailbox, criteria: readonly string[]): string {
  const set = criteria[0] === 'UID' ? criteria[1]! : '0:*';
  const uids = messages.map(({ uid }) => uid).toSorted((a, b) => a - b);
  return ['* SEARCH', ...uids.filter(inSet(set, uids.at(-1) ?? 0))].join(' ');
}

/** `*` is the last UID, and a range may be reversed (RFC 9051, 9, seq-range). */
function inSet(set: string, last: number): (uid: number) => boolean {
  const ranges = set.split(',').map((range) => {
    const [from, to = from] = range.split(':').map((end) => (end === '*' ? last : Number(end)));
    return [Math.min(from!, to!), Math.max(from!, to!)] as const;
  });
  return (uid) => ranges.some(([from, to]) => uid >= from && uid <= to);
}

function fetchLines(session: CaseSession, mailbox: CaseMailbox, rest: string): string[] {
  const [, set = '', items = '', since] =
    /^FETCH (\S+) (\(.*?\)|\S+)(?: \(CHANGEDSINCE (\d+)[^)]*\))?$/.exec(rest) ?? [];
  const ordered = mailbox.messages.toSorted((a, b) => a.uid - b.uid);
  const isWanted = inSet(set, ordered.at(-1)?.uid ?? 0);
  const vanished = rest.endsWith('VANISHED)') ? mailbox.expunged.filter(isWanted) : [];
  const withModseq = hasModseqs(session);
  return [
    ...(vanished.length > 0 ? [`* VANISHED (EARLIER) ${vanished.join(',')}`] : []),
    ...ordered.flatMap((message, index) => {
      if (!isWanted(message.uid) || (since !== undefined && message.modseq <= BigInt(since))) return [];
      const odd = mailbox.rows.findLast(({ uid, item }) => uid === message.uid && items.includes(item));
      if (odd) return odd.lines.map((line) => withBody(line, message));
      const modseq = withModseq && !items.includes('MODSEQ') ? ['MODSEQ'] : [];
      const values = [...itemsOf(items), ...modseq].map((item) => itemOf(item, message));
      return [`* ${index + 1} FETCH (${values.join(' ')})`];
    }),
  ];
}

const itemsOf = (items: string): string[] => items.match(/[A-Z0-9.]+(?:\[[^\]]*\](?:<[\d.]+>)?)?/g) ?? [];

function itemOf(item: string, message: CaseMessage): string {
  const source = sourceOf(message);
  const headerEnd = source.indexOf('\r\n\r\n') + 4;
  switch (item) {
    case 'UID':
      return `UID ${message.uid}`;
    case 'FLAGS':
      return `FLAGS (${message.flags})`;
    case 'INTERNALDATE':
      return `INTERNALDATE "${message.date}"`;
    case 'RFC822.SIZE':
      return `RFC822.SIZE ${message.size ?? source.length}`;
    case 'MODSEQ':
      return `MODSEQ (${message.modseq})`;
    case 'EMAILID':
      return `EMAILID (${idOf(message)})`;
  }
  const [, section = '', from, length] = /^BODY(?:\.PEEK)?\[([^\]]*)\](?:<(\d+)\.(\d+)>)?$/.exec(item) ?? [];
  const whole = section.startsWith('HEADER') ? source.slice(0, headerEnd) : source;
  const fields = /\((.*)\)/.exec(section)?.[1]?.toLowerCase().split(' ');
  const kept = fields ? [...whole.split('\r\n').filter((line) => fields.includes(fieldOf(line))), '', ''] : null;
  const all = kept ? kept.join('\r\n') : whole;
  const part = from === undefined ? all : all.slice(Number(from), Number(from) + Number(length));
  return `BODY[${section}]${from === undefined ? '' : `<${from}>`} {${part.length}}\r\n${part}`;
}

const fieldOf = (line: string): string => line.slice(0, line.indexOf(':')).toLowerCase();

/** `$BODY`, and `$BODY+5`, which announces five bytes more than it sends. */
function withBody(line: string, message: CaseMessage): string {
  const source = sourceOf(message);
  return line.replace(/\$BODY(?:\+(\d+))?/, (_, more = '0') => `{${source.length + Number(more)}}\r\n${source}`);
}

const idOf = ({ subject, uid }: Pick<CaseMessage, 'subject' | 'uid'>): string =>
  Buffer.from(`${subject} ${uid}`, 'latin1').toString('hex');

/** The bytes of a message, as latin1. */
export function sourceOf({ subject, bytes, uid }: Pick<CaseMessage, 'subject' | 'bytes' | 'uid'>): string {
  const header = [
    'From: Ann <ann@example.org>',
    'To: Bob <bob@example.org>',
    `Subject: ${subject}`,
    `Message-ID: <${idOf({ subject, uid })}@example.org>`,
    'Date: Fri, 17 Jul 2020 02:44:25 +0000',
  ];
  return `${header.join('\r\n')}\r\n\r\n${'word'.padEnd(bytes - 2, '.')}\r\n`;
}

/** User and secret of a SASL response: PLAIN (RFC 4616) or XOAUTH2. */
export function saslLogin(response: string): [string, string] {
  const decoded = Buffer.from(unquoted(response), 'base64').toString('latin1');
  if (decoded.startsWith('user=')) {
    const [owner = '', bearer = ''] = decoded.split('\u0001');
    return [owner.slice('user='.length), bearer.slice('auth=Bearer '.length)];
  }
  const [, user = '', password = ''] = decoded.split('\0');
  return [user, password];
}

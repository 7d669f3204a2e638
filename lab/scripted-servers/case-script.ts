/**
 * The language of scripted servers (test/sync/odd-servers/README.md): parses text into statements. Bytes are latin1
 * characters throughout, so that a script can send bytes that are not UTF-8.
 */
export type CaseScript = {
  greeting: string;
  capability: string;
  capabilityAfterLogin: string | null;
  namespace: string | null;
  /** The fields of the answer to ID. */
  id: string;
  root: string;
  /** The only accepted user name and password; null for any. */
  login: readonly [string, string] | null;
  mailboxes: Map<string, CaseMailbox>;
  answers: CaseAnswer[];
};

export type CaseMailbox = {
  name: string;
  uidValidity: string;
  /** 'none': the server does not send it. Null: one above the last UID. */
  uidNext: string | null;
  attributes: string;
  delimiter: string;
  highestModseq: bigint | null;
  /** EXISTS and MESSAGES report this many more messages than exist. */
  counted: number;
  /** Its LIST lines as they are sent; null for a correct one. */
  listed: string[] | null;
  messages: CaseMessage[];
  rows: { uid: number; item: string; lines: string[] }[];
  expunged: number[];
  /** The mod-sequence of its last change. */
  lastModseq: bigint;
};

export type CaseMessage = {
  uid: number;
  subject: string;
  flags: string;
  date: string;
  size: number | null;
  modseq: bigint;
  bytes: number;
};

export type CaseAnswer = { command: string; args: string[]; when: string | null; lines: string[] };

/** What Exchange Online sends of itself: it has neither CONDSTORE nor SPECIAL-USE, ENABLE, LIST-STATUS or ESEARCH. */
const EXCHANGE = {
  greeting: '* OK The Microsoft Exchange IMAP4 service is ready. [VwBBADEAUAAyADkAMQBDAEEAMAAwADAAOQA=]',
  capability: 'IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+',
  capabilityAfterLogin:
    'IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE NAMESPACE LITERAL+',
  id: '("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")',
} satisfies Partial<CaseScript>;

/** Changes the server. Runs when the server is in the state before it. */
type Statement = (script: CaseScript) => void;

/** The statements before the first run, then those after run 1, after run 2 and so on. */
export type CaseStages = readonly (readonly Statement[])[];

export function newScript(): CaseScript {
  return {
    greeting: '* OK ready',
    capability: 'IMAP4rev1',
    capabilityAfterLogin: null,
    namespace: null,
    id: '("name" "scripted" "vendor" "test")',
    root: '(\\Noselect) "/" ""',
    login: null,
    mailboxes: new Map(),
    answers: [],
  };
}

/** @throws Error that names the line of an unknown statement. */
export function parseCaseScript(text: string): CaseStages {
  const stages: Statement[][] = [[]];
  let mailbox = '';
  let answer: string[] | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/<([0-9A-F]{2})>/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (line.startsWith('  ')) {
      if (!answer) throw new Error(`line ${index + 1}: an answer to nothing`);
      answer.push(line.slice(2));
      continue;
    }
    answer = null;
    if (line.trim() === '' || line.startsWith('#')) continue;
    const keyword = /^\S*/.exec(line)![0];
    const rest = line.slice(keyword.length + 1);
    const stage = stages.length - 1;
    const add = (statement: Statement) => stages[stage]!.push(statement);
    const name = mailbox;
    if (keyword === '---') {
      const run = Number(/^after run (\d+)$/.exec(rest)?.[1]);
      if (!(run >= stages.length)) throw new Error(`line ${index + 1}: ${line}`);
      while (stages.length <= run) stages.push([]);
    } else if (keyword === 'mailbox') {
      mailbox = words(rest)[0]!;
      add(mailboxStatement(mailbox, options(rest)));
    } else if (keyword === 'on') {
      const lines: string[] = [];
      answer = lines;
      const [, head = rest, when = null] = /^(.*?)(?: \[(.*)\])?$/.exec(rest) ?? [];
      const [command = '', ...args] = words(head);
      add((script) => script.answers.push({ command: command.toUpperCase(), args, when, lines }));
    } else if (keyword === 'row') {
      const lines: string[] = [];
      answer = lines;
      const [of = '', uid = '', item = ''] = words(rest);
      add((script) => mailboxOf(script, of).rows.push({ uid: Number(uid), item, lines }));
    } else if (keyword === 'listed') {
      add((script) => {
        const changed = mailboxOf(script, name);
        changed.listed = [...(changed.listed ?? []), ...(rest === '' ? [] : [rest])];
      });
    } else if (keyword === 'message') {
      add(messageStatement(name, words(rest), options(rest), stage));
    } else if (keyword === 'expunge') {
      add((script) => {
        const changed = mailboxOf(script, name);
        changed.messages = changed.messages.filter(({ uid }) => uid !== Number(rest));
        changed.expunged.push(Number(rest));
        changed.lastModseq = modseqOf(stage);
      });
    } else {
      add(settingStatement(keyword, rest, index + 1));
    }
  }
  return stages;
}

function settingStatement(keyword: string, rest: string, at: number): Statement {
  switch (keyword) {
    case 'greeting':
    case 'capability':
    case 'namespace':
    case 'root':
      return (script) => {
        script[keyword] = rest;
      };
    case 'capability-after-login':
      return (script) => {
        script.capabilityAfterLogin = rest;
      };
    case 'exchange':
      return (script) => Object.assign(script, EXCHANGE);
    case 'login': {
      const [user = '', password = ''] = words(rest);
      return (script) => {
        script.login = [user, password];
      };
    }
    default:
      throw new Error(`line ${at}: ${keyword} ${rest}`);
  }
}

function mailboxStatement(name: string, said: ReadonlyMap<string, string>): Statement {
  return (script) => {
    const mailbox = script.mailboxes.get(name) ?? newMailbox(name);
    script.mailboxes.set(name, mailbox);
    for (const [option, value] of said) {
      if (option === 'uidvalidity') mailbox.uidValidity = value;
      else if (option === 'uidnext') mailbox.uidNext = value;
      else if (option === 'attributes') mailbox.attributes = value.slice(1, -1);
      else if (option === 'delimiter') mailbox.delimiter = value;
      else if (option === 'highestmodseq') mailbox.highestModseq = BigInt(value);
      else if (option === 'counted') mailbox.counted = Number(value);
      else throw new Error(`mailbox ${name}: ${option}`);
    }
  };
}

function newMailbox(name: string): CaseMailbox {
  return {
    name,
    uidValidity: '1600000000',
    uidNext: null,
    attributes: '\\HasNoChildren',
    delimiter: '/',
    highestModseq: null,
    counted: 0,
    listed: null,
    messages: [],
    rows: [],
    expunged: [],
    lastModseq: 1n,
  };
}

function messageStatement(
  name: string,
  [uid = '', subject = '']: readonly string[],
  said: ReadonlyMap<string, string>,
  stage: number,
): Statement {
  return (script) => {
    const mailbox = mailboxOf(script, name);
    const size = said.get('size');
    const modseq = said.get('modseq');
    mailbox.messages.push({
      uid: Number(uid),
      subject,
      flags: said.get('flags')?.slice(1, -1) ?? '',
      date: said.get('date') ?? '17-Jul-2020 02:44:25 +0000',
      size: size === undefined ? null : Number(size),
      modseq: modseq === undefined ? (mailbox.highestModseq ?? modseqOf(stage)) : BigInt(modseq),
      bytes: Number(said.get('bytes') ?? 0),
    });
    mailbox.lastModseq = modseqOf(stage);
  };
}

const modseqOf = (stage: number): bigint => BigInt(1 + 10 * stage);

function mailboxOf(script: CaseScript, name: string): CaseMailbox {
  const mailbox = script.mailboxes.get(name);
  if (!mailbox) throw new Error(`no mailbox ${name}`);
  return mailbox;
}

/** The words of a line, quoted ones without their quotes; parentheses and their contents are one word. */
export function words(line: string): string[] {
  return [...line.matchAll(WORD)].map(([word]) => unquoted(word));
}

const WORD = /"(?:[^"\\]|\\.)*"|\((?:[^()"]|"(?:[^"\\]|\\.)*"|\([^()]*\))*\)|[^\s"()]+/g;

export const unquoted = (word: string): string =>
  word.startsWith('"') && word.length > 1 ? word.slice(1, -1).replace(/\\(.)/gs, '$1') : word;

/** `flags=(\Seen 50%) date="..."` by their names. */
function options(line: string): Map<string, string> {
  const found = line.matchAll(/(?<= )([a-z]+)=("(?:[^"\\]|\\.)*"|\([^)]*\)|\S+)/g);
  return new Map([...found].map(([, name = '', value = '']) => [name, unquoted(value)]));
}

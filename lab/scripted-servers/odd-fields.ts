import { words } from './case-script.ts';
import type { Asked } from './case-server.ts';
import type { ValueKind } from './odd-values.ts';

/** Where the fault is: one mailbox, and one message in it. */
export type Place = { mailbox: string; uid: number; uids: readonly number[] };

/**
 * The most that an invalid value may cost. Without any, everything must be stored correctly.
 *
 *   run       the run may fail
 *   mailbox   messages of the mailbox may be missing, with a gap
 *   message   this message may be missing, with a gap
 *   metadata  its flags and date may differ; `all`: those of every message in the mailbox
 *   flags     flags of messages in the mailbox may be outdated
 *   trust     no client can detect the wrong value: the receipt is not checked
 */
export type Cost = 'run' | 'mailbox' | 'message' | 'metadata' | 'metadata of all' | 'flags' | 'trust';

export type Field = {
  /** The answers that contain it, by the names of {@link kindOf}. */
  of: readonly AskedKind[];
  /** Group `v` is replaced; null if the field does not occur at this place. */
  pattern: (place: Place) => string;
  values: ValueKind;
  costs: (value: string, place: Place) => readonly Cost[];
  /** The receipt must not be complete for the mailbox if the field holds another number than before. */
  unproven?: true;
};

export type AskedKind = ReturnType<typeof kindOf>;

export function kindOf({ command, rest }: Pick<Asked, 'command' | 'rest'>) {
  if (command === 'UID') {
    if (rest.startsWith('SEARCH')) return 'SEARCH';
    if (rest.includes('BODY.PEEK[]')) return 'BODY';
    if (rest.includes('BODY')) return 'HEADER';
    return rest.includes('INTERNALDATE') ? 'METADATA' : 'FLAGS';
  }
  switch (command) {
    case 'GREETING':
    case 'CAPABILITY':
    case 'LOGIN':
    case 'LIST':
    case 'STATUS':
    case 'SELECT':
      return command;
    default:
      return 'OTHER';
  }
}

/** The mailbox that an answer concerns, null for none. */
export function mailboxOf(asked: Asked): string | null {
  switch (kindOf(asked)) {
    case 'STATUS':
    case 'SELECT':
      return words(asked.rest)[0] ?? null;
    case 'SEARCH':
    case 'METADATA':
    case 'FLAGS':
    case 'BODY':
    case 'HEADER':
      return asked.selected;
    default:
      return null;
  }
}

/** A tagged answer that cannot be read is ignored. */
const unreadable = (value: string): boolean =>
  /[[("]/.test(value.replace(/\[[A-Z-]*(?: [^\]"(]*)?\] .*|\[ALERT\]|\(\)/g, ''));
const unlessRead =
  (cost: Cost) =>
  (value: string): Cost[] =>
    unreadable(value) ? [cost] : [];
const CONNECTION = ['GREETING', 'CAPABILITY', 'LOGIN', 'OTHER'] as const;
const ROWS = ['METADATA', 'FLAGS', 'BODY'] as const;
const nothing = () => [];
const always =
  (...costs: Cost[]) =>
  () =>
    costs;
/** A line that announces a literal swallows what follows. */
const opensLiteral = (value: string): boolean => /\{\d*\+?\}$|\{\d+/.test(value);
const row = (item: string) => `^\\* \\d+ FETCH \\((?=[^]*\\bUID UIDNUMBER\\b)[^]*?${item}`;
const inRow =
  (item: string) =>
  ({ uid }: Place): string =>
    row(item).replace('UIDNUMBER', String(uid));
const selectCode = (code: string) => () => `^\\* OK \\[${code} (?<v>[^\\]]*)\\]`;
const status = (item: string): Field => ({
  of: ['STATUS', 'LIST'],
  pattern: ({ mailbox }) => `^\\* STATUS "${mailbox}" \\(.*\\b${item} (?<v>\\d+)`,
  values: 'number',
  costs: nothing,
});
/** More messages than a mailbox may have (src/imap/answer-limits.ts): it is quarantined. */
const isBeyondLimit = (value: string): boolean => !(Math.abs(Number(value.replace(/\$[&+-]1?/g, '1'))) < 1_000_000);
/** A message whose bytes are counted wrongly is fetched in part, or is too large to be fetched. */
const isHuge = (value: string): boolean => Number(value.replace(/\D/g, '') || 0) > 10_000_000;

export const FIELDS = {
  greeting: { of: ['GREETING'], pattern: () => '^(?<v>[^]*)$', values: 'string', costs: always('run') },
  capability: {
    of: [...CONNECTION],
    pattern: () => '^\\* CAPABILITY (?<v>.*)$',
    values: 'string',
    costs: always('run'),
  },
  enabled: { of: ['OTHER'], pattern: () => '^\\* ENABLED(?<v>.*)$', values: 'string', costs: always('run') },
  namespace: { of: ['OTHER'], pattern: () => '^\\* NAMESPACE (?<v>.*)$', values: 'string', costs: always('run') },
  'login status': { of: ['LOGIN'], pattern: () => '^\\w+ (?<v>OK)\\b', values: 'tagged', costs: always('run') },
  'login text': { of: ['LOGIN'], pattern: () => '^\\w+ OK (?<v>.*)$', values: 'text', costs: always('run') },
  'LIST attributes': {
    of: ['LIST'],
    pattern: ({ mailbox }) => `^\\* LIST \\((?<v>[^)]*)\\) \\S+ "${mailbox}"`,
    values: 'flags',
    costs: always('mailbox'),
  },
  'LIST delimiter': {
    of: ['LIST'],
    pattern: ({ mailbox }) => `^\\* LIST \\([^)]*\\) (?<v>\\S+) "${mailbox}"`,
    values: 'string',
    costs: (value) => (opensLiteral(value) ? ['run'] : ['mailbox']),
  },
  'LIST name': {
    of: ['LIST'],
    pattern: ({ mailbox }) => `^\\* LIST \\([^)]*\\) \\S+ (?<v>"${mailbox}")`,
    values: 'string',
    costs: (value) => (opensLiteral(value) ? ['run', 'trust'] : ['mailbox', 'trust']),
  },
  'LIST text': { of: ['LIST'], pattern: () => '^\\w+ OK (?<v>.*)$', values: 'text', costs: unlessRead('run') },
  'STATUS name': {
    of: ['STATUS'],
    pattern: ({ mailbox }) => `^\\* STATUS (?<v>"${mailbox}")`,
    values: 'string',
    costs: (value) => (opensLiteral(value) ? ['run'] : []),
  },
  'STATUS status': {
    of: ['STATUS'],
    pattern: () => '^\\w+ (?<v>OK)\\b',
    values: 'tagged',
    costs: (value) => (/^(NO|BAD)\b/.test(value) ? [] : ['run']),
  },
  'STATUS text': { of: ['STATUS'], pattern: () => '^\\w+ OK (?<v>.*)$', values: 'text', costs: unlessRead('run') },
  'STATUS MESSAGES': status('MESSAGES'),
  'STATUS UNSEEN': status('UNSEEN'),
  'STATUS UIDNEXT': status('UIDNEXT'),
  'STATUS UIDVALIDITY': status('UIDVALIDITY'),
  'STATUS HIGHESTMODSEQ': status('HIGHESTMODSEQ'),
  EXISTS: {
    of: ['SELECT'],
    pattern: () => '^\\* (?<v>\\d+) EXISTS',
    values: 'number',
    costs: (value) => (isBeyondLimit(value) ? ['mailbox'] : []),
    unproven: true,
  },
  RECENT: { of: ['SELECT'], pattern: () => '^\\* (?<v>\\d+) RECENT', values: 'number', costs: nothing },
  'SELECT FLAGS': { of: ['SELECT'], pattern: () => '^\\* FLAGS \\((?<v>[^)]*)\\)', values: 'flags', costs: nothing },
  PERMANENTFLAGS: { of: ['SELECT'], pattern: selectCode('PERMANENTFLAGS'), values: 'flags', costs: nothing },
  UIDVALIDITY: { of: ['SELECT'], pattern: selectCode('UIDVALIDITY'), values: 'number', costs: nothing },
  UIDNEXT: { of: ['SELECT'], pattern: selectCode('UIDNEXT'), values: 'number', costs: nothing },
  HIGHESTMODSEQ: { of: ['SELECT'], pattern: selectCode('HIGHESTMODSEQ'), values: 'number', costs: always('flags') },
  MAILBOXID: { of: ['SELECT'], pattern: selectCode('MAILBOXID'), values: 'string', costs: nothing },
  'SELECT status': { of: ['SELECT'], pattern: () => '^\\w+ (?<v>OK)\\b', values: 'tagged', costs: always('mailbox') },
  'SELECT text': { of: ['SELECT'], pattern: () => '^\\w+ OK (?<v>.*)$', values: 'text', costs: unlessRead('mailbox') },
  SEARCH: {
    of: ['SEARCH'],
    pattern: () => '^\\* SEARCH(?<v>.*)$',
    values: 'search',
    // Digits directly after the last UID change it.
    costs: (value) => (/\$&( |$)/.test(value) && !/[1-9]\$&/.test(value) ? [] : ['mailbox']),
  },
  'SEARCH status': { of: ['SEARCH'], pattern: () => '^\\w+ (?<v>OK)\\b', values: 'tagged', costs: always('mailbox') },
  'row number': { of: [...ROWS], pattern: numberOfRow, values: 'number', costs: always('message', 'metadata') },
  'row UID': {
    of: ['METADATA'],
    pattern: inRow('\\bUID (?<v>\\d+)'),
    values: 'number',
    costs: always('metadata of all'),
  },
  'row UID of bytes': {
    of: ['BODY'],
    pattern: inRow('\\bUID (?<v>\\d+)'),
    values: 'number',
    costs: always('mailbox', 'metadata of all', 'trust'),
  },
  'row FLAGS': {
    of: ['METADATA', 'FLAGS'],
    pattern: inRow('FLAGS \\((?<v>[^)]*)\\)'),
    values: 'flags',
    costs: always('metadata'),
  },
  INTERNALDATE: {
    of: ['METADATA'],
    pattern: inRow('INTERNALDATE "(?<v>[^"]*)"'),
    values: 'date',
    costs: always('metadata'),
  },
  'RFC822.SIZE': {
    of: ['METADATA'],
    pattern: inRow('RFC822\\.SIZE (?<v>\\d+)'),
    values: 'number',
    costs: (value) => (isHuge(value) ? ['message', 'metadata'] : ['metadata']),
  },
  MODSEQ: {
    of: ['METADATA', 'FLAGS'],
    pattern: inRow('MODSEQ \\((?<v>\\d+)\\)'),
    values: 'number',
    costs: always('metadata'),
  },
  EMAILID: {
    of: ['METADATA'],
    pattern: inRow('EMAILID \\((?<v>[^)]*)\\)'),
    values: 'string',
    costs: always('metadata'),
  },
  'item of metadata': {
    of: ['METADATA'],
    pattern: inRow('(?<v>FLAGS|INTERNALDATE|RFC822\\.SIZE|UID)(?= )'),
    values: 'string',
    costs: (value) => (opensLiteral(value) ? ['mailbox', 'metadata of all'] : ['metadata of all']),
  },
  'bytes of a message': {
    of: ['BODY'],
    pattern: inRow('BODY\\[\\] (?<v>[^]*)\\)$'),
    values: 'literal',
    costs: always('message', 'trust'),
  },
  'status of rows': {
    of: ['METADATA', 'FLAGS', 'BODY'],
    pattern: () => '^\\w+ (?<v>OK)\\b',
    values: 'tagged',
    costs: always('mailbox'),
  },
  'text of rows': {
    of: [...ROWS, 'SEARCH'],
    pattern: () => '^\\w+ OK (?<v>.*)$',
    values: 'text',
    costs: unlessRead('mailbox'),
  },
  VANISHED: {
    of: ['FLAGS'],
    pattern: () => '^\\* VANISHED \\(EARLIER\\) (?<v>.*)$',
    values: 'set',
    costs: always('mailbox'),
  },
} satisfies Record<string, Field>;

function numberOfRow({ uid }: Place): string {
  return `^\\* (?<v>\\d+) FETCH \\((?=[^]*\\bUID ${uid}\\b)`;
}

import fc from 'fast-check';
import type { Alter, Asked } from './case-server.ts';
import { type CaseReply, CLOSE, SILENT } from './case-session.ts';
import { type AskedKind, type Cost, FIELDS, type Field, kindOf, mailboxOf, type Place } from './odd-fields.ts';
import { NOISE, put, valuesOf } from './odd-values.ts';
import { ODD_MAILBOXES } from './odd-world.ts';

/** A fault of a server: the value of one field, or what happens to one kind of line. */
export type Fault = { mailbox: (typeof ODD_MAILBOXES)[number]; message: number; once: boolean } & (
  | { field: string; value: string }
  | { line: LineName; act: Act; noise: string }
);

type Act = 'drop' | 'repeat' | 'close' | 'silence' | 'cut' | 'before' | 'after' | 'replace';

type Line = { of: AskedKind; starts: string; costs: (act: Act, noise: string) => readonly Cost[] };
export type LineName = keyof typeof LINES;

const ENDS = new Set<Act>(['close', 'silence', 'cut']);
const MENDABLE = new Set<Act>(['repeat']);
/** An unrequested line costs what it announces; one that ends the connection or swallows lines costs more. */
const noiseCosts = (noise: string): readonly Cost[] =>
  /^\+|BYE|\{/.test(noise) ? ['mailbox'] : /FLAGS|MODSEQ/.test(noise) ? ['flags', 'metadata of all'] : ['flags'];
const inMailbox =
  (lost: readonly Cost[]): Line['costs'] =>
  (act, noise) => {
    if (ENDS.has(act)) return ['mailbox'];
    if (MENDABLE.has(act)) return [];
    if (act === 'drop') return lost;
    return act === 'replace' ? [...lost, ...noiseCosts(noise)] : noiseCosts(noise);
  };
const ofMessage =
  (lost: readonly Cost[]): Line['costs'] =>
  (act, noise) => {
    if (act === 'drop' || ENDS.has(act)) return lost;
    if (MENDABLE.has(act)) return [];
    return act === 'replace' ? [...lost, ...noiseCosts(noise)] : noiseCosts(noise);
  };
const run = (): readonly Cost[] => ['run', 'trust'];

export const LINES = {
  greeting: { of: 'GREETING', starts: '', costs: run },
  capability: { of: 'CAPABILITY', starts: '', costs: run },
  login: { of: 'LOGIN', starts: '', costs: run },
  'other command': { of: 'OTHER', starts: '', costs: run },
  list: { of: 'LIST', starts: '\\* LIST \\(\\S*\\) \\S+ "MAILBOX"', costs: run },
  'end of list': { of: 'LIST', starts: '\\w+ OK', costs: run },
  status: { of: 'STATUS', starts: '\\* STATUS', costs: run },
  'end of status': { of: 'STATUS', starts: '\\w+ OK', costs: run },
  exists: { of: 'SELECT', starts: '\\* \\d+ EXISTS', costs: inMailbox([]) },
  uidvalidity: { of: 'SELECT', starts: '\\* OK \\[UIDVALIDITY', costs: inMailbox([]) },
  uidnext: { of: 'SELECT', starts: '\\* OK \\[UIDNEXT', costs: inMailbox([]) },
  highestmodseq: { of: 'SELECT', starts: '\\* OK \\[HIGHESTMODSEQ', costs: inMailbox(['flags']) },
  'end of select': { of: 'SELECT', starts: '\\w+ OK', costs: inMailbox(['mailbox']) },
  search: { of: 'SEARCH', starts: '\\* SEARCH', costs: inMailbox(['mailbox']) },
  'end of search': { of: 'SEARCH', starts: '\\w+ OK', costs: inMailbox(['mailbox']) },
  metadata: {
    of: 'METADATA',
    starts: '\\* \\d+ FETCH \\([^]*UID UIDNUMBER\\b',
    costs: ofMessage(['message', 'metadata']),
  },
  'end of metadata': { of: 'METADATA', starts: '\\w+ OK', costs: inMailbox(['mailbox']) },
  flags: { of: 'FLAGS', starts: '\\* \\d+ FETCH \\([^]*UID UIDNUMBER\\b', costs: inMailbox(['flags']) },
  'end of flags': { of: 'FLAGS', starts: '\\w+ OK', costs: inMailbox(['mailbox']) },
  bytes: { of: 'BODY', starts: '\\* \\d+ FETCH \\([^]*UID UIDNUMBER\\b', costs: ofMessage(['message']) },
  'end of bytes': { of: 'BODY', starts: '\\w+ OK', costs: inMailbox(['mailbox']) },
} satisfies Record<string, Line>;

const FIELD_TABLE: Record<string, Field> = FIELDS;
const place = {
  mailbox: fc.constantFrom(...ODD_MAILBOXES),
  message: fc.nat(4),
  once: fc.boolean(),
};
const oddField: fc.Arbitrary<Fault> = fc
  .constantFrom(...Object.keys(FIELDS))
  .chain((field) => fc.record({ ...place, field: fc.constant(field), value: valuesOf(FIELD_TABLE[field]!.values) }));
const oddLine: fc.Arbitrary<Fault> = fc.record({
  ...place,
  line: fc.constantFrom(...(Object.keys(LINES) as LineName[])),
  // Silence takes time.
  act: fc.constantFrom<Act>('drop', 'repeat', 'close', 'cut', 'before', 'before', 'after', 'replace', 'silence'),
  noise: fc.constantFrom(...NOISE),
});
export const faults: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 3, arbitrary: oddField },
  { weight: 1, arbitrary: oddLine },
);

/** What a fault may cost. */
export const costsOf = (fault: Fault, at: Place): readonly Cost[] =>
  'field' in fault ? FIELD_TABLE[fault.field]!.costs(fault.value, at) : LINES[fault.line].costs(fault.act, fault.noise);

/** Whether the receipt of a run with this fault must not be complete for its mailbox. */
export const isUnproven = (fault: Fault): boolean =>
  'field' in fault && !fault.once && FIELD_TABLE[fault.field]!.unproven === true;

/** Applies the faults to responses. */
export function altering(odd: readonly { fault: Fault; at: Place }[]): Alter {
  const spent = new Set<Fault>();
  return (response, asked) => {
    let sent: CaseReply = [response];
    for (const { fault, at } of odd) {
      if (spent.has(fault)) continue;
      sent = sent.flatMap((line): CaseReply => {
        const changed = typeof line === 'string' ? alterOne(line, asked, fault, at) : null;
        if (changed && fault.once) spent.add(fault);
        return changed ?? [line];
      });
    }
    return sent;
  };
}

/** Null for a line that the fault does not concern. */
function alterOne(line: string, asked: Asked, fault: Fault, at: Place): CaseReply | null {
  const mailbox = mailboxOf(asked);
  if (mailbox !== null && mailbox !== at.mailbox) return null;
  if ('field' in fault) {
    const { of, pattern } = FIELD_TABLE[fault.field]!;
    if (!of.includes(kindOf(asked))) return null;
    const found = new RegExp(pattern(at), 'd').exec(line);
    if (!found) return null;
    const [from, to] = found.indices!.groups!['v']!;
    return [line.slice(0, from) + put(fault.value, line.slice(from, to)) + line.slice(to)];
  }
  const { of, starts } = LINES[fault.line];
  const pattern = starts.replace('MAILBOX', at.mailbox).replace('UIDNUMBER', String(at.uid));
  if (kindOf(asked) !== of || !new RegExp(`^${pattern}`).test(line)) return null;
  switch (fault.act) {
    case 'drop':
      return [];
    case 'repeat':
      return [line, line];
    case 'close':
      return [CLOSE];
    case 'silence':
      return [SILENT];
    case 'cut':
      return [line.slice(0, line.length / 2), CLOSE];
    case 'before':
      return [fault.noise, line];
    case 'after':
      return [line, fault.noise];
    case 'replace':
      return [fault.noise];
  }
}

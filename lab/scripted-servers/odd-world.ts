import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type CaseMailbox, type CaseScript, type CaseStages, parseCaseScript } from './case-script.ts';
import { sourceOf } from './case-session.ts';

/** A correct server, before any fault. */
export type World = {
  capability: string;
  /** How many messages INBOX and `Odd` have at first. `Sound`, which has no faults, has two. */
  counts: [number, number];
};

/** What must be stored of a message. */
export type Facts = { flags: string[]; date: string; sha256: string };

/** Mailboxes by name, messages by UID. */
export type Truth = ReadonlyMap<string, ReadonlyMap<number, Facts>>;

export const ODD_MAILBOXES = ['INBOX', 'Odd'] as const;

export const worlds: fc.Arbitrary<World> = fc.record({
  capability: fc.constantFrom(
    'IMAP4rev1',
    'IMAP4rev1 CONDSTORE ENABLE',
    'IMAP4rev1 CONDSTORE QRESYNC ENABLE LIST-STATUS',
    'IMAP4rev1 CONDSTORE QRESYNC ENABLE OBJECTID SPECIAL-USE NAMESPACE',
  ),
  counts: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 })),
});

const FLAGS = ['\\Seen', '\\Flagged work', '', '\\Answered \\Seen'];
const sizesOf = ({ counts }: World): [string, number][] => [
  ['INBOX', counts[0]],
  ['Odd', counts[1]],
  ['Sound', 2],
];

/** UIDs have gaps. */
export const uidAt = (index: number): number => 2 * index + 1 + (index % 2);

/**
 * The server before the first run, and its changes after it: in each mailbox one message arrives, the first one gets a
 * flag, and the second of three or more is deleted.
 */
export function stagesOf(world: World): CaseStages {
  const script = [`capability ${world.capability}`];
  const later: string[] = [];
  for (const [at, [name, count]] of sizesOf(world).entries()) {
    script.push(`mailbox ${name} uidvalidity=${41 + at}`);
    for (let index = 0; index < count; index++) script.push(messageLine(name, at, index));
    later.push(`mailbox ${name}`, messageLine(name, at, count));
    if (count > 2) later.push(`expunge ${uidAt(1)}`);
  }
  const stages = parseCaseScript([...script, '--- after run 1', ...later].join('\n'));
  const flag = (changed: CaseScript) => changed.mailboxes.forEach(flagFirst);
  return [stages[0]!, [...stages[1]!, flag]];
}

function messageLine(name: string, at: number, index: number): string {
  const [date, flags] = [`${10 + index}-Jul-2020 0${at}:44:25 +0000`, FLAGS[(index + at) % FLAGS.length]];
  // No two messages have the same size.
  return `message ${uidAt(index)} "${name} ${uidAt(index)}" flags=(${flags}) date="${date}" bytes=${40 * at + 7 * index + 20}`;
}

function flagFirst(mailbox: CaseMailbox): void {
  const first = mailbox.messages[0]!;
  first.flags = `${first.flags} later`.trim();
  first.modseq = mailbox.lastModseq;
}

/** The contents of the server after these stages. */
export function truthOf(stages: CaseStages, script: CaseScript): Truth {
  for (const stage of stages) for (const statement of stage) statement(script);
  return new Map(
    [...script.mailboxes.values()].map(({ name, messages }) => [
      name,
      new Map(
        messages.map((message) => [
          message.uid,
          {
            flags: message.flags.split(' ').filter(Boolean).toSorted(),
            date: new Date(message.date).toISOString(),
            sha256: createHash('sha256').update(sourceOf(message), 'latin1').digest('hex'),
          },
        ]),
      ),
    ]),
  );
}

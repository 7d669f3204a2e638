import { builder } from '../builder.ts';

/** The columns of a mailbox that the totals need. */
export interface MailboxFacts {
  readonly id: string;
  readonly messageCount: number;
  readonly unreadCount: number;
  readonly proof: { readonly provenCurrentAt: Date | null } | null;
}

/** The columns of an account that the totals need. */
export interface AccountFacts {
  readonly mailboxes: readonly MailboxFacts[];
  /** The server's list of mailboxes was not read completely, so `mailboxes` may lack some. */
  readonly listUnread: boolean;
}

export const AccountTotals = builder.objectRef<AccountFacts>('AccountTotals').implement({
  description: 'Totals of an account, over the mailboxes that its server lists now.',
  fields: (t) => ({
    mailboxes: t.int({ resolve: ({ mailboxes }) => mailboxes.length }),
    messages: t.int({
      description:
        'The number of messages, including those that are still to be fetched. A message in two mailboxes counts twice.',
      resolve: ({ mailboxes }) => sum(mailboxes.map(({ messageCount }) => messageCount)),
    }),
    stored: t.int({
      description: 'How many of `messages` are stored with all their bytes.',
      resolve: async ({ mailboxes }, _args, { missingCount }) =>
        sum(await Promise.all(mailboxes.map(async ({ id, messageCount }) => messageCount - (await missingCount(id))))),
    }),
    unread: t.int({ resolve: ({ mailboxes }) => sum(mailboxes.map(({ unreadCount }) => unreadCount)) }),
    provenCurrentAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the account was last proven to equal the server: the oldest `provenCurrentAt` of its mailboxes. Null while a mailbox has no proof, no mailbox is known, or part of the list of mailboxes cannot be read.',
      resolve: ({ mailboxes, listUnread }) =>
        listUnread ? null : oldest(mailboxes.map(({ proof }) => proof?.provenCurrentAt ?? null)),
    }),
  }),
});

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

const oldest = (proofs: readonly (Date | null)[]): Date | null =>
  proofs.reduce((first, proof) => (first && proof ? (proof < first ? proof : first) : null), proofs[0] ?? null);

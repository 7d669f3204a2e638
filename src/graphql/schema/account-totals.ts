import { builder } from '../builder.ts';

/** Of a mailbox, what the totals are made of. */
export interface MailboxFacts {
  readonly id: string;
  readonly messageCount: number;
  readonly unreadCount: number;
  readonly proof: { readonly provenCurrentAt: Date | null } | null;
}

/** Of an account, what the totals are made of. */
export interface AccountFacts {
  readonly mailboxes: readonly MailboxFacts[];
  /** There may be mailboxes that are not among these. */
  readonly listUnread: boolean;
}

export const AccountTotals = builder.objectRef<AccountFacts>('AccountTotals').implement({
  description: 'What is known of an account, over the mailboxes that its server lists now.',
  fields: (t) => ({
    mailboxes: t.int({ resolve: ({ mailboxes }) => mailboxes.length }),
    messages: t.int({
      description:
        'Places of messages, also of those that are still to be fetched: one that is in two mailboxes counts twice.',
      resolve: ({ mailboxes }) => sum(mailboxes.map(({ messageCount }) => messageCount)),
    }),
    stored: t.int({
      description: 'Those of `messages` that are stored with all their bytes.',
      resolve: async ({ mailboxes }, _args, { missingCount }) =>
        sum(await Promise.all(mailboxes.map(async ({ id, messageCount }) => messageCount - (await missingCount(id))))),
    }),
    unread: t.int({ resolve: ({ mailboxes }) => sum(mailboxes.map(({ unreadCount }) => unreadCount)) }),
    provenCurrentAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Since when all of it is proven to be what the server has: the oldest proof of a mailbox. Null while one has none, there is no mailbox, or a part of the list of mailboxes cannot be read.',
      resolve: ({ mailboxes, listUnread }) =>
        listUnread ? null : oldest(mailboxes.map(({ proof }) => proof?.provenCurrentAt ?? null)),
    }),
  }),
});

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

const oldest = (proofs: readonly (Date | null)[]): Date | null =>
  proofs.reduce((first, proof) => (first && proof ? (proof < first ? proof : first) : null), proofs[0] ?? null);

interface Place {
  readonly flags: readonly string[];
  readonly mailbox: { readonly id: string };
}

/** As `messages(unread:, flagged:)` means it: in the mailbox that is looked at, else anywhere. */
export const isUnread = (places: readonly Place[], mailboxId: string | null): boolean =>
  placesIn(places, mailboxId).some(({ flags }) => !flags.includes('\\Seen'));

export const isFlagged = (places: readonly Place[], mailboxId: string | null): boolean =>
  placesIn(places, mailboxId).some(({ flags }) => flags.includes('\\Flagged'));

const placesIn = (places: readonly Place[], mailboxId: string | null): readonly Place[] =>
  mailboxId === null ? places : places.filter(({ mailbox }) => mailbox.id === mailboxId);

interface FlaggedLocation {
  readonly flags: readonly string[];
  readonly mailbox: { readonly id: string };
}

/** As `messages(unread:, flagged:)` means it: in the mailbox that is looked at, else anywhere. */
export const isUnread = (locations: readonly FlaggedLocation[], mailboxId: string | null): boolean =>
  locationsIn(locations, mailboxId).some(({ flags }) => !flags.includes('\\Seen'));

export const isFlagged = (locations: readonly FlaggedLocation[], mailboxId: string | null): boolean =>
  locationsIn(locations, mailboxId).some(({ flags }) => flags.includes('\\Flagged'));

const locationsIn = (locations: readonly FlaggedLocation[], mailboxId: string | null): readonly FlaggedLocation[] =>
  mailboxId === null ? locations : locations.filter(({ mailbox }) => mailbox.id === mailboxId);

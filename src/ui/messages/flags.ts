interface FlaggedLocation {
  readonly flags: readonly string[];
  readonly mailbox: { readonly id: string };
}

/** True if unread, as in `messages(unread:)`: in the selected mailbox, else in any. */
export const isUnread = (locations: readonly FlaggedLocation[], mailboxId: string | null): boolean =>
  locationsIn(locations, mailboxId).some(({ flags }) => !flags.includes('\\Seen'));

export const isFlagged = (locations: readonly FlaggedLocation[], mailboxId: string | null): boolean =>
  locationsIn(locations, mailboxId).some(({ flags }) => flags.includes('\\Flagged'));

const locationsIn = (locations: readonly FlaggedLocation[], mailboxId: string | null): readonly FlaggedLocation[] =>
  mailboxId === null ? locations : locations.filter(({ mailbox }) => mailbox.id === mailboxId);

/** A mailbox in the tree of its account, in the order of a depth-first walk. */
export interface TreeRow<Mailbox> {
  readonly mailbox: Mailbox;
  readonly name: string;
  readonly depth: number;
}

interface Path {
  readonly path: string;
  readonly delimiter: string | null;
  readonly specialUse: string | null;
}

const ORDER = ['\\Inbox', '\\Drafts', '\\Sent', '\\Archive', '\\All', '\\Flagged', '\\Junk', '\\Trash'];

/**
 * Returns the mailboxes as a tree: special uses first, then by name. If the parent of a mailbox is not a mailbox, its
 * whole path is its name, so that every row is a mailbox.
 */
export function treeOf<Mailbox extends Path>(mailboxes: readonly Mailbox[]): TreeRow<Mailbox>[] {
  const children = new Map<string | null, Mailbox[]>();
  const known = new Set(mailboxes.map(({ path }) => path));
  for (const mailbox of mailboxes) {
    const parent = parentOf(mailbox, known);
    children.set(parent, [...(children.get(parent) ?? []), mailbox]);
  }
  const walk = (parent: string | null, depth: number): TreeRow<Mailbox>[] =>
    (children.get(parent) ?? []).toSorted(byUse).flatMap((mailbox) => [
      {
        mailbox,
        depth,
        name: parent === null ? mailbox.path : mailbox.path.slice(parent.length + mailbox.delimiter!.length),
      },
      ...walk(mailbox.path, depth + 1),
    ]);
  return walk(null, 0);
}

/** Returns the nearest mailbox above, or null. */
function parentOf({ path, delimiter }: Path, known: ReadonlySet<string>): string | null {
  if (!delimiter) return null;
  for (let end = path.lastIndexOf(delimiter); end > 0; end = path.lastIndexOf(delimiter, end - 1)) {
    const above = path.slice(0, end);
    if (known.has(above)) return above;
  }
  return null;
}

function byUse(a: Path, b: Path): number {
  const rank = ({ specialUse, path }: Path) => {
    const place = ORDER.indexOf(path.toUpperCase() === 'INBOX' ? '\\Inbox' : (specialUse ?? ''));
    return place < 0 ? ORDER.length : place;
  };
  return rank(a) - rank(b) || a.path.localeCompare(b.path);
}

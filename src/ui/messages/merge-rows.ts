/** A message in the list: what its order is told by. Newest first; of the same time, as the service has them. */
export interface ListRow {
  /** What the row stands for, and no other one: a message, or a thread, whose newest message may become another. */
  readonly key: string;
  readonly cursor: string;
  readonly node: { readonly id: string; readonly receivedAt: string };
}

/** What the service answers for the messages that follow a cursor. */
export interface RowPage<Row extends ListRow> {
  readonly edges: readonly Row[];
  readonly hasNextPage: boolean;
}

export interface Merged<Row> {
  readonly rows: readonly Row[];
  /** Nothing can be missing between the page and what follows it. */
  readonly isJoined: boolean;
}

/**
 * The list with `page` in place of what was shown of the same stretch: from behind the row with the cursor `after`
 * (null: from the top) to the page's end. What came is there, what went is gone, and what is older stays as it was.
 */
export function mergeRows<Row extends ListRow>(
  rows: readonly Row[],
  after: string | null,
  page: RowPage<Row>,
): Merged<Row> {
  const start = after === null ? 0 : rows.findIndex(({ cursor }) => cursor === after) + 1;
  const told = new Set(page.edges.map(({ key }) => key));
  const isElsewhere = ({ key }: Row): boolean => !told.has(key);
  const before = rows.slice(0, start).filter(isElsewhere);
  if (!page.hasNextPage) return { rows: [...before, ...page.edges], isJoined: true };
  const fresh = new Set(page.edges.map(({ node }) => node.id));
  const rest = rows.slice(start);
  const known = rest.findLastIndex(({ node }) => fresh.has(node.id));
  const end = page.edges.at(-1)!;
  const older = rest
    .slice(known + 1)
    .filter(isElsewhere)
    // Times are written alike, so they compare as text.
    .filter(({ node }) => end.node.id === rest[known]?.node.id || node.receivedAt <= end.node.receivedAt);
  return { rows: [...before, ...page.edges, ...older], isJoined: known >= 0 || rest.length === 0 };
}

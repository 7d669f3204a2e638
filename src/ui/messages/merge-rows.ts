/** A row of the list and what orders it: newest first, and for equal times in the service's order. */
export interface ListRow {
  /** The id of the message, or of the thread, whose newest message may change. Unique in the list. */
  readonly key: string;
  readonly cursor: string;
  readonly node: { readonly id: string; readonly receivedAt: string };
}

/** The service's page of the messages after a cursor. */
export interface RowPage<Row extends ListRow> {
  readonly edges: readonly Row[];
  readonly hasNextPage: boolean;
}

export interface Merged<Row> {
  readonly rows: readonly Row[];
  /** No message can be missing between the page and the rows after it. */
  readonly isJoined: boolean;
}

/**
 * Returns the list with `page` in place of the rows that it covers: from after the row with the cursor `after` (null:
 * from the top) to the page's end. New rows are added, missing ones removed, and older ones kept.
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
    // The times have one format, so they compare as text.
    .filter(({ node }) => end.node.id === rest[known]?.node.id || node.receivedAt <= end.node.receivedAt);
  return { rows: [...before, ...page.edges, ...older], isJoined: known >= 0 || rest.length === 0 };
}

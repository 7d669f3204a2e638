import type { CombinedError } from 'urql';
import { type ListRow, mergeRows, type RowPage } from './merge-rows.ts';

/**
 * The messages of one filter, as far as the user has scrolled: pages linked by cursors.
 *
 *   LOADING ──> READY (the list equals the service's, down to its end or to where `loadMore` continues)
 *       └─────> FAILED ──> LOADING by `loadMore`
 *
 * `refresh` rereads parts of the list after a sync has changed something. The list is never empty meanwhile.
 */
export interface PagerState<Row> {
  readonly status: 'LOADING' | 'READY' | 'FAILED';
  readonly rows: readonly Row[];
  readonly hasMore: boolean;
  readonly error: CombinedError | null;
}

export interface MessagePager<Row> {
  readonly subscribe: (listener: () => void) => () => void;
  readonly state: () => PagerState<Row>;
  /** Loads the next page. Does nothing while one is loading. */
  readonly loadMore: () => void;
  /** Rereads the top of the list, and the rows from `index` on. */
  readonly refresh: (index: number) => Promise<void>;
  /** Rereads everything that was loaded. */
  readonly refreshAll: () => Promise<void>;
}

export type FetchPage<Row extends ListRow> = (after: string | null) => Promise<RowPage<Row>>;

/** A refresh follows new messages for this many pages. If there are more, the list is cut there. */
const MAX_PAGES = 20;

export function createMessagePager<Row extends ListRow>(fetchPage: FetchPage<Row>): MessagePager<Row> {
  const listeners = new Set<() => void>();
  let state: PagerState<Row> = { status: 'LOADING', rows: [], hasMore: true, error: null };
  let isLoading = false;
  /** Operations run one at a time, because each starts from the result of the previous one. */
  let queue: Promise<unknown> = Promise.resolve();

  function change(next: Partial<PagerState<Row>>): void {
    state = { ...state, ...next };
    for (const listener of listeners) listener();
  }

  function inTurn(work: () => Promise<void>): Promise<void> {
    const turn = queue.then(work).catch((error: CombinedError) => change({ status: 'FAILED', error }));
    queue = turn;
    return turn;
  }

  async function append(): Promise<void> {
    const { edges, hasNextPage } = await fetchPage(state.rows.at(-1)?.cursor ?? null);
    const known = new Set(state.rows.map(({ key }) => key));
    const rows = [...state.rows, ...edges.filter(({ key }) => !known.has(key))];
    change({ status: 'READY', rows, hasMore: hasNextPage, error: null });
  }

  /** Rereads pages from `after` until they join the known rows. */
  async function reread(after: string | null): Promise<void> {
    let from = after;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const page = await fetchPage(from);
      const { rows, isJoined } = mergeRows(state.rows, from, page);
      change({ status: 'READY', rows, error: null, ...(page.hasNextPage ? {} : { hasMore: false }) });
      if (isJoined) return;
      from = page.edges.at(-1)!.cursor;
    }
    const end = state.rows.findIndex(({ cursor }) => cursor === from) + 1;
    change({ rows: state.rows.slice(0, end), hasMore: true });
  }

  function loadMore(): void {
    if (isLoading || !state.hasMore) return;
    isLoading = true;
    if (state.status === 'FAILED') change({ status: state.rows.length > 0 ? 'READY' : 'LOADING', error: null });
    void inTurn(append).finally(() => {
      isLoading = false;
    });
  }

  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    state: () => state,
    loadMore,
    refresh: (index) =>
      inTurn(async () => {
        const middle = state.rows[Math.max(0, index - 1)]?.cursor;
        await reread(null);
        // The first reread may have removed the row.
        if (index > 0 && state.rows.some(({ cursor }) => cursor === middle)) await reread(middle!);
        // The list was loaded to its end, which may have moved.
        if (!state.hasMore) await append();
      }),
    refreshAll: () =>
      inTurn(async () => {
        const wanted = state.rows.length;
        let rows: readonly Row[] = [];
        let hasMore = true;
        do {
          const page: RowPage<Row> = await fetchPage(rows.at(-1)?.cursor ?? null);
          rows = [...rows, ...page.edges];
          hasMore = page.hasNextPage;
        } while (hasMore && rows.length < wanted);
        change({ status: 'READY', rows, hasMore, error: null });
      }),
  };
}

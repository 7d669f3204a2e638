import type { CombinedError } from 'urql';
import { type ListRow, mergeRows, type RowPage } from './merge-rows.ts';

/**
 * The messages of one filter, as far as somebody has scrolled: pages that follow each other by cursors.
 *
 *   LOADING ──> READY (the list is what the service has, down to its end or to where `loadMore` goes on)
 *       └─────> FAILED ──> LOADING by `loadMore`
 *
 * `refresh` reads stretches anew, after a sync has changed something, without the list ever being empty.
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
  /** The next page; nothing while one is on its way. */
  readonly loadMore: () => void;
  /** What is new at the top, and how the rows from `index` on are now. */
  readonly refresh: (index: number) => Promise<void>;
  /** Everything that was loaded. */
  readonly refreshAll: () => Promise<void>;
}

export type FetchPage<Row extends ListRow> = (after: string | null) => Promise<RowPage<Row>>;

/** New messages that are followed page by page; with more of them at once the list begins anew. */
const MAX_PAGES = 20;

export function createMessagePager<Row extends ListRow>(fetchPage: FetchPage<Row>): MessagePager<Row> {
  const listeners = new Set<() => void>();
  let state: PagerState<Row> = { status: 'LOADING', rows: [], hasMore: true, error: null };
  let isLoading = false;
  /** One after the other: each starts from what the one before has left. */
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

  /** Reads on from `after` until what follows is known. */
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
        // Its row may have gone with the first stretch.
        if (index > 0 && state.rows.some(({ cursor }) => cursor === middle)) await reread(middle!);
        // The list had come to its end, which may be elsewhere now.
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

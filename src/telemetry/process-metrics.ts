import type { Pool } from 'pg';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { SyncProgress, SyncRunRow } from '../domain/progress.ts';
import type { EventFeed } from '../live/event-feed.ts';
import type { ProgressBus } from '../live/progress-bus.ts';
import type { ProgressFeed } from '../live/progress-feed.ts';
import type { InStep } from '../sync/steps.ts';
import { HostCount } from './host-count.ts';

/** Buckets in seconds, from one written row to the time limit of a run. */
const STEP_SECONDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300];
const RUN_SECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600];

/** Wrappers that count the work of the process's parts, which do not depend on metrics. */
export interface ProcessMetrics {
  /** Counts the outcomes of runs. The node that ends a run publishes its last frame once. */
  readonly bus: (bus: ProgressBus) => ProgressBus;
  /** Counts the work of an attempt, from the rows that its commits return. `claimed` is the row at its start. */
  readonly work: (claimed: SyncRunRow) => (row: SyncRunRow) => void;
  readonly step: InStep;
  /** Counts a connection to `host` while it is open. */
  readonly connection: <C extends Closeable>(host: string, open: () => Promise<C>) => Promise<C>;
  /** Counts open subscriptions. */
  readonly progress: (feed: ProgressFeed) => ProgressFeed;
  readonly events: (feed: EventFeed) => EventFeed;
  /** Counts a frame that a newer one replaced before its subscriber read it. */
  readonly conflated: () => void;
}

interface Closeable {
  close(): Promise<void>;
}

export function addProcessMetrics(
  registry: Registry,
  { pool, namesHosts }: { pool: Pool; namesHosts: boolean },
): ProcessMetrics {
  const registers = [registry];
  const ended = new Histogram({
    name: 'mailtide_run_seconds',
    help: 'Runs whose end this process published, by outcome, and their duration since the first attempt.',
    labelNames: ['status'],
    buckets: RUN_SECONDS,
    registers,
  });
  const errors = new Counter({
    name: 'mailtide_run_errors_total',
    help: 'Failed attempts in this process, by error code (docs/errors.md), whether retried or not.',
    labelNames: ['code'],
    registers,
  });
  const messages = new Counter({
    name: 'mailtide_messages_total',
    help: 'Messages that runs of this process fetched, created, updated (flags) and deleted.',
    labelNames: ['what'],
    registers,
  });
  const bytes = new Counter({
    name: 'mailtide_downloaded_bytes_total',
    help: 'Bytes of messages that runs of this process fetched from mail servers.',
    registers,
  });
  const steps = new Histogram({
    name: 'mailtide_step_seconds',
    help: 'Duration of the steps of runs in this process: connect (including the wait for the host), discover, enumerate and fetch (per mailbox), parse and store (per batch), finish, prove.',
    labelNames: ['step'],
    buckets: STEP_SECONDS,
    registers,
  });
  const subscriptions = new Gauge({
    name: 'mailtide_subscriptions',
    help: 'Open subscriptions in this process, by feed: progress or events.',
    labelNames: ['feed'],
    registers,
  });
  const conflated = new Counter({
    name: 'mailtide_progress_conflated_total',
    help: 'Progress frames that a newer one replaced before a slow subscriber of this process read them.',
    registers,
  });
  const hosts = new HostCount(namesHosts);
  new Gauge({
    name: 'mailtide_imap_connections',
    help: 'Open connections to mail servers in this process, by host; only the hosts with the most are named, and none without ADMIN_KEY.',
    labelNames: ['host'],
    registers,
    collect() {
      this.reset();
      for (const [host, count] of hosts.largest()) this.set({ host }, count);
    },
  });
  new Gauge({
    name: 'mailtide_database_connections',
    help: 'Database connections of this process, by state: used, idle, or waiting for one.',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'used' }, pool.totalCount - pool.idleCount);
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'waiting' }, pool.waitingCount);
    },
  });
  for (const what of ['fetched', 'created', 'updated', 'deleted']) messages.inc({ what }, 0);
  for (const feed of ['progress', 'events']) subscriptions.set({ feed }, 0);
  for (const status of ['SUCCEEDED', 'FAILED', 'CANCELLED']) ended.zero({ status });

  function countOutcome({ status, stats, error }: SyncProgress): void {
    if (status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELLED') {
      ended.observe({ status }, stats.durationMs / 1000);
    }
    if (error && (status === 'FAILED' || status === 'WAITING_RETRY')) errors.inc({ code: error.code });
  }

  async function* subscription<T>(feed: string, values: AsyncIterableIterator<T>): AsyncIterableIterator<T> {
    subscriptions.inc({ feed });
    try {
      yield* values;
    } finally {
      subscriptions.dec({ feed });
    }
  }

  return {
    bus: (bus) => ({
      ...bus,
      publish(frame) {
        countOutcome(frame);
        bus.publish(frame);
      },
    }),

    work(claimed) {
      let last = claimed;
      return (row) => {
        messages.inc({ what: 'fetched' }, row.messagesFetched - last.messagesFetched);
        messages.inc({ what: 'created' }, row.messagesCreated - last.messagesCreated);
        messages.inc({ what: 'updated' }, row.messagesUpdated - last.messagesUpdated);
        messages.inc({ what: 'deleted' }, row.messagesDeleted - last.messagesDeleted);
        bytes.inc(Number(row.bytesDownloaded - last.bytesDownloaded));
        last = row;
      };
    },

    async step(step, _facts, work) {
      const end = steps.startTimer({ step });
      try {
        return await work();
      } finally {
        end();
      }
    },

    async connection(host, open) {
      const connection = await open();
      hosts.add(host);
      let isOpen = true;
      return {
        ...connection,
        async close() {
          await connection.close();
          if (isOpen) hosts.remove(host);
          isOpen = false;
        },
      };
    },

    progress: (feed) => ({
      ofAccount: (...asked) => subscription('progress', feed.ofAccount(...asked)),
      ofTenant: (...asked) => subscription('progress', feed.ofTenant(...asked)),
    }),
    events: (feed) => ({ ofAccount: (...asked) => subscription('events', feed.ofAccount(...asked)) }),
    conflated: () => conflated.inc(),
  };
}

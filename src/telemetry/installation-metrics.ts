import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { ACTIVE_STATUSES, type SyncTrigger } from '../domain/sync-run.ts';
import { type InstallationFigures, installationFigures } from '../store/runs/installation-figures.ts';
import { withTimeout } from '../with-timeout.ts';

/** Scrapes within this time, and all gauges of one scrape, share one query. In ms. */
const FRESH_MS = 3_000;
/** Limit for the query in ms, so that a scrape returns the metrics of the process even without the database. */
const WAIT_MS = 2_000;

const TRIGGERS: readonly SyncTrigger[] = ['USER', 'SCHEDULE'];

/** Adds gauges of the whole installation, equal on every node. Without a database, they have no value. */
export function addInstallationMetrics(registry: Registry, { pool, log }: { pool: Pool; log: Logger }): void {
  const registers = [registry];
  let reading: { readonly at: number; readonly figures: Promise<InstallationFigures | null> } | null = null;

  function figures(): Promise<InstallationFigures | null> {
    if (!reading || performance.now() - reading.at > FRESH_MS) {
      const failed = (error: unknown): null => {
        log.warn({ err: error }, 'the query for metrics failed');
        return null;
      };
      reading = { at: performance.now(), figures: withTimeout(installationFigures(pool), WAIT_MS).catch(failed) };
    }
    return reading.figures;
  }

  new Gauge({
    name: 'mailtide_database_up',
    help: '1 if the database answered this scrape, else 0.',
    registers,
    async collect() {
      this.set((await figures()) ? 1 : 0);
    },
  });
  new Gauge({
    name: 'mailtide_runs',
    help: 'Active runs of the installation, by status and by trigger.',
    labelNames: ['status', 'trigger'],
    registers,
    async collect() {
      const now = await figures();
      this.reset();
      if (!now) return;
      for (const status of ACTIVE_STATUSES) for (const trigger of TRIGGERS) this.set({ status, trigger }, 0);
      for (const { status, trigger, count } of now.runs) this.set({ status, trigger }, count);
    },
  });
  new Gauge({
    name: 'mailtide_queue_oldest_seconds',
    help: 'How long the oldest queued run of the installation has waited, by trigger; 0 for an empty queue.',
    labelNames: ['trigger'],
    registers,
    async collect() {
      const now = await figures();
      this.reset();
      if (now) for (const trigger of TRIGGERS) this.set({ trigger }, now.oldestQueued[trigger] ?? 0);
    },
  });
  const lag = new Gauge({
    name: 'mailtide_schedule_lag_seconds',
    help: 'How late the most overdue account of the installation is; 0 if none is overdue.',
    labelNames: [],
    registers,
    async collect() {
      const now = await figures();
      if (now) lag.set(now.scheduleLagSeconds);
      else lag.remove();
    },
  });
}

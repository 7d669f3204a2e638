import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { addInstallationMetrics } from './installation-metrics.ts';
import { addProcessMetrics, type ProcessMetrics } from './process-metrics.ts';

export interface Metrics extends ProcessMetrics {
  /** Returns all metrics in Prometheus' text format 0.0.4. */
  exposition(): Promise<{ readonly type: string; readonly text: string }>;
  readonly registry: Registry;
}

/**
 * Creates the metrics for Prometheus: of this process from counters, of the installation from the database. The
 * registry is not prom-client's global one, so that two apps in one process count separately.
 * @param namesHosts whether mail servers are named, which may reveal the tenants
 */
export function createMetrics(options: { pool: Pool; log: Logger; namesHosts: boolean }): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addInstallationMetrics(registry, options);
  return {
    ...addProcessMetrics(registry, options),
    registry,
    exposition: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}

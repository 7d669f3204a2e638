import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Access } from './access.ts';
import { requireAdmin } from './admin.ts';

/** Serves `/metrics` for Prometheus. It contains no data of tenants. */
export function addMetrics(app: FastifyInstance, metrics: Metrics, adminKey: string | undefined, access: Access): void {
  // With a key, a scraper may use the node's host name.
  const config = { quiet: true, anyHost: adminKey !== undefined };
  app.get('/metrics', { config }, async (request, reply) => {
    requireAdmin(request.raw, adminKey, access);
    const { type, text } = await metrics.exposition();
    return reply.type(type).send(text);
  });
}

import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Access } from './access.ts';
import { requireAdmin } from './admin.ts';

/** `/metrics` for Prometheus. There is nothing of tenants in it. */
export function addMetrics(app: FastifyInstance, metrics: Metrics, adminKey: string | undefined, access: Access): void {
  // With a key, a scraper may use the node's own name.
  const config = { quiet: true, anyHost: adminKey !== undefined };
  app.get('/metrics', { config }, async (request, reply) => {
    requireAdmin(request.raw, adminKey, access);
    const { type, text } = await metrics.exposition();
    return reply.type(type).send(text);
  });
}

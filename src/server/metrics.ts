import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../telemetry/metrics.ts';
import { requireAdmin } from './admin.ts';

/** `/metrics` for Prometheus. There is nothing of tenants in it. */
export function addMetrics(app: FastifyInstance, metrics: Metrics, adminKey: string | undefined): void {
  app.get('/metrics', { config: { quiet: true } }, async (request, reply) => {
    requireAdmin(request.raw, adminKey);
    const { type, text } = await metrics.exposition();
    return reply.type(type).send(text);
  });
}

import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { Database } from '../store/database.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { addAnswers } from './answers.ts';
import { addHealth } from './health.ts';
import { addMetrics } from './metrics.ts';

export interface NodeServerOptions {
  readonly database: Database;
  readonly metrics: Metrics;
  readonly adminKey: string | undefined;
  /** Where one is used. */
  readonly redis?: { readonly isReady: boolean } | null;
  readonly logger: Logger;
}

/** Larger requests are refused. Bytes. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * What every node answers, whatever its roles, to those who watch over it: `/healthz`, `/readyz`, `/metrics`. A node
 * with the role api serves everything else beside (build-server.ts).
 */
export function buildNodeServer(
  { database, metrics, adminKey, redis = null, logger }: NodeServerOptions,
  stopping?: AbortSignal,
): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // addAnswers logs what it is safe to log.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
  });
  addAnswers(app);
  addHealth(app, database, redis, stopping);
  addMetrics(app, metrics, adminKey);
  return app;
}

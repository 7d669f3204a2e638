import type { Socket } from 'node:net';
import Fastify, { type ConnectionError, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { Database } from '../store/plumbing/database.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type AccessSettings, createAccess } from './access.ts';
import { addAnswers } from './answers.ts';
import { addHealth } from './health.ts';
import { addMetrics } from './metrics.ts';

export interface NodeServerOptions {
  readonly database: Database;
  readonly metrics: Metrics;
  readonly adminKey: string | undefined;
  readonly access: AccessSettings;
  /** Null if Redis is not configured. */
  readonly redis?: { readonly isReady: boolean } | null;
  readonly logger: Logger;
}

/** Larger requests are rejected. In bytes. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Builds the server of every node, whatever its roles, for monitoring: `/healthz`, `/readyz`, `/metrics`. Nodes with
 * the api role add all other routes (build-server.ts).
 */
export function buildNodeServer(
  { database, metrics, adminKey, access: settings, redis = null, logger }: NodeServerOptions,
  stopping?: AbortSignal,
): FastifyInstance {
  const access = createAccess(settings);
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // addAnswers logs requests without secrets.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    clientErrorHandler,
  });
  addAnswers(app, access);
  addHealth(app, database, redis, stopping);
  addMetrics(app, metrics, adminKey, access);
  return app;

  /** Logs only the code, because Node's error contains the packet, which may include a key. */
  function clientErrorHandler({ code }: ConnectionError, socket: Socket): void {
    logger.debug({ code }, 'a client sent something that is not HTTP');
    // A client that reset the connection reads no answer.
    if (code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const [status, reason] = REFUSALS[code] ?? [400, 'Bad Request'];
    socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }
}

const REFUSALS: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
};

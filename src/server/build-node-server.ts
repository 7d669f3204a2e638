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
  { database, metrics, adminKey, access: settings, redis = null, logger }: NodeServerOptions,
  stopping?: AbortSignal,
): FastifyInstance {
  const access = createAccess(settings);
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // addAnswers logs what it is safe to log.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    clientErrorHandler,
  });
  addAnswers(app, access);
  addHealth(app, database, redis, stopping);
  addMetrics(app, metrics, adminKey, access);
  return app;

  /** Node's error holds the packet as it came, with the key in it: only its code is logged. */
  function clientErrorHandler({ code }: ConnectionError, socket: Socket): void {
    logger.debug({ code }, 'a client sent something that is not HTTP');
    // Nobody reads the answer of a connection that was reset.
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

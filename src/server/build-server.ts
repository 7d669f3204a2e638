import cookies from '@fastify/cookie';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { Services } from '../graphql/context.ts';
import { createAuthenticator } from '../store/authenticator.ts';
import { addAnswers } from './answers.ts';
import { addDownloads, type ReadAttachment } from './downloads.ts';
import { addGraphQLHttp, createGraphQLServer } from './graphql-http.ts';
import { addGraphQLSockets } from './graphql-sockets.ts';
import { addHealth } from './health.ts';
import { addMessagePages, type RenderHtml } from './message-page.ts';
import { addPages } from './pages.ts';
import { addSignIn } from './sign-in.ts';
import { addTimelineExport } from './timeline-export.ts';

export interface ServerOptions {
  readonly services: Services;
  readonly readAttachment: ReadAttachment;
  readonly renderHtml: RenderHtml;
  readonly logger: Logger;
}

const MAX_BODY_BYTES = 1024 * 1024;
/** Connections that are still busy this long after the server began to close are cut. */
const CLOSE_WAIT_MS = 3000;

/**
 * Everything that answers over HTTP, built apart from listening: `listen()` it, or `inject()` into it. `close()` ends
 * subscriptions first (WebSockets with 1001, event streams with their last event), then lets requests finish.
 */
export async function buildServer({
  services,
  readAttachment,
  renderHtml,
  logger,
}: ServerOptions): Promise<FastifyInstance> {
  const { database } = services;
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // addAnswers logs what it is safe to log.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
  });
  const authenticator = createAuthenticator(database.prisma);
  const graphql = createGraphQLServer(services, logger);
  const stopping = new AbortController();

  await app.register(cookies);
  addAnswers(app);
  addHealth(app, database, stopping.signal);
  await addPages(app);
  await addSignIn(app, database.prisma, authenticator);
  addGraphQLHttp(app, graphql, authenticator, stopping.signal);
  const closeSockets = addGraphQLSockets(app, graphql, authenticator, logger);
  addDownloads(app, database, authenticator, readAttachment);
  addMessagePages(app, database, authenticator, renderHtml);
  addTimelineExport(app, database, authenticator);

  app.addHook('preClose', async () => {
    const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_WAIT_MS);
    app.server.once('close', () => clearTimeout(cut));
    // Sockets first: they get a close code, not the end of their subscriptions.
    await closeSockets();
    stopping.abort();
  });
  return app;
}

import cookies from '@fastify/cookie';
import type { Queue } from 'bullmq';
import type { FastifyInstance } from 'fastify';
import type { Services } from '../graphql/context.ts';
import { createAuthenticator } from '../store/tenancy/authenticator.ts';
import { createAccess } from './access.ts';
import { createAuthentication } from './authentication.ts';
import { buildNodeServer, type NodeServerOptions } from './build-node-server.ts';
import { addDownloads, type ReadAttachment } from './downloads.ts';
import { addGraphQLHttp, createGraphQLServer } from './graphql-http.ts';
import { addGraphQLSockets } from './graphql-sockets.ts';
import { addMessagePages, type RenderHtml } from './message-page.ts';
import { addOAuthPages } from './oauth-pages.ts';
import { addPages } from './pages.ts';
import { addQueueDashboard } from './queue-dashboard.ts';
import { addSignIn } from './sign-in.ts';
import { addTimelineExport } from './timeline-export.ts';

export interface ServerOptions extends Omit<NodeServerOptions, 'database'> {
  readonly services: Services;
  readonly readAttachment: ReadAttachment;
  readonly renderHtml: RenderHtml;
  /** The BullMQ queue; absent without Redis. */
  readonly messages?: Queue | undefined;
  /** Interval of the check for revoked keys and sessions, in ms. */
  readonly revocationCheckMs?: number;
  /** Time limit of a GraphQL query, in ms. */
  readonly queryTimeLimitMs?: number | undefined;
}

/** Connections that are still busy this long after the server began to close are closed. In ms. */
const CLOSE_WAIT_MS = 3000;

/**
 * Builds the HTTP server without listening: call `listen()` or `inject()`. `close()` first ends subscriptions
 * (WebSockets with 1001, event streams with their last event), then lets requests finish.
 */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const { services, readAttachment, renderHtml, messages, adminKey, logger } = options;
  const { database } = services;
  const stopping = new AbortController();
  const app = buildNodeServer({ ...options, database }, stopping.signal);
  const access = createAccess(options.access);
  const authenticator = createAuthenticator(database.prisma, options.revocationCheckMs);
  const authentication = createAuthentication(authenticator, access);
  const graphql = createGraphQLServer(services, logger, options.queryTimeLimitMs);

  await app.register(cookies);
  await addPages(app, authentication);
  await addSignIn(app, { prisma: database.prisma, authenticator, authentication, access });
  addOAuthPages(app, { signIns: services.signIns, authentication, access });
  addGraphQLHttp(app, graphql, authentication, stopping.signal);
  const closeSockets = addGraphQLSockets(app, graphql, authentication, access, logger);
  addDownloads(app, database, authentication, readAttachment);
  addMessagePages(app, database, authentication, renderHtml);
  addTimelineExport(app, database, authentication);
  if (messages && adminKey) await addQueueDashboard(app, messages, adminKey);

  app.addHook('preClose', async () => {
    const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_WAIT_MS);
    app.server.once('close', () => clearTimeout(cut));
    // Sockets first, so that they receive a close code instead of the end of their subscriptions.
    await closeSockets();
    stopping.abort();
  });
  return app;
}

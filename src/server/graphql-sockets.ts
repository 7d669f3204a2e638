import type { FastifyInstance } from 'fastify';
import type { ExecutionArgs, execute, subscribe } from 'graphql';
import { CloseCode, type ServerOptions } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import { MailtideError } from '../errors.ts';
import { presentError } from '../graphql/errors.ts';
import type { Identity } from '../store/tenancy/api-key.ts';
import type { Access } from './access.ts';
import type { Authentication } from './authentication.ts';
import { GRAPHQL_PATH, type GraphQLServer } from './graphql-http.ts';

const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Time for the client to authenticate, in ms. After that the connection is closed with 4408. */
const INIT_WAIT_MS = 5000;
/** Time for the client to answer the close of a stopping server, in ms. After that the connection is cut. */
const CLOSE_WAIT_MS = 1000;

/** A close code in addition to those of graphql-ws: too many failed sign-ins from this address. */
const TOO_MANY_ATTEMPTS = 4429;

type SocketExtra = Extra & { identity?: Identity; gone?: AbortController; stopWatching?: () => void };
type ConnectionParams = { authorization?: unknown; Authorization?: unknown };

/**
 * Serves GraphQL over WebSocket (protocol graphql-transport-ws) on the same path. A key is sent in the connection
 * parameters as `authorization: "Bearer <key>"`, the page's cookie with the handshake. Frames are pulled: the next one
 * is taken from the feed once the socket has written the previous one, so a client that does not read costs one frame.
 * A socket closes with 4403 when its key is revoked or its session ends.
 * @returns a function that closes all sockets with 1001 and resolves when they are closed
 */
export function addGraphQLSockets(
  app: FastifyInstance,
  graphql: GraphQLServer,
  authentication: Authentication,
  access: Access,
  logger: Logger,
): () => Promise<void> {
  // Not bound to `app.server`, because a port in use would then also be reported here, as an error with its stack.
  const server = new WebSocketServer({ noServer: true, path: GRAPHQL_PATH, maxPayload: MAX_MESSAGE_BYTES });
  app.server.on('upgrade', (request, socket, head) => {
    if (!access.answersTo(request)) {
      socket.end('HTTP/1.1 421 Misdirected Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    server.handleUpgrade(request, socket, head, (webSocket) => server.emit('connection', webSocket, request));
  });

  const options: ServerOptions<ConnectionParams, SocketExtra> = {
    connectionInitWaitTimeout: INIT_WAIT_MS,

    async onConnect({ extra, connectionParams: params }) {
      try {
        const credential = await authentication.ofRequest(
          extra.request,
          params?.authorization ?? params?.Authorization ?? extra.request.headers.authorization,
        );
        extra.identity = credential;
        extra.gone = new AbortController();
        extra.stopWatching = authentication.watch(credential, () => {
          extra.gone?.abort();
          extra.socket.close(CloseCode.Forbidden, 'Forbidden');
        });
        // The socket may have closed during the database query.
        if (extra.socket.readyState !== extra.socket.OPEN) extra.stopWatching();
        return true;
      } catch (error) {
        if (error instanceof MailtideError && error.code === 'TOO_MANY_REQUESTS') {
          extra.socket.close(TOO_MANY_ATTEMPTS, 'Too many attempts');
          return false;
        }
        if (error instanceof MailtideError) return false;
        logger.error({ err: error }, 'connection failed');
        extra.socket.close(CloseCode.InternalServerError, 'Internal server error');
        return false;
      }
    },

    async onSubscribe({ extra }, _id, payload) {
      const { schema, parse, validate, contextFactory, execute, subscribe } = graphql.getEnveloped({
        identity: extra.identity,
        signal: extra.gone!.signal,
      });
      try {
        const document = parse(payload.query);
        const invalid = validate(schema, document);
        if (invalid.length > 0) return invalid.map((error: unknown) => presentError(error, logger));
        return {
          schema,
          document,
          operationName: payload.operationName ?? null,
          variableValues: payload.variables ?? null,
          contextValue: await contextFactory(),
          rootValue: { execute, subscribe },
        };
      } catch (error) {
        return [presentError(error, logger)];
      }
    },

    async execute(args) {
      try {
        return await engineOf(args).execute(args);
      } catch (error) {
        // The request was ended (src/graphql/answer-budget.ts). The socket stays open.
        return { errors: [presentError(error, logger)] };
      }
    },
    subscribe: (args) => engineOf(args).subscribe(args),
    // An error in the middle of a stream arrives wrapped again.
    onError: (_context, _id, _payload, errors) => errors.map((error) => presentError(error, logger).toJSON()),
    onClose({ extra }) {
      extra.stopWatching?.();
      extra.gone?.abort();
    },
  };
  useServer(options, server);

  return () => closeAll(server);
}

/** Returns Yoga's functions, which graphql-ws passes back. They run the plugins. */
const engineOf = ({ rootValue }: ExecutionArgs) =>
  rootValue as { execute: typeof execute; subscribe: typeof subscribe };

async function closeAll(server: WebSocketServer): Promise<void> {
  const cut = setTimeout(() => {
    for (const socket of server.clients) socket.terminate();
  }, CLOSE_WAIT_MS);
  for (const socket of server.clients) socket.close(1001, 'Going away');
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearTimeout(cut);
}

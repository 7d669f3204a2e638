import type { FastifyInstance } from 'fastify';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Logger } from 'pino';
import { createContext, type GraphQLContext, type Services } from '../graphql/context.ts';
import { presentError, useValidationCode } from '../graphql/errors.ts';
import { QUERY_TIME_LIMIT_MS, useLimits } from '../graphql/limits.ts';
import { schema } from '../graphql/schema/index.ts';
import type { Identity } from '../store/tenancy/api-key.ts';
import { useSpans } from '../telemetry/graphql-spans.ts';
import { wantsPage } from './answers.ts';
import { type Authentication, whileAllowed } from './authentication.ts';
import { sendGraphiql } from './graphiql.ts';
import { formAt } from './sign-in.ts';

export const GRAPHQL_PATH = '/graphql';

/** The context that a transport passes to an operation. */
export interface OperationOrigin {
  readonly identity: Identity;
  readonly signal: AbortSignal;
}

export type GraphQLServer = YogaServerInstance<OperationOrigin, GraphQLContext>;

/** Creates the GraphQL engine that all transports share: limits, context, errors. */
export function createGraphQLServer(
  services: Services,
  logger: Logger,
  queryTimeLimitMs = QUERY_TIME_LIMIT_MS,
): GraphQLServer {
  return createYoga<OperationOrigin, GraphQLContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ identity, signal }) => createContext(services, identity, signal),
    plugins: [useLimits(schema, queryTimeLimitMs), useValidationCode(), useSpans()],
    maskedErrors: { maskError: (error) => presentError(error, logger) },
    // presentError logs the errors that matter.
    logging: false,
    graphiql: false,
    landingPage: false,
    // No other site's page may use the cookie, and clients with a key do not need CORS.
    cors: false,
    multipart: false,
  });
}

/** Serves GraphQL over POST and GET, subscriptions as server-sent events, and GraphiQL to browsers. */
export function addGraphQLHttp(
  app: FastifyInstance,
  graphql: GraphQLServer,
  authentication: Authentication,
  stopping: AbortSignal,
): void {
  app.route({
    url: GRAPHQL_PATH,
    method: ['GET', 'POST'],
    // Fastify's HEAD route would fail, because it cannot measure this type of answer.
    exposeHeadRoute: false,
    async handler(request, reply) {
      const signedIn = authentication.ofRequest(request.raw);
      if (wantsPage(request)) {
        return signedIn.then(
          () => sendGraphiql(reply),
          () => reply.redirect(formAt(request.url), 303),
        );
      }
      const identity = await signedIn;
      const allowed = whileAllowed(authentication, identity, reply.raw);
      const origin = { identity, signal: AbortSignal.any([stopping, allowed]) };
      const response = await graphql.handleNodeRequestAndResponse(request, reply, origin);
      // A kept-alive connection of an ended event stream would prevent the server from closing.
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
        response.headers.set('connection', 'close');
      }
      return response;
    },
  });
}

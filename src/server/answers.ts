import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ERRORS, type ErrorCode, MailtideError } from '../errors.ts';
import type { Access } from './access.ts';

/** The policy of Mailtide's pages, which load only from this service. `nonce` allows their style elements. */
export const contentSecurityPolicy = (nonce?: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self'${nonce ? ` 'nonce-${nonce}'` : ''}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    // For messages, whose documents have their own policy (message-page.ts).
    "frame-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** True for a browser that navigates to the address, as opposed to a program that sends GET. */
export const wantsPage = ({ method, headers }: FastifyRequest): boolean =>
  method === 'GET' && (headers.accept ?? '').includes('text/html');

const HEADERS = {
  'content-security-policy': contentSecurityPolicy(),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not "no-referrer", because browsers would then hide the origin of the page's forms, which is checked.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const STATUS: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  BAD_USER_INPUT: 400,
  HOST_NAME_UNKNOWN: 421,
  QUERY_TOO_COMPLEX: 413,
  ANSWER_TOO_LARGE: 413,
  TOO_MANY_REQUESTS: 429,
  REQUEST_TIME_LIMIT: 503,
};

/** Valid for a year. Subdomains are not included, because they are up to the operator. */
const HSTS = { 'strict-transport-security': 'max-age=31536000' };

/** Adds to every answer safe headers, one log line, and errors in the format of GraphQL. */
export function addAnswers(app: FastifyInstance, access: Access): void {
  const headers = access.isHttpsOnly ? { ...HEADERS, ...HSTS } : HEADERS;
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers);
    if (!request.routeOptions.config.anyHost && !access.answersTo(request.raw))
      throw new MailtideError('HOST_NAME_UNKNOWN');
  });

  app.addHook('onResponse', async (request, reply) => {
    // Without headers and query string, because both may contain a key.
    const line = { method: request.method, path: pathOf(request), status: reply.statusCode, ms: reply.elapsedTime };
    request.log[request.routeOptions.config.quiet ? 'debug' : 'info'](line, 'answered');
  });

  app.setNotFoundHandler(() => {
    throw new MailtideError('NOT_FOUND', { message: 'This page does not exist.' });
  });

  app.setErrorHandler((error, request, reply) => {
    const known = callerError(error);
    if (!known) request.log.error({ err: error, path: pathOf(request) }, 'request failed');
    const { code, message, retryAfterMs } = known ?? new MailtideError('INTERNAL');
    if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
    return reply.code(STATUS[code] ?? 500).send({ errors: [{ message, extensions: { code } }] });
  });
}

/** Returns the error as the caller may see it, or null for an internal one. */
function callerError(error: unknown): MailtideError | null {
  if (error instanceof MailtideError) return ERRORS[error.code].audience === 'caller' ? error : null;
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode === 413) return new MailtideError('QUERY_TOO_COMPLEX');
  // Errors of Fastify, such as an invalid JSON body or an unsupported media type.
  return statusCode !== undefined && statusCode < 500
    ? new MailtideError('BAD_USER_INPUT', { message: message! })
    : null;
}

const pathOf = ({ url, routeOptions }: FastifyRequest): string =>
  routeOptions.config.hasSecretPath ? routeOptions.url! : url.split('?', 1)[0]!;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Requested by machines every few seconds, so logged at debug level only. */
    quiet?: boolean;
    /** The path contains a secret, so the log has the route's pattern in its place. */
    hasSecretPath?: boolean;
    /** Served under any host name, because it reveals nothing secret. */
    anyHost?: boolean;
  }
}

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ERRORS, type ErrorCode, MailtideError } from '../errors.ts';
import type { Access } from './access.ts';

/** Our own pages load from here only. A page that needs more says so itself. `nonce` is of its style elements. */
export const contentSecurityPolicy = (nonce?: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self'${nonce ? ` 'nonce-${nonce}'` : ''}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    // Of mail, whose documents have a policy of their own (message-page.ts).
    "frame-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** A browser that was given the address, in contrast to a program that asks with GET. */
export const wantsPage = ({ method, headers }: FastifyRequest): boolean =>
  method === 'GET' && (headers.accept ?? '').includes('text/html');

const HEADERS = {
  'content-security-policy': contentSecurityPolicy(),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not "no-referrer": with it browsers hide the origin of our own forms, which we check.
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

/** For a year, once browsers have seen it over TLS. Other names of the domain are the operator's matter. */
const HSTS = { 'strict-transport-security': 'max-age=31536000' };

/** What every answer has: safe headers, one line in the log, and errors in the shape of GraphQL's. */
export function addAnswers(app: FastifyInstance, access: Access): void {
  const headers = access.isHttpsOnly ? { ...HEADERS, ...HSTS } : HEADERS;
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers);
    if (!request.routeOptions.config.anyHost && !access.answersTo(request.raw))
      throw new MailtideError('HOST_NAME_UNKNOWN');
  });

  app.addHook('onResponse', async (request, reply) => {
    // Neither headers nor the query part of the address: both can hold a key.
    const line = { method: request.method, path: pathOf(request.url), status: reply.statusCode, ms: reply.elapsedTime };
    request.log[request.routeOptions.config.quiet ? 'debug' : 'info'](line, 'answered');
  });

  app.setNotFoundHandler(() => {
    throw new MailtideError('NOT_FOUND', { message: 'There is no such page.' });
  });

  app.setErrorHandler((error, request, reply) => {
    const known = callerError(error);
    if (!known) request.log.error({ err: error, path: pathOf(request.url) }, 'request failed');
    const { code, message, retryAfterMs } = known ?? new MailtideError('INTERNAL');
    if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
    return reply.code(STATUS[code] ?? 500).send({ errors: [{ message, extensions: { code } }] });
  });
}

/** The error as its caller may see it, or null. */
function callerError(error: unknown): MailtideError | null {
  if (error instanceof MailtideError) return ERRORS[error.code].audience === 'caller' ? error : null;
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode === 413) return new MailtideError('QUERY_TOO_COMPLEX');
  // Fastify's own: a body that is no JSON, a media type that nobody reads.
  return statusCode !== undefined && statusCode < 500
    ? new MailtideError('BAD_USER_INPUT', { message: message! })
    : null;
}

const pathOf = (url: string): string => url.split('?', 1)[0]!;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked by machines every few seconds: not worth a line in the log. */
    quiet?: boolean;
    /** Answers whatever host name was asked for: nothing there is worth stealing. */
    anyHost?: boolean;
  }
}

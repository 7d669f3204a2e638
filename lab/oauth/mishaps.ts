import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

export type Endpoint = 'metadata' | 'jwks' | 'authorize' | 'token' | 'device' | 'revoke' | 'introspect';

/**
 * What happens to a request instead of the proper answer. With `status` or `body`, the endpoint does not handle the
 * request, unless `isHandled`; with `change` or `cut`, it handles it and then alters the answer.
 */
export interface Mishap {
  /** The endpoint whose next request it concerns; `token` by default. */
  readonly at?: Endpoint;
  /** Only requests with this grant type. */
  readonly grantType?: string;
  /** Concerns every such request until the test removes it from the list, not only the next. */
  readonly isLasting?: boolean;

  readonly delayMs?: number;
  /** The answer waits for it. */
  readonly until?: Promise<unknown>;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The whole body; an object is sent as JSON, a string as HTML. */
  readonly body?: string | object;
  /** Handles the request, so that the refresh token is used, although the answer is replaced. */
  readonly isHandled?: boolean;
  /** Fields to change in the proper answer; undefined removes one. */
  readonly change?: Readonly<Record<string, unknown>>;
  /** Cuts the connection before the request is handled, after it, or within the answer. */
  readonly cut?: 'before' | 'after' | 'within';
}

/** A refusal by RFC 6749, 5.2, with what Google and Microsoft add: `error_codes`, `suberror`, `error_subtype`. */
export const refusal = (error: string, more: object = {}, status = 400): Mishap => ({
  status,
  body: { error, ...more },
});
export const tooManyRequests = (retryAfter: number | string): Mishap => ({
  status: 429,
  headers: { 'retry-after': String(retryAfter) },
  body: { error: 'temporarily_unavailable' },
});
/** A proxy's page in front of the provider. */
export const html = (status: number): Mishap => ({ status, body: '<!doctype html><title>Sorry</title><h1>Sorry</h1>' });
export const hugeAnswer = (bytes: number): Mishap => ({
  status: 200,
  body: { access_token: 'x'.repeat(bytes), token_type: 'Bearer' },
});
export const redirect = (location: string): Mishap => ({ status: 307, headers: { location }, body: '' });

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | object;
}

/** Removes the first mishap for such a request from the list, unless it lasts, and returns it. */
export function takeMishap(mishaps: Mishap[], endpoint: Endpoint, grantType: string | null): Mishap {
  const at = mishaps.findIndex(
    (one) => (one.at ?? 'token') === endpoint && (one.grantType === undefined || one.grantType === grantType),
  );
  const mishap = mishaps[at];
  if (!mishap) return {};
  if (!mishap.isLasting) mishaps.splice(at, 1);
  return mishap;
}

/** Answers a request as the mishap has it, and returns the answer, or null if the connection was cut. */
export async function answerWith(
  mishap: Mishap,
  response: ServerResponse,
  handle: () => Promise<Answer>,
): Promise<Answer | null> {
  const { status, headers, body, change, cut, isHandled = false, delayMs, until } = mishap;
  if (cut === 'before') return end(response);
  const isReplaced = status !== undefined || body !== undefined;
  const proper = isReplaced && !isHandled ? { status: 200, body: '' } : await handle();
  if (delayMs) await pause(delayMs);
  await until;
  if (cut === 'after') return end(response);

  const sent = body ?? (typeof proper.body === 'object' ? { ...proper.body, ...change } : proper.body);
  const text = typeof sent === 'string' ? sent : JSON.stringify(sent);
  const answer = { status: status ?? proper.status, body: sent };
  response.writeHead(answer.status, {
    'content-type': typeof sent === 'string' ? 'text/html' : 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...proper.headers,
    ...headers,
  });
  if (cut !== 'within') {
    response.end(text);
    return answer;
  }
  response.write(text.slice(0, text.length / 2), () => response.destroy());
  return null;
}

function end(response: ServerResponse): null {
  response.destroy();
  return null;
}

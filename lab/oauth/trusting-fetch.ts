import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';

export type TrustingFetch = (
  url: string,
  options?: {
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly body?: unknown;
    readonly signal?: AbortSignal;
  },
) => Promise<Response>;

/** Returns a fetch that trusts this authority only, and follows no redirect: the `customFetch` of openid-client. */
export function trustingFetch(ca: string): TrustingFetch {
  return (url, { method = 'GET', headers = {}, body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, ca, agent: false, ...(signal && { signal }) }, (answer) => {
        buffer(answer).then((bytes) => {
          const status = answer.statusCode!;
          const hasNoBody = status === 204 || status === 304;
          const pairs = answer.rawHeaders.flatMap((name, i, all): [string, string][] =>
            i % 2 === 0 ? [[name, all[i + 1]!]] : [],
          );
          resolve(new Response(hasNoBody ? null : new Uint8Array(bytes), { status, headers: pairs }));
        }, reject);
      });
      sent.on('error', reject);
      // Strings and form fields are all that OAuth clients send.
      const isForm = typeof body === 'string' || body instanceof URLSearchParams;
      sent.end(isForm ? body.toString() : undefined);
    });
}

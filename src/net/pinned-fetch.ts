import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import tls from 'node:tls';
import { canonicalHost, reachOf } from './addresses.ts';
import { FetchFailed, step } from './fetch-failed.ts';
import { pinnedLookup } from './pinned-lookup.ts';
import { type CheckedHost, type HostPolicy, resolveHost } from './resolve-host.ts';

export interface PinnedFetchOptions {
  readonly policy: HostPolicy;
  /** PEM of the authorities to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** Limit of an answer's body. Default: 1 MiB. */
  readonly maxBytes?: number;
  /** Limit of the whole request in ms, from the name lookup to the last byte, with all redirects. Default: 10 s. */
  readonly timeoutMs?: number;
  /** Opens the TCP connection to a checked host. Default: to one of its addresses, as Node tries those of a name. */
  readonly dial?: (target: CheckedHost, port: number) => Socket;
}

export interface PinnedFetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestInit['body'] | Uint8Array;
  /** `follow` follows a few redirects of a GET, each checked like the first address. Default: `manual`. */
  readonly redirect?: 'manual' | 'follow';
  readonly signal?: AbortSignal | undefined;
}

/**
 * Requests a URL that somebody else may have chosen, like `fetch`: only over HTTPS, with a verified certificate, to an
 * address that the policy allows. The name is resolved once, and the connection goes to the resolved address, because a
 * second answer may differ (DNS rebinding). The body is read whole, and never decompressed.
 * @throws FetchFailed, or the reason of the signal if it aborts
 */
export type PinnedFetch = (url: string | URL, init?: PinnedFetchInit) => Promise<Response>;

const MAX_BYTES = 1024 * 1024;
const TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Answers with these cannot have a body (RFC 9110, 15), and Response refuses one. */
const WITHOUT_BODY = new Set([204, 205, 304]);

export function createPinnedFetch(options: PinnedFetchOptions): PinnedFetch {
  const { timeoutMs = TIMEOUT_MS } = options;

  return async (url, init = {}) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new FetchFailed('TIMED_OUT')), timeoutMs);
    const signal = init.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal;
    try {
      return await follow(urlOf(url), init, options, signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
  };
}

async function follow(
  start: URL,
  init: PinnedFetchInit,
  options: PinnedFetchOptions,
  signal: AbortSignal,
): Promise<Response> {
  const { method = 'GET', redirect = 'manual' } = init;
  // Response knows the content type that belongs to each kind of body.
  const sent = new Response(init.body as RequestInit['body']);
  const body = Buffer.from(await sent.arrayBuffer());
  const headers = new Headers(init.headers);
  const type = sent.headers.get('content-type');
  if (type && !headers.has('content-type')) headers.set('content-type', type);
  for (let url = start, hop = 0; ; hop += 1) {
    const answer = await send(url, { method, headers, body }, options, signal);
    const location = REDIRECTS.has(answer.statusCode ?? 0) ? answer.headers.location : undefined;
    if (redirect === 'manual' || method !== 'GET' || location === undefined) {
      return readAnswer(answer, options.maxBytes ?? MAX_BYTES);
    }
    answer.destroy();
    if (hop === MAX_REDIRECTS) throw new FetchFailed('TOO_MANY_REDIRECTS');
    const next = urlOf(location, url);
    if (next.origin !== url.origin) for (const name of ['authorization', 'cookie']) headers.delete(name);
    url = next;
  }
}

function urlOf(input: string | URL, base?: URL): URL {
  if (!URL.canParse(input, base)) throw new FetchFailed('URL_NOT_ALLOWED');
  return new URL(input, base);
}

interface Sent {
  readonly method: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** Sends one request over a connection of its own. Returns the answer once its headers have arrived. */
async function send(
  url: URL,
  { method, headers, body }: Sent,
  { policy, ca, dial = dialAny }: PinnedFetchOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const target = await checkedTarget(url, policy, signal);
  const tcp = dial(target, Number(url.port || 443));
  await step('UNREACHABLE', ready(tcp, 'connect', signal));
  const { host } = target;
  const socket = tls.connect({
    socket: tcp,
    host,
    // RFC 6066, 3: no addresses. The certificate must still be for `host`.
    ...(isIP(host) ? {} : { servername: host }),
    ...(ca === undefined ? {} : { ca }),
    ALPNProtocols: ['http/1.1'],
  });
  // Nothing is sent before the certificate is verified.
  await step('TLS_FAILED', ready(socket, 'secureConnect', signal));
  const request = https.request({
    createConnection: () => socket,
    host: url.hostname,
    port: url.port,
    path: url.pathname + url.search,
    method,
    headers: {
      ...Object.fromEntries(headers),
      host: url.host,
      'accept-encoding': 'identity',
      ...(body.length > 0 ? { 'content-length': body.length } : {}),
    },
    signal,
  });
  // A failure after the headers reaches the reader of the body. Without a listener it would also end the process.
  request.on('error', () => {});
  request.end(body);
  const [answer] = (await step('INVALID_ANSWER', once(request, 'response'))) as [IncomingMessage];
  return answer;
}

async function checkedTarget(url: URL, policy: HostPolicy, signal: AbortSignal): Promise<CheckedHost> {
  const host = canonicalHost(url.hostname);
  if (url.protocol !== 'https:' || url.username || url.password || host === null) {
    throw new FetchFailed('URL_NOT_ALLOWED');
  }
  const found = await step('NAME_LOOKUP_FAILED', resolveHost(host, policy, signal));
  const addresses = found.filter((address) => {
    const reach = reachOf(address);
    return reach === 'PUBLIC' || (reach === 'PRIVATE' && policy.allowPrivateHosts);
  });
  if (addresses.length > 0) return { host, addresses };
  throw new FetchFailed(found.length > 0 ? 'ADDRESS_NOT_ALLOWED' : 'HOST_NOT_FOUND');
}

const dialAny = ({ host, addresses }: CheckedHost, port: number): Socket =>
  connect({ host, port, lookup: pinnedLookup(addresses) });

async function ready(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  // Without a listener, a later failure would end the process.
  socket.on('error', () => {});
  try {
    await once(socket, event, { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function readAnswer(answer: IncomingMessage, maxBytes: number): Promise<Response> {
  const { statusCode = 0, headers } = answer;
  const isCompressed = (headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity';
  // Response refuses statuses outside this range.
  if (isCompressed || statusCode < 200 || statusCode > 599) {
    answer.destroy();
    throw new FetchFailed('INVALID_ANSWER');
  }
  const bytes = await step('INVALID_ANSWER', readBody(answer, maxBytes));
  const pairs = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  return new Response(WITHOUT_BODY.has(statusCode) ? null : bytes, { status: statusCode, headers: pairs });
}

async function readBody(answer: IncomingMessage, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop early destroys the connection.
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new FetchFailed('ANSWER_TOO_LARGE');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

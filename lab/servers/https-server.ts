import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificateKind, createCertificate } from './certificates.ts';

export interface HttpsServer extends AsyncDisposable {
  readonly port: number;
  /** PEM of the authority that signed the certificate. */
  readonly authority: string;
  /** The requests so far, e.g. `GET https://example.com/path`. */
  readonly asked: string[];
  /** The addresses that clients wanted to reach by {@link dial}. */
  readonly dialled: string[];
  /** Connects to this server, whatever the target, and records its addresses. */
  readonly dial: (target: { readonly addresses: readonly string[] }, port: number) => Socket;
}

export interface HttpsServerOptions {
  /** The host names of the certificate. */
  readonly names?: readonly string[];
  readonly certificate?: CertificateKind;
}

export type HttpsHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** An HTTPS server on loopback, which answers for any host name. */
export async function startHttpsServer(
  handle: HttpsHandler,
  { names, certificate = 'valid' }: HttpsServerOptions = {},
): Promise<HttpsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'https-'));
  const { certificateFile, keyFile, authority } = createCertificate(
    folder,
    certificate,
    names?.map((name) => `DNS:${name}`),
  );
  const tls = { cert: readFileSync(certificateFile), key: readFileSync(keyFile) };
  rmSync(folder, { recursive: true });
  const asked: string[] = [];
  const dialled: string[] = [];
  const server = createServer(tls, (request, response) => {
    asked.push(`${request.method} https://${request.headers.host}${request.url}`);
    handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    authority,
    asked,
    dialled,
    dial(target, wanted) {
      dialled.push(`${target.addresses.join(' ')} ${wanted}`);
      return connect({ host: '127.0.0.1', port });
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

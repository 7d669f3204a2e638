import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A foreign server: any request to it means that hostile content succeeded. */
export interface Canary extends AsyncDisposable {
  readonly url: string;
  /** The requested paths. */
  readonly asked: string[];
}

/** One pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

export async function startCanary(): Promise<Canary> {
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    asked.push(url);
    response.writeHead(200, { 'content-type': url.endsWith('.css') ? 'text/css' : 'image/png' });
    response.end(url.endsWith('.css') ? '' : PNG);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

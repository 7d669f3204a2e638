import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply } from 'fastify';

const OPERATIONS = new URL('../ui/operations/', import.meta.url);

/** GraphiQL and its editor are inline in the page. The editor compiles code and runs workers from blobs. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval' blob:",
  'worker-src blob:',
  "style-src 'unsafe-inline'",
  'img-src data:',
  'font-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

let page: Promise<Buffer> | undefined;

/** Sends GraphiQL without external resources. It signs in by the cookie and subscribes over WebSocket. */
export async function sendGraphiql(reply: FastifyReply): Promise<FastifyReply> {
  // Rendered on demand: 9 MB that most processes never need.
  page ??= renderPage();
  return reply
    .headers({ 'content-security-policy': CONTENT_SECURITY_POLICY, 'content-encoding': 'gzip' })
    .type('text/html; charset=utf-8')
    .send(await page);
}

/** GraphiQL reads `?query=` from its address, but not `?variables=`, which links of the page contain. */
const VARIABLES = '%VARIABLES%';
const VARIABLES_OF_ADDRESS = "new URLSearchParams(location.search).get('variables') ?? undefined";

async function renderPage(): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Mailtide GraphiQL',
    subscriptionsProtocol: 'WS',
    credentials: 'same-origin',
    defaultTabs: exampleTabs(),
    // An option that the types lack.
    ...({ variables: VARIABLES } as object),
  });
  return promisify(gzip)(html.replace(JSON.stringify(VARIABLES), VARIABLES_OF_ADDRESS));
}

/** Returns one tab for each file of operations. */
function exampleTabs(): { query: string }[] {
  return readdirSync(OPERATIONS)
    .sort()
    .map((name) => ({ query: readFileSync(new URL(name, OPERATIONS), 'utf8') }));
}

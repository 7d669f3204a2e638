import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply } from 'fastify';

const OPERATIONS = new URL('../ui/operations/', import.meta.url);

/** GraphiQL and its editor are inline in the page, the editor compiles code and runs workers from blobs. */
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

/** GraphiQL with nothing from outside. It signs in by the cookie, and watches subscriptions over WebSocket. */
export async function sendGraphiql(reply: FastifyReply): Promise<FastifyReply> {
  // 9 MB that most processes never need.
  page ??= renderPage();
  return reply
    .headers({ 'content-security-policy': CONTENT_SECURITY_POLICY, 'content-encoding': 'gzip' })
    .type('text/html; charset=utf-8')
    .send(await page);
}

/** It takes `?query=` from its address by itself, and leaves the variables of a link from our page to us. */
const VARIABLES = '%VARIABLES%';
const VARIABLES_OF_ADDRESS = "new URLSearchParams(location.search).get('variables') ?? undefined";

async function renderPage(): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Mailtide GraphiQL',
    subscriptionsProtocol: 'WS',
    credentials: 'same-origin',
    defaultTabs: exampleTabs(),
    // An option of the page's that its types leave out.
    ...({ variables: VARIABLES } as object),
  });
  return promisify(gzip)(html.replace(JSON.stringify(VARIABLES), VARIABLES_OF_ADDRESS));
}

/** A tab for each file of operations that the page and the demo use. */
function exampleTabs(): { query: string }[] {
  return readdirSync(OPERATIONS)
    .sort()
    .map((name) => ({ query: readFileSync(new URL(name, OPERATIONS), 'utf8') }));
}

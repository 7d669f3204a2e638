import pino from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type FakeOAuthProvider, startOAuthProvider } from '../../lab/oauth/fake-provider.ts';
import { html, refusal, tooManyRequests } from '../../lab/oauth/mishaps.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import type { Keyring } from '../../src/accounts/keyring.ts';
import { seal } from '../../src/accounts/seal.ts';
import { newId } from '../../src/domain/ids.ts';
import { createGrantTokens, type GrantTokens } from '../../src/oauth/grant-tokens.ts';
import type { OAuthProvider } from '../../src/oauth/provider.ts';
import { createProviderClients } from '../../src/oauth/provider-clients.ts';
import { putGrant } from '../../src/store/oauth/grants.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { inTransaction } from '../../src/store/plumbing/sql.ts';

/** Nodes that renew the grants of one database, at a provider that revokes a grant whose token is used twice. */
const MANY = 200;
const keyring: Keyring = { currentKeyId: 'test', keys: new Map([['test', Buffer.alloc(32, 5)]]) };
const tenantId = newId();

let provider: FakeOAuthProvider;
let nodes: { readonly database: Database; readonly tokens: GrantTokens }[];

beforeAll(async () => {
  provider = await startOAuthProvider();
  const url = await postgres.createDatabase();
  const policy = { allowPrivateHosts: true };
  const configured: OAuthProvider = {
    id: 'example',
    name: 'Example Mail',
    server: { issuer: provider.issuer, metadata: 'openid' },
    clientId: provider.client.id,
    clientSecret: provider.client.secret,
    scopes: ['openid', 'email', 'mail'],
    mailScope: 'mail',
    parameters: {},
    imap: { host: '127.0.0.1', port: 993, security: 'TLS' },
    domains: [],
    sendsScopeOnRefresh: false,
    adminConsentEndpoint: null,
  };
  nodes = [];
  for (let i = 0; i < 2; i++) {
    const database = await openDatabase({ url, dataDir: '' });
    const clients = createProviderClients([configured], { policy, ca: provider.ca });
    const log = pino({ level: 'silent' });
    nodes.push({ database, tokens: createGrantTokens({ pool: database.pool, keyring, clients, log }) });
  }
  await nodes[0]!.database.prisma.tenant.create({ data: { id: tenantId, name: 'one' } });
});
afterAll(async () => {
  for (const { database } of nodes ?? []) await database.close();
  await provider?.close();
});
beforeEach(() => {
  Object.assign(provider, { rotation: 'strict', accessLifetimeS: 3600 });
  provider.mishaps.length = 0;
  provider.received.all.length = 0;
});

/** Stores a grant whose access token ends in so many seconds. */
async function newGrant(accessSeconds = 0): Promise<string> {
  const id = newId();
  const email = `${id}@example.com`;
  const issued = await provider.grantTo({ email, sub: id });
  const grant = { id, tenantId, provider: 'example', issuer: provider.issuer, subject: id, emailAddress: email };
  await inTransaction(nodes[0]!.database.pool, (tx) =>
    putGrant(
      tx,
      { ...grant, scopes: ['mail'] },
      {
        refreshToken: seal(keyring, id, issued.refresh_token!),
        accessToken: seal(keyring, id, issued.access_token),
        accessSeconds,
        refreshSeconds: null,
      },
    ),
  );
  return id;
}

const grantOf = (id: string) => nodes[0]!.database.prisma.oAuthGrant.findUniqueOrThrow({ where: { id } });
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error: { code: string }) => error.code,
  );

test('a token that lasts is used without a request', async () => {
  const id = await newGrant(3600);
  const [first, second] = [await nodes[0]!.tokens.accessToken(id), await nodes[1]!.tokens.accessToken(id)];
  expect([first === second, provider.requests]).toEqual([true, []]);
});

test(`${MANY} grants that are due at once on two nodes, are renewed once each, and none is lost`, async () => {
  const ids: string[] = [];
  for (let i = 0; i < MANY; i++) ids.push(await newGrant());
  const asked = ids.flatMap((id) => nodes.flatMap(({ tokens }) => [tokens.accessToken(id), tokens.accessToken(id)]));
  const answers = await Promise.all(asked);
  expect(new Set(answers).size).toBe(MANY);
  expect([...provider.received.uses().values()].filter((uses) => uses !== 1)).toEqual([]);
  expect([provider.received.refreshCounts().size, provider.received.invalidGrants()]).toEqual([MANY, 0]);
  // Every grant can be renewed again, with the token that was stored.
  for (const id of ids.slice(0, 5)) {
    await nodes[0]!.database.pool.query('UPDATE oauth_grant SET access_expires_at = now() WHERE id = $1', [id]);
    expect(answers).not.toContain(await nodes[1]!.tokens.accessToken(id));
  }
});

test('a provider that keeps its refresh token, is asked with the same one again', async () => {
  provider.rotation = 'none';
  const id = await newGrant();
  const before = (await grantOf(id)).refreshToken;
  await nodes[0]!.tokens.accessToken(id);
  expect((await grantOf(id)).refreshToken).toBe(before);
});

test('a token that a server rejects, is replaced once in five minutes', async () => {
  const id = await newGrant(3600);
  const first = await nodes[0]!.tokens.accessToken(id);
  const second = await nodes[0]!.tokens.accessToken(id, first);
  expect(second).not.toBe(first);
  expect(await nodes[1]!.tokens.accessToken(id, second)).toBe(second);
  expect(provider.requests).toEqual(['refresh_token 200']);
});

test.each([
  ['an error page', html(503)],
  ['too many requests', tooManyRequests(7)],
  ['a connection that is cut', { cut: 'before' as const }],
  ['a page instead of an answer', html(200)],
])('%s, passes: the grant stays, and the next try succeeds', async (_, mishap) => {
  const id = await newGrant();
  provider.mishaps.push(mishap);
  expect(await codeOf(nodes[0]!.tokens.accessToken(id))).toBe('OAUTH_UNAVAILABLE');
  expect(await grantOf(id)).toMatchObject({ deadSince: null, leaseUntil: null });
  await nodes[1]!.tokens.accessToken(id);
});

test('a wrong client secret, blames the operator and no grant', async () => {
  const id = await newGrant();
  provider.mishaps.push(refusal('invalid_client', {}, 401));
  expect(await codeOf(nodes[0]!.tokens.accessToken(id))).toBe('OAUTH_PROVIDER_MISCONFIGURED');
  expect((await grantOf(id)).deadSince).toBeNull();
});

test('a revoked grant, is not sent again', async () => {
  const id = await newGrant();
  provider.revokeAll();
  for (const { tokens } of nodes) expect(await codeOf(tokens.accessToken(id))).toBe('OAUTH_GRANT_ENDED');
  expect(provider.received.invalidGrants()).toBe(1);
  expect(await grantOf(id)).toMatchObject({ deadReason: 'OAUTH_GRANT_ENDED', accessToken: null });
});

test('a refusal that another node was faster than, ends nothing', async () => {
  const id = await newGrant();
  const held = Promise.withResolvers<void>();
  provider.mishaps.push({ ...refusal('invalid_grant'), until: held.promise });
  const slow = nodes[0]!.tokens.accessToken(id);
  await expect.poll(() => provider.requests.length).toBe(1);
  // As if the lease had ended while the first node waited.
  await nodes[0]!.database.pool.query('UPDATE oauth_grant SET lease_until = now() WHERE id = $1', [id]);
  const renewed = await nodes[1]!.tokens.accessToken(id);
  held.resolve();
  expect(await slow).toBe(renewed);
  expect((await grantOf(id)).deadSince).toBeNull();
});

test('an access token that ends at once, is used once and renewed for the next login', async () => {
  provider.accessLifetimeS = 0;
  provider.rotation = 'lenient';
  const id = await newGrant();
  const first = await nodes[0]!.tokens.accessToken(id);
  expect(await nodes[0]!.tokens.accessToken(id)).not.toBe(first);
});

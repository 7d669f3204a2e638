import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { authenticate } from '../../src/store/tenancy/authenticator.ts';
import { authenticateSession, createSession, MAX_SESSIONS } from '../../src/store/tenancy/sessions.ts';
import { addKey } from '../../src/store/tenancy/tenants.ts';
import { ownPath } from '../../src/ui/paths.ts';
import { codeOf, cookieOf, get, json, openSignInLink, post, secretOf } from './requests.ts';
import { type ServedApi, serveApi } from './served-api.ts';

let api: ServedApi;

beforeAll(async () => {
  api = await serveApi();
});

afterAll(() => api?.close());

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const viewer = JSON.stringify({ query: '{ viewer { tenant { name } } }' });

describe('authentication', () => {
  test.each([
    ['no credentials', {}],
    ['a wrong key', { authorization: `Bearer mt_x_${'y'.repeat(43)}` }],
    ['another scheme', { authorization: 'Basic bXRfeA==' }],
    ['a wrong cookie', { cookie: 'mailtide_session=x' }],
  ])('%s, is UNAUTHENTICATED', async (_what, headers) => {
    expect(await codeOf(await post(api, '/graphql', viewer, { ...json, ...headers }))).toEqual([
      401,
      'UNAUTHENTICATED',
    ]);
    expect(await codeOf(await get(api, `/messages/${encodeId('Message', newId())}/source`, headers))).toEqual([
      401,
      'UNAUTHENTICATED',
    ]);
  });

  test('the answer to a wrong key states that the key is not valid', async () => {
    const answer = await post(api, '/graphql', viewer, { ...json, authorization: `Bearer mt_x_${'y'.repeat(43)}` });
    expect(await answer.text()).toContain('This API key is not valid.');
  });

  test('a valid cookie does not help an invalid key', async () => {
    const headers = { ...json, authorization: 'Bearer x', cookie: await cookieOf(api, api.alice.key), origin: api.url };
    expect((await post(api, '/graphql', viewer, headers)).status).toBe(401);
  });

  test("the cookie is accepted only from the service's own pages", async () => {
    const cookie = await cookieOf(api, api.alice.key);
    const status = async (origin?: string) =>
      (await post(api, '/graphql', viewer, { ...json, cookie, ...(origin ? { origin } : {}) })).status;
    const port = Number(new URL(api.url).port);
    expect(await status(api.url)).toBe(200);
    expect(await status()).toBe(401);
    expect(await status('null')).toBe(401);
    expect(await status('https://evil.example')).toBe(401);
    expect(await status(`http://127.0.0.1:${port + 1}`)).toBe(401);
    // Reads need no Origin header: browsers do not send it for them.
    const query = `/graphql?query=${encodeURIComponent('{ viewer { tenant { name } } }')}`;
    expect((await get(api, query, { cookie })).status).toBe(200);
    expect((await get(api, query, { cookie, origin: 'https://evil.example' })).status).toBe(401);
    const mutation = `/graphql?query=${encodeURIComponent('mutation { startAllEmailSyncs { status } }')}`;
    expect((await get(api, mutation, { cookie })).status).toBe(405);
  });

  test('other sites can neither read answers nor send requests with the cookie', async () => {
    const answer = await post(api, '/graphql', viewer, {
      ...json,
      authorization: `Bearer ${api.alice.key}`,
      origin: 'https://a.example',
    });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    const headers = { authorization: `Bearer ${api.alice.key}` };
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      expect((await post(api, '/graphql', viewer, { ...headers, 'content-type': type })).status).toBeGreaterThanOrEqual(
        400,
      );
    }
  });
});

describe('signing in', () => {
  test('by link redirects to an own path and sets a cookie that scripts cannot read', async () => {
    const answer = await openSignInLink(api, `${api.alice.key}&next=${encodeURIComponent('/graphql')}`);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/graphql']);
    expect(answer.headers.get('set-cookie')).toMatch(
      /^mailtide_session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  test.each([
    ['x-forwarded-proto', 'https', true],
    ['x-forwarded-proto', 'https, http', true],
    ['x-forwarded-proto', 'http, https', false],
    ['forwarded', 'for=192.0.2.1;proto=https', true],
    ['forwarded', 'for=192.0.2.1;proto=http, proto=https', false],
  ])('behind a proxy that sends %s: %s, the cookie is Secure: %s', async (header, value, isSecure) => {
    const cookie = (await openSignInLink(api, api.alice.key, { [header]: value })).headers.get('set-cookie')!;
    expect(cookie).toMatch(isSecure ? /^__Host-mailtide_session=.*; Secure;/ : /^mailtide_session=/);
    expect(cookie.includes('Secure')).toBe(isSecure);
    const headers = { ...json, cookie: cookie.split(';')[0]!, origin: api.url };
    expect((await post(api, '/graphql', viewer, headers)).status).toBe(200);
  });

  test('by form works from the own page, and shows the form again for a wrong key', async () => {
    const right = await post(api, '/sign-in', new URLSearchParams({ key: api.alice.key }).toString(), {
      ...form,
      origin: api.url,
    });
    expect([right.status, right.headers.get('location')]).toEqual([303, '/']);
    const wrong = await post(api, '/sign-in', 'key=nonsense&next=/graphql', { ...form, origin: api.url });
    expect([wrong.headers.get('location'), wrong.headers.get('set-cookie')]).toEqual([
      '/?next=%2Fgraphql&failed',
      null,
    ]);
    const foreign = await post(api, '/sign-in', `key=${api.alice.key}`, { ...form, origin: 'https://evil.example' });
    expect(await codeOf(foreign)).toEqual([403, 'FORBIDDEN']);
  });

  test.each(['cross-site', 'same-site', ''])('by a link followed from elsewhere (%j) shows the form', async (site) => {
    const answer = await openSignInLink(api, `${api.alice.key}&next=/graphql`, { 'sec-fetch-site': site });
    expect([answer.headers.get('location'), answer.headers.get('set-cookie')]).toEqual(['/?next=%2Fgraphql', null]);
  });

  test('a key has at most 100 sessions; a further one ends the oldest', async () => {
    const { prisma } = api.database;
    const key = await addKey(prisma, 'bob');
    const credential = (await authenticate(prisma, key))!;
    const first = await createSession(prisma, credential);
    for (let i = 1; i < MAX_SESSIONS; i++) await createSession(prisma, credential);
    expect(await authenticateSession(prisma, first)).not.toBeNull();
    await createSession(prisma, credential);
    expect(await authenticateSession(prisma, first)).toBeNull();
    expect(await prisma.session.count({ where: { apiKeyId: credential.apiKeyId } })).toBe(MAX_SESSIONS);
  });

  test('signing out ends the session', async () => {
    const cookie = await cookieOf(api, api.alice.key);
    const headers = { ...json, cookie, origin: api.url };
    expect((await post(api, '/graphql', viewer, headers)).status).toBe(200);
    expect((await post(api, '/sign-out', '', { ...form, cookie, origin: 'https://evil.example' })).status).toBe(403);
    expect((await post(api, '/graphql', viewer, headers)).status).toBe(200);
    expect((await post(api, '/sign-out', '', { ...form, cookie, origin: api.url })).status).toBe(303);
    expect((await post(api, '/graphql', viewer, headers)).status).toBe(401);
  });

  test.each([
    ['/graphql?a=b', '/graphql?a=b'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['https://evil.example/', '/'],
    ['javascript:alert(1)', '/'],
    ['\t//evil.example', '/'],
    ['/.//evil.example', '/'],
    ['/..//evil.example', '/'],
    ['/a/../..//evil.example', '/'],
    ['/./\\evil.example', '/'],
    ['/%2e//evil.example', '/'],
    ['/.//', '/'],
    ['//', '/'],
    ['/a//b?c=//d', '/a//b?c=//d'],
    [undefined, '/'],
  ])('next=%j leads to %j', (next, path) => expect(ownPath(next)).toBe(path));
});

describe('operation', () => {
  test('/healthz is 200, and /readyz while the database answers', async () => {
    expect([(await get(api, '/healthz')).status, (await get(api, '/readyz')).status]).toEqual([200, 200]);
    const { pool } = api.database;
    pool.query = (() => Promise.reject(new Error('gone'))) as typeof pool.query;
    const [alive, ready] = [await get(api, '/healthz'), await get(api, '/readyz')];
    Reflect.deleteProperty(pool, 'query');
    expect([alive.status, ready.status, await ready.json()]).toEqual([200, 503, { status: 'no database' }]);
  });

  test('the log has a line for every request, and no secret', async () => {
    const cookie = await cookieOf(api, api.alice.key);
    await post(api, '/sign-in', `key=${api.alice.key}`, { ...form, origin: api.url });
    await get(api, `/nowhere?key=${api.alice.key}`, { authorization: `Bearer ${api.alice.key}`, cookie });
    await post(api, '/graphql', `{"query": "${api.alice.key}`, json);
    const log = api.log.join('\n');
    expect(log).toContain('"method":"GET","path":"/nowhere","status":404');
    expect(log).toContain('"path":"/sign-in","status":303');
    expect(log).not.toContain(secretOf(api.alice.key));
    expect(log).not.toContain(cookie.split('=')[1]);
  });
});

test('HEAD of the GraphQL endpoint is NOT_FOUND and not a fault', async () => {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${api.alice.key}` },
  });
  expect(response.status).toBe(404);
});

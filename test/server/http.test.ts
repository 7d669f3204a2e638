import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { savedAs } from '../../src/server/downloads.ts';
import { ownPath } from '../../src/server/sign-in.ts';
import { type ServedApi, serveApi } from './served-api.ts';
import { storeAccount, storeMessage } from './stored-mail.ts';

let api: ServedApi;
let messageId: string;
let attachmentId: string;

beforeAll(async () => {
  api = await serveApi();
  const account = await storeAccount(api.database, api.alice.id, 'alice@example.com');
  ({ messageId, attachmentId } = await storeMessage(api.database, { account, subject: 'Tide', text: 'moon' }));
});

afterAll(() => api?.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(api.url + path, { headers, redirect: 'manual' });
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(api.url + path, { method: 'POST', body, headers, redirect: 'manual' });
const form = { 'content-type': 'application/x-www-form-urlencoded' };
/** As browsers ask for what somebody opens. */
const ofBrowser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const json = { 'content-type': 'application/json' };
const viewer = JSON.stringify({ query: '{ viewer { tenant { name } } }' });

async function cookieOf(key: string): Promise<string> {
  return (await get(`/sign-in?key=${key}`)).headers.get('set-cookie')!.split(';')[0]!;
}

async function codeOf(response: Response): Promise<[number, string]> {
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
  return [response.status, errors[0]!.extensions.code];
}

describe('who asks', () => {
  test.each([
    ['nobody', {}],
    ['a wrong key', { authorization: `Bearer mt_x_${'y'.repeat(43)}` }],
    ['another scheme', { authorization: 'Basic bXRfeA==' }],
    ['a wrong cookie', { cookie: 'mailtide_session=x' }],
  ])('%s is UNAUTHENTICATED', async (_what, headers) => {
    expect(await codeOf(await post('/graphql', viewer, { ...json, ...headers }))).toEqual([401, 'UNAUTHENTICATED']);
    expect(await codeOf(await get(`/messages/${encodeId('Message', messageId)}/source`, headers))).toEqual([
      401,
      'UNAUTHENTICATED',
    ]);
  });

  test('a key that is no longer right is not helped by a cookie that is', async () => {
    const headers = { ...json, authorization: 'Bearer x', cookie: await cookieOf(api.alice.key), origin: api.url };
    expect((await post('/graphql', viewer, headers)).status).toBe(401);
  });

  test('the cookie counts on our own pages only', async () => {
    const cookie = await cookieOf(api.alice.key);
    const status = async (origin?: string) =>
      (await post('/graphql', viewer, { ...json, cookie, ...(origin ? { origin } : {}) })).status;
    const port = Number(new URL(api.url).port);
    expect(await status(api.url)).toBe(200);
    expect(await status()).toBe(401);
    expect(await status('null')).toBe(401);
    expect(await status('https://evil.example')).toBe(401);
    expect(await status(`http://127.0.0.1:${port + 1}`)).toBe(401);
    // What changes nothing needs no origin: browsers do not send it there.
    const query = `/graphql?query=${encodeURIComponent('{ viewer { tenant { name } } }')}`;
    expect((await get(query, { cookie })).status).toBe(200);
    expect((await get(query, { cookie, origin: 'https://evil.example' })).status).toBe(401);
    const mutation = `/graphql?query=${encodeURIComponent('mutation { startAllEmailSyncs { status } }')}`;
    expect((await get(mutation, { cookie })).status).toBe(405);
  });

  test('no other site may read answers, or send what browsers send without asking', async () => {
    const answer = await post('/graphql', viewer, {
      ...json,
      authorization: `Bearer ${api.alice.key}`,
      origin: 'https://a.example',
    });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    const headers = { authorization: `Bearer ${api.alice.key}` };
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      expect((await post('/graphql', viewer, { ...headers, 'content-type': type })).status).toBeGreaterThanOrEqual(400);
    }
  });
});

describe('signing in', () => {
  test('by link ends at a path of ours with a cookie that scripts cannot read', async () => {
    const answer = await get(`/sign-in?key=${api.alice.key}&next=${encodeURIComponent('/graphql')}`);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/graphql']);
    expect(answer.headers.get('set-cookie')).toMatch(
      /^mailtide_session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  test('marks the cookie Secure behind a proxy that speaks TLS', async () => {
    const answer = await get(`/sign-in?key=${api.alice.key}`, { 'x-forwarded-proto': 'https' });
    expect(answer.headers.get('set-cookie')).toContain('; Secure');
  });

  test('by form works from our own page, and shows the form again for a wrong key', async () => {
    const right = await post('/sign-in', new URLSearchParams({ key: api.alice.key }).toString(), {
      ...form,
      origin: api.url,
    });
    expect([right.status, right.headers.get('location')]).toEqual([303, '/']);
    const wrong = await post('/sign-in', 'key=nonsense&next=/graphql', { ...form, origin: api.url });
    expect([wrong.headers.get('location'), wrong.headers.get('set-cookie')]).toEqual([
      '/?next=%2Fgraphql&failed',
      null,
    ]);
    const foreign = await post('/sign-in', `key=${api.alice.key}`, { ...form, origin: 'https://evil.example' });
    expect(await codeOf(foreign)).toEqual([403, 'FORBIDDEN']);
  });

  test('is not done by a link on another site', async () => {
    const answer = await get(`/sign-in?key=${api.alice.key}`, { 'sec-fetch-site': 'cross-site' });
    expect([answer.headers.get('location'), answer.headers.get('set-cookie')]).toEqual(['/?next=%2F', null]);
  });

  test('ends with signing out', async () => {
    const cookie = await cookieOf(api.alice.key);
    const headers = { ...json, cookie, origin: api.url };
    expect((await post('/graphql', viewer, headers)).status).toBe(200);
    expect((await post('/sign-out', '', { ...form, cookie, origin: 'https://evil.example' })).status).toBe(403);
    expect((await post('/graphql', viewer, headers)).status).toBe(200);
    expect((await post('/sign-out', '', { ...form, cookie, origin: api.url })).status).toBe(303);
    expect((await post('/graphql', viewer, headers)).status).toBe(401);
  });

  test.each([
    ['/graphql?a=b', '/graphql?a=b'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['https://evil.example/', '/'],
    ['javascript:alert(1)', '/'],
    ['\t//evil.example', '/'],
    [undefined, '/'],
  ])('next %j leads to %j', (next, path) => expect(ownPath(next)).toBe(path));
});

describe('pages', () => {
  test('GraphiQL is for who is signed in; others sign in first and come back', async () => {
    const html = { accept: 'text/html,*/*' };
    const stranger = await get('/graphql', html);
    expect([stranger.status, stranger.headers.get('location')]).toEqual([303, '/?next=%2Fgraphql']);
    const page = await get('/graphql', { ...html, cookie: await cookieOf(api.alice.key) });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('subscription SyncActivity');
  });

  test.each(['/', '/accounts/new', '/accounts/x', '/accounts/x/events', '/messages/x'])(
    '%s is the page, which loads nothing from outside',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; /);
      expect(answer.headers.get('cache-control')).toBe('no-cache');
      expect(await answer.text()).not.toMatch(/(src|href)="(https?:)?\/\//);
    },
  );

  test('its style elements are allowed by a nonce that no other answer has', async () => {
    const answers = await Promise.all([get('/'), get('/')]);
    const nonces = await Promise.all(
      answers.map(async (answer) => {
        const [, nonce] = /<meta name="style-nonce" content="([^"]{20,})">/.exec(await answer.text())!;
        expect(answer.headers.get('content-security-policy')).toContain(`style-src 'self' 'nonce-${nonce}';`);
        return nonce;
      }),
    );
    expect(new Set(nonces).size).toBe(2);
  });

  test('its files are kept for good, because their names change with them', async () => {
    const [script] = /\/assets\/[^"]+\.js/.exec(await (await get('/')).text())!;
    const answer = await get(script);
    expect([
      answer.status,
      ...['cache-control', 'content-type', 'content-encoding'].map((name) => answer.headers.get(name)),
    ]).toEqual([200, 'public, max-age=31536000, immutable', 'application/javascript; charset=utf-8', 'gzip']);
  });

  test('what is not there is NOT_FOUND', async () => {
    for (const path of ['/nowhere', '/accounts/x/nowhere', '/assets/nowhere.js', '/index.html']) {
      expect(await codeOf(await get(path)), path).toEqual([404, 'NOT_FOUND']);
      expect(await codeOf(await post(path, '{}', { ...json, ...ofBrowser })), path).toEqual([404, 'NOT_FOUND']);
    }
  });

  test('a person who looks for what is not there is answered by the page, whose files are found from there', async () => {
    for (const path of ['/nowhere', '/accounts/x/nowhere', '/a/b/c/d']) {
      const answer = await get(path, ofBrowser);
      expect([answer.status, answer.headers.get('content-type')], path).toEqual([404, 'text/html; charset=utf-8']);
      const page = await answer.text();
      expect(answer.headers.get('content-security-policy')).toContain(
        /name="style-nonce" content="([^"]+)"/.exec(page)![1],
      );
      const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file!);
      expect(files.length).toBeGreaterThan(1);
      for (const file of files) {
        expect((await fetch(new URL(file, api.url + path))).status, file).toBe(200);
      }
    }
  });
});

describe('downloads', () => {
  const as = (key: string) => ({ authorization: `Bearer ${key}` });

  test('give the bytes as they were received, to be saved', async () => {
    const answer = await get(`/messages/${encodeId('Message', messageId)}/source`, as(api.alice.key));
    expect(await answer.text()).toBe('Subject: Tide\r\n\r\nmoon\r\n');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'message/rfc822',
      'content-disposition': `attachment; filename="${messageId}.eml"; filename*=UTF-8''${messageId}.eml`,
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
  });

  test('give attachments without believing what they say they are', async () => {
    const answer = await get(`/attachments/${encodeId('Attachment', attachmentId)}`, as(api.alice.key));
    expect(await answer.text()).toBe('Subje');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="..__vil_.html"; filename*=UTF-8''.._%C3%A9vil%22.html`,
      'content-security-policy': "sandbox; default-src 'none'",
    });
  });

  test("are NOT_FOUND for another tenant's, unknown and malformed ids", async () => {
    for (const id of [messageId, newId()].map((one) => encodeId('Message', one))) {
      expect(await codeOf(await get(`/messages/${id}/source`, as(api.bob.key)))).toEqual([404, 'NOT_FOUND']);
    }
    for (const id of ['x', encodeId('Message', messageId), encodeId('Attachment', attachmentId)]) {
      expect(await codeOf(await get(`/attachments/${id}`, as(api.bob.key)))).toEqual([404, 'NOT_FOUND']);
    }
  });

  test('are named without folders, quotes and control characters', () => {
    expect(savedAs('a\r\nSet-Cookie: x"\u202e.exe')).toBe(
      `attachment; filename="a__Set-Cookie: x__.exe"; filename*=UTF-8''a__Set-Cookie%3A%20x%22_.exe`,
    );
    expect(savedAs('')).toContain('filename="attachment"');
    expect(savedAs('\ud800')).toContain('%EF%BF%BD');
  });
});

describe('the HTML of a message', () => {
  const as = (key: string) => ({ authorization: `Bearer ${key}` });
  let path: string;

  beforeAll(async () => {
    const account = await storeAccount(api.database, api.alice.id, 'html@example.com');
    const html = '<script>a()</script><p onclick=a()>Tide</p><img src="http://e.example/a.png" alt="a photo">';
    const stored = await storeMessage(api.database, { account, subject: 'Tide', html });
    path = `/messages/${encodeId('Message', stored.messageId)}/html`;
  });

  test('is a document without scripts, in an origin of its own, that loads nothing', async () => {
    const answer = await get(path, as(api.alice.key));
    const text = await answer.text();
    expect(text).toContain('<p>Tide</p><img alt="a photo" />');
    expect(text).not.toContain('script');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
      'x-frame-options': 'SAMEORIGIN',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
  });

  test('loads remote images, and only them, when its reader wants them', async () => {
    const answer = await get(`${path}?images=remote`, as(api.alice.key));
    expect(await answer.text()).toContain('<img alt="a photo" src="http://e.example/a.png" />');
    const policy = answer.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain('img-src data: https: http:;');
    expect(policy).toMatch(/^sandbox allow-popups allow-popups-to-escape-sandbox;/);
  });

  test("is NOT_FOUND where there is none, and for another tenant's", async () => {
    const plain = `/messages/${encodeId('Message', messageId)}/html`;
    expect(await codeOf(await get(plain, as(api.alice.key)))).toEqual([404, 'NOT_FOUND']);
    expect(await codeOf(await get(path, as(api.bob.key)))).toEqual([404, 'NOT_FOUND']);
    expect(await codeOf(await get(path))).toEqual([401, 'UNAUTHENTICATED']);
  });
});

describe('operation', () => {
  test('it is alive, and ready while the database answers', async () => {
    expect([(await get('/healthz')).status, (await get('/readyz')).status]).toEqual([200, 200]);
    const { pool } = api.database;
    pool.query = (() => Promise.reject(new Error('gone'))) as typeof pool.query;
    const [alive, ready] = [await get('/healthz'), await get('/readyz')];
    Reflect.deleteProperty(pool, 'query');
    expect([alive.status, ready.status, await ready.json()]).toEqual([200, 503, { status: 'no database' }]);
  });

  test('the log has a line for every request, and no secret', async () => {
    const cookie = await cookieOf(api.alice.key);
    await post('/sign-in', `key=${api.alice.key}`, { ...form, origin: api.url });
    await get(`/nowhere?key=${api.alice.key}`, { authorization: `Bearer ${api.alice.key}`, cookie });
    await post('/graphql', `{"query": "${api.alice.key}`, json);
    const log = api.log.join('\n');
    expect(log).toContain('"method":"GET","path":"/nowhere","status":404');
    expect(log).toContain('"path":"/sign-in","status":303');
    expect(log).not.toContain(api.alice.key.split('_').at(-1));
    expect(log).not.toContain(cookie.split('=')[1]);
  });
});

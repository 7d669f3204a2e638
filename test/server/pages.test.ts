import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, cookieOf, get, json, ofBrowser, post } from './requests.ts';
import { type ServedApi, serveApi } from './served-api.ts';

let api: ServedApi;

beforeAll(async () => {
  api = await serveApi();
});

afterAll(() => api?.close());

describe('pages', () => {
  test('GraphiQL requires signing in, and is shown after it', async () => {
    const html = { accept: 'text/html,*/*' };
    const stranger = await get(api, '/graphql', html);
    expect([stranger.status, stranger.headers.get('location')]).toEqual([303, '/?next=%2Fgraphql']);
    const page = await get(api, '/graphql', { ...html, cookie: await cookieOf(api, api.alice.key) });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('subscription SyncActivity');
  });

  test.each(['/', '/accounts/new', '/accounts/x', '/accounts/x/events', '/messages/x'])(
    '%s is the page, and loads nothing from other origins',
    async (path) => {
      const answer = await get(api, path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; /);
      expect(answer.headers.get('cache-control')).toBe('no-cache');
      expect(await answer.text()).not.toMatch(/(src|href)="(https?:)?\/\//);
    },
  );

  test('allow their style elements by a nonce that is new in each response', async () => {
    const answers = await Promise.all([get(api, '/'), get(api, '/')]);
    const nonces = await Promise.all(
      answers.map(async (answer) => {
        const [, nonce] = /<meta name="style-nonce" content="([^"]{20,})">/.exec(await answer.text())!;
        expect(answer.headers.get('content-security-policy')).toContain(`style-src 'self' 'nonce-${nonce}';`);
        return nonce;
      }),
    );
    expect(new Set(nonces).size).toBe(2);
  });

  test('let browsers cache their files permanently, under names with a hash', async () => {
    const [script] = /\/assets\/[^"]+\.js/.exec(await (await get(api, '/')).text())!;
    const answer = await get(api, script);
    expect([
      answer.status,
      ...['cache-control', 'content-type', 'content-encoding'].map((name) => answer.headers.get(name)),
    ]).toEqual([200, 'public, max-age=31536000, immutable', 'application/javascript; charset=utf-8', 'gzip']);
  });

  test('an unknown path is NOT_FOUND', async () => {
    for (const path of ['/nowhere', '/accounts/x/nowhere', '/assets/nowhere.js', '/index.html']) {
      expect(await codeOf(await get(api, path)), path).toEqual([404, 'NOT_FOUND']);
      expect(await codeOf(await post(api, path, '{}', { ...json, ...ofBrowser })), path).toEqual([404, 'NOT_FOUND']);
    }
  });

  test('an unknown path in a browser shows the page, whose files load from there', async () => {
    for (const path of ['/nowhere', '/accounts/x/nowhere', '/a/b/c/d']) {
      const answer = await get(api, path, ofBrowser);
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

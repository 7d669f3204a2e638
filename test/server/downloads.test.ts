import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { savedAs } from '../../src/server/downloads.ts';
import { bearer, codeOf, get } from './requests.ts';
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

describe('downloads', () => {
  test('return the source byte for byte, as a file to save', async () => {
    const answer = await get(api, `/messages/${encodeId('Message', messageId)}/source`, bearer(api.alice.key));
    expect(await answer.text()).toBe('Subject: Tide\r\n\r\nmoon\r\n');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'message/rfc822',
      'content-disposition': `attachment; filename="${messageId}.eml"; filename*=UTF-8''${messageId}.eml`,
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
  });

  test('return attachments without trusting their declared type', async () => {
    const answer = await get(api, `/attachments/${encodeId('Attachment', attachmentId)}`, bearer(api.alice.key));
    expect(await answer.text()).toBe('Subje');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="..__vil_.html"; filename*=UTF-8''.._%C3%A9vil%22.html`,
      'content-security-policy': "sandbox; default-src 'none'",
    });
  });

  test('of another tenant, of unknown ids and of malformed ids are NOT_FOUND', async () => {
    for (const id of [messageId, newId()].map((one) => encodeId('Message', one))) {
      expect(await codeOf(await get(api, `/messages/${id}/source`, bearer(api.bob.key)))).toEqual([404, 'NOT_FOUND']);
    }
    for (const id of ['x', encodeId('Message', messageId), encodeId('Attachment', attachmentId)]) {
      expect(await codeOf(await get(api, `/attachments/${id}`, bearer(api.bob.key)))).toEqual([404, 'NOT_FOUND']);
    }
  });

  test('have file names without directories, quotes and control characters', () => {
    expect(savedAs('a\r\nSet-Cookie: x"\u202e.exe')).toBe(
      `attachment; filename="a__Set-Cookie: x__.exe"; filename*=UTF-8''a__Set-Cookie%3A%20x%22_.exe`,
    );
    expect(savedAs('')).toContain('filename="attachment"');
    expect(savedAs('\ud800')).toContain('%EF%BF%BD');
  });
});

describe('the HTML page of a message', () => {
  let path: string;

  beforeAll(async () => {
    const account = await storeAccount(api.database, api.alice.id, 'html@example.com');
    const html = '<script>a()</script><p onclick=a()>Tide</p><img src="http://e.example/a.png" alt="a photo">';
    const stored = await storeMessage(api.database, { account, subject: 'Tide', html });
    path = `/messages/${encodeId('Message', stored.messageId)}/html`;
  });

  test('is a document in its own origin, without scripts, that loads nothing', async () => {
    const answer = await get(api, path, bearer(api.alice.key));
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

  test('loads remote images, and nothing else, on request', async () => {
    const answer = await get(api, `${path}?images=remote`, bearer(api.alice.key));
    expect(await answer.text()).toContain('<img alt="a photo" src="http://e.example/a.png" />');
    const policy = answer.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain('img-src data: https: http:;');
    expect(policy).toMatch(/^sandbox allow-popups allow-popups-to-escape-sandbox;/);
  });

  test("is NOT_FOUND without HTML, and for another tenant's message", async () => {
    const plain = `/messages/${encodeId('Message', messageId)}/html`;
    expect(await codeOf(await get(api, plain, bearer(api.alice.key)))).toEqual([404, 'NOT_FOUND']);
    expect(await codeOf(await get(api, path, bearer(api.bob.key)))).toEqual([404, 'NOT_FOUND']);
    expect(await codeOf(await get(api, path))).toEqual([401, 'UNAUTHENTICATED']);
  });
});

import { describe, expect, test } from 'vitest';
import { grantsMail, isSameMailbox, tokenAnswer } from '../../../src/oauth/token-answer.ts';

const answer = (more: object = {}) => ({ access_token: 'a', token_type: 'bearer' as const, ...more });
const claims = (more: object = {}) => ({ iss: 'https://i', aud: 'c', sub: 's', iat: 0, exp: 0, ...more });

describe('a token answer', () => {
  test.each<[string, object, object]>([
    ['a lifetime counts from the request', { expires_in: 3600 }, { accessSeconds: 3598 }],
    ['an unknown lifetime is short', {}, { accessSeconds: 298 }],
    ['no access token is trusted for more than a day', { expires_in: 1e9 }, { accessSeconds: 86_398 }],
    ['a lifetime of zero has ended', { expires_in: 0 }, { accessSeconds: 0 }],
    ['an empty refresh token is none', { refresh_token: '' }, { refreshToken: null }],
    ['Google announces the end', { refresh_token_expires_in: 604_799 }, { refreshSeconds: 604_797 }],
    ['Keycloak means without end', { refresh_expires_in: 0 }, { refreshSeconds: null }],
    ['scopes are separated', { scope: 'openid  mail' }, { scopes: ['openid', 'mail'] }],
  ])('%s', (_, given, expected) => {
    expect(tokenAnswer(answer(given), undefined, 2)).toMatchObject(expected);
  });

  test.each<[string, object, object]>([
    ['by sub', { email: 'a@b.c' }, { issuer: 'https://i', subject: 's', emailAddress: 'a@b.c' }],
    [
      'by directory and object at Microsoft',
      { tid: 't', oid: 'o', preferred_username: 'u@b.c' },
      { subject: 't/o', emailAddress: 'u@b.c' },
    ],
    ['without an address', { preferred_username: 'bob' }, { emailAddress: null }],
  ])('names the person %s', (_, given, expected) => {
    expect(tokenAnswer(answer(), claims(given), 0).identity).toMatchObject(expected);
  });
});

test.each([
  [null, 'mail', true],
  [['openid'], 'mail', false],
  [['imap.accessasuser.all'], 'https://outlook.office.com/IMAP.AccessAsUser.All', true],
  [['https://outlook.office.com/IMAP.AccessAsUser.All'], 'https://outlook.office.com/IMAP.AccessAsUser.All', true],
  [['https://mail.google.com/'], 'https://mail.google.com/', true],
])('the scopes %j, for %s: %s', (scopes, mailScope, isGranted) => {
  expect(grantsMail({ scopes }, mailScope)).toBe(isGranted);
});

test.each([
  ['Ann@Example.com', 'ann@example.com', true],
  ['ann.x+news@gmail.com', 'annx@googlemail.com', true],
  ['ann.x@example.com', 'annx@example.com', false],
  ['ann@example.com', 'ann@example.org', false],
])('%s and %s are the same mailbox: %s', (one, other, isSame) => {
  expect(isSameMailbox(one, other)).toBe(isSame);
});

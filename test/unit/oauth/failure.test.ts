import { describe, expect, test } from 'vitest';
import { refusalOf, retryAfterOf, toOAuthError } from '../../../src/oauth/failure.ts';

const answer = (error: string, body: object = {}, status = 400) => ({ error, status, body: { error, ...body } });

describe('a refusal', () => {
  test.each<[string, ReturnType<typeof answer>, string]>([
    ['a revoked grant', answer('invalid_grant'), 'OAUTH_GRANT_ENDED'],
    [
      "Google's session control",
      answer('invalid_grant', { error_subtype: 'invalid_rapt' }),
      'OAUTH_INTERACTION_REQUIRED',
    ],
    ['an expired token at Microsoft', answer('invalid_grant', { error_codes: [700082] }), 'OAUTH_GRANT_ENDED'],
    ['a second factor at Microsoft', answer('invalid_grant', { error_codes: [50076] }), 'OAUTH_INTERACTION_REQUIRED'],
    [
      'a code in the description only',
      answer('invalid_grant', { error_description: 'AADSTS53003: Access has been blocked' }),
      'OAUTH_ADMIN_REQUIRED',
    ],
    ['an outage with the code of a refusal', answer('invalid_grant', { error_codes: [90033] }), 'OAUTH_UNAVAILABLE'],
    [
      'a secret that has ended',
      answer('invalid_client', { error_codes: [7000222] }, 401),
      'OAUTH_PROVIDER_MISCONFIGURED',
    ],
    ['an unknown client', answer('invalid_client', {}, 401), 'OAUTH_PROVIDER_MISCONFIGURED'],
    ['a policy of Google Workspace', answer('admin_policy_enforced'), 'OAUTH_ADMIN_REQUIRED'],
    ["Fastmail's temporary refusal", answer('invalid_grant', { temporary: true }), 'OAUTH_UNAVAILABLE'],
    ['too many requests', answer('invalid_grant', {}, 429), 'OAUTH_UNAVAILABLE'],
    ['a broken provider', answer('invalid_grant', {}, 503), 'OAUTH_UNAVAILABLE'],
    ['an error that nobody knows', answer('constructor'), 'OAUTH_UNAVAILABLE'],
  ])('%s', (_, given, code) => {
    expect(refusalOf(given)).toBe(code);
  });
});

test.each([
  ['120', 120_000],
  ['Tue, 01 Dec 2026 00:01:00 GMT', 60_000],
  ['Mon, 30 Nov 2026 23:00:00 GMT', 0],
  ['99999999', 3_600_000],
  ['soon', undefined],
  ['', undefined],
])('Retry-After: %s', (value, ms) => {
  const headers = new Headers(value ? { 'retry-after': value } : {});
  expect(retryAfterOf({ headers }, Date.parse('2026-12-01T00:00:00Z'))).toBe(ms);
});

test('an unknown error, has a code and a cause without its text', () => {
  const { code, cause } = toOAuthError(new Error('the secret token'));
  expect([code, JSON.stringify(cause)]).toEqual(['OAUTH_UNAVAILABLE', expect.not.stringContaining('secret')]);
});

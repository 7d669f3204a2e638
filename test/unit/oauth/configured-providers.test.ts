import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configuredProviders } from '../../../src/oauth/configured-providers.ts';
import { providersOfAddress } from '../../../src/oauth/provider.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'providers-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OAUTH_MICROSOFT_TENANT = 'common';
const google = { OAUTH_GOOGLE_CLIENT_ID: 'g', OAUTH_GOOGLE_CLIENT_SECRET: 's' };
const keycloak = {
  id: 'keycloak',
  name: 'Our mail',
  issuer: 'https://login.example.com/realms/mail',
  clientId: 'k',
  clientSecret: 'TopSecret',
  scopes: ['openid', 'email', 'offline_access', 'mail'],
  mailScope: 'mail',
  imap: { host: 'IMAP.example.com' },
  domains: ['Example.com'],
};

function fromFile(content: unknown) {
  const path = join(folder, 'providers.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return configuredProviders({ ...google, OAUTH_MICROSOFT_TENANT, OAUTH_PROVIDERS: path });
}

test('without settings, there are none', () => {
  expect(configuredProviders({ OAUTH_MICROSOFT_TENANT })).toEqual([]);
});

test('Google, Microsoft and a file, come in this order, and are found by domain', () => {
  const found = fromFile([keycloak, { preset: 'microsoft', tenant: 'contoso.com', clientId: 'm', clientSecret: 's' }]);
  expect(found.map(({ id }) => id)).toEqual(['google', 'keycloak', 'microsoft']);
  expect(found[1]?.imap).toEqual({ host: 'imap.example.com', port: 993, security: 'TLS' });
  expect(found[2]?.server.issuer).toBe('https://login.microsoftonline.com/contoso.com/v2.0');
  const of = (address: string) => providersOfAddress(found, address).map(({ id }) => id);
  expect([of('x@gmail.com'), of('x@EXAMPLE.com'), of('x@outlook.com'), of('x@nobody.example')]).toEqual([
    ['google'],
    ['keycloak'],
    ['microsoft'],
    [],
  ]);
});

describe('a fault names the setting and no secret:', () => {
  test.each<[string, unknown, string]>([
    ['no JSON', '{"clientSecret": "TopSecret"', 'is not valid JSON'],
    ['no list', {}, 'OAUTH_PROVIDERS'],
    ['an issuer without TLS', [{ ...keycloak, issuer: 'http://login.example.com' }], 'OAUTH_PROVIDERS'],
    ['an unknown field', [{ ...keycloak, clientSecretFile: 'x' }], 'OAUTH_PROVIDERS'],
    ['an id twice', [keycloak, keycloak], 'the provider "keycloak" is configured twice'],
    [
      'a preset beside the environment',
      [{ preset: 'google', clientId: 'g', clientSecret: 's' }],
      '"google" is configured',
    ],
  ])('%s', (_, content, text) => {
    expect(() => fromFile(content)).toThrow(text);
    expect(() => fromFile(content)).not.toThrow('TopSecret');
  });

  test('a client without its secret', () => {
    const settings = { OAUTH_MICROSOFT_TENANT, OAUTH_GOOGLE_CLIENT_ID: 'g' };
    expect(() => configuredProviders(settings)).toThrow('OAUTH_GOOGLE_CLIENT_SECRET: is required');
  });
});

import * as client from 'openid-client';
import { expect, test } from 'vitest';
import { startConformantProvider } from '../../lab/oauth/conformant-provider.ts';
import { authorize, discover, REDIRECT_URI } from './as-client.ts';

test('oidc-provider signs a person in, rotates, and revokes a grant when a token is used twice', async () => {
  await using provider = await startConformantProvider([REDIRECT_URI]);
  provider.email = 'ben@example.com';
  const configuration = await discover(provider);
  const first = await authorize(provider, configuration);
  expect(first.claims()).toMatchObject({ sub: 'ben@example.com', email: 'ben@example.com' });

  const second = await client.refreshTokenGrant(configuration, first.refresh_token!);
  expect(second.refresh_token).not.toBe(first.refresh_token);
  const refused = { error: 'invalid_grant' };
  await expect(client.refreshTokenGrant(configuration, first.refresh_token!)).rejects.toMatchObject(refused);
  await expect(client.refreshTokenGrant(configuration, second.refresh_token!)).rejects.toMatchObject(refused);
});

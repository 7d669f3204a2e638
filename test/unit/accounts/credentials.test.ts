import { describe, expect, test } from 'vitest';
import { openCredentials, sealCredentials } from '../../../src/accounts/credentials.ts';
import { type Keyring, openKeyring } from '../../../src/accounts/keyring.ts';

const ACCOUNT = '019aa000-0000-7000-8000-000000000001';
const OTHER = '019aa000-0000-7000-8000-000000000002';
const keyring = (byte: number) =>
  openKeyring({ encryptionKey: Buffer.alloc(32, byte).toString('base64'), dataDir: '/nowhere' });

describe('sealed credentials', () => {
  test.each([{ password: 'hunter2 🐠' }, { accessToken: 'ya29.token' }])(
    'decrypt to what was encrypted',
    async (credentials) => {
      const ring = await keyring(1);
      const sealed = sealCredentials(ring, ACCOUNT, credentials);
      expect(sealed).toMatch(new RegExp(`^v1\\.${ring.currentKeyId}\\.[\\w-]+\\.[\\w-]+$`));
      expect(openCredentials(ring, ACCOUNT, sealed)).toEqual(credentials);
    },
  );

  test('differ each time', async () => {
    const ring = await keyring(1);
    const seal = () => sealCredentials(ring, ACCOUNT, { password: 'hunter2' });
    expect(seal()).not.toBe(seal());
  });

  test('decrypt after the current key has changed', async () => {
    const [old, current] = [await keyring(1), await keyring(2)];
    const both: Keyring = { currentKeyId: current.currentKeyId, keys: new Map([...old.keys, ...current.keys]) };
    expect(openCredentials(both, ACCOUNT, sealCredentials(old, ACCOUNT, { password: 'a' }))).toEqual({ password: 'a' });
  });

  test('cannot be decrypted with another key, for another account, or if changed', async () => {
    const ring = await keyring(1);
    const sealed = sealCredentials(ring, ACCOUNT, { password: 'hunter2' });
    const changed = sealed.replace(/.(?=.{10}$)/, (letter) => (letter === 'A' ? 'B' : 'A'));
    const attempts: [Keyring, string, string][] = [
      [await keyring(2), ACCOUNT, sealed],
      [ring, OTHER, sealed],
      [ring, ACCOUNT, changed],
      [ring, ACCOUNT, sealed.replace('v1', 'v2')],
      [ring, ACCOUNT, sealed.slice(0, 20)],
      [ring, ACCOUNT, ''],
    ];
    for (const [keys, account, envelope] of attempts) {
      expect(() => openCredentials(keys, account, envelope)).toThrow(
        expect.objectContaining({ code: 'CREDENTIALS_UNREADABLE', message: expect.not.stringContaining('hunter2') }),
      );
    }
  });
});

import { afterEach, describe, expect, test, vi } from 'vitest';
import { checkHost } from '../../../src/accounts/host-policy.ts';
import type { HostPolicy } from '../../../src/net/resolve-host.ts';

const names: Record<string, string[]> = {
  'public.test': ['93.184.216.34'],
  'inside.test': ['10.0.0.5'],
  'rebinding.test': ['10.0.0.5', '93.184.216.34'],
  'six.test': ['2606:4700::1111', '93.184.216.34'],
};
const policy = (allowPrivateHosts: boolean): HostPolicy => ({
  allowPrivateHosts,
  lookup: async (host) => {
    const found = names[host];
    if (!found) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    return found;
  },
});
const [strict, lenient] = [policy(false), policy(true)];

afterEach(() => vi.useRealTimers());

describe('hosts that are not public', () => {
  const inside = [
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '[::1]',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    'fc00::1',
    'fe80::1',
    '::ffff:127.0.0.1',
    '::ffff:a00:1',
    '64:ff9b::a00:1',
    'inside.test',
  ];
  test.each(inside)('%s is rejected, and allowed where private hosts are allowed', async (host) => {
    await expect(checkHost(host, 'TLS', strict)).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
    await expect(checkHost(host, 'TLS', lenient)).resolves.toBeTruthy();
    await expect(checkHost(host, 'NONE', lenient)).resolves.toBeTruthy();
  });

  test.each([
    '0.0.0.0',
    '::',
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '192.0.2.1',
    'ff02::1',
    '2002:7f00:1::',
    '::127.0.0.1',
    '::7f00:1',
    '0:0:0:0:0:0:169.254.169.254',
    '::a9fe:a9fe',
    '::5db8:d822',
    '100:0:0:1::1',
    '4000::1',
  ])('%s is never allowed', async (host) => {
    await expect(checkHost(host, 'TLS', lenient)).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
  });
});

test('a public host keeps its name for the certificate, and its checked addresses', async () => {
  expect(await checkHost('Six.test.', 'TLS', strict)).toEqual({ host: 'six.test', addresses: names['six.test'] });
  expect(await checkHost('64:ff9b::5db8:d822', 'TLS', strict)).toMatchObject({ host: '64:ff9b::5db8:d822' });
});

test('of a host with private and public addresses, only the public ones are used', async () => {
  expect((await checkHost('rebinding.test', 'STARTTLS', strict)).addresses).toEqual(['93.184.216.34']);
});

test('clear text to a public host is rejected', async () => {
  for (const each of [strict, lenient]) {
    const attempt = checkHost('public.test', 'NONE', each);
    await expect(attempt).rejects.toMatchObject({ code: 'IMAP_CLEARTEXT_NOT_ALLOWED' });
  }
});

test('invalid and unknown host names are rejected', async () => {
  await expect(checkHost('a b', 'TLS', strict)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  await expect(checkHost('nobody.test', 'TLS', strict)).rejects.toMatchObject({ code: 'IMAP_HOST_NOT_FOUND' });
});

test('a name server that does not answer is given up after ten seconds', async () => {
  vi.useFakeTimers();
  const deaf = { allowPrivateHosts: true, lookup: () => new Promise<never>(() => {}) };
  const attempt = expect(checkHost('deaf.test', 'TLS', deaf)).rejects.toMatchObject({
    code: 'IMAP_NAME_LOOKUP_FAILED',
  });
  await vi.advanceTimersByTimeAsync(10_000);
  await attempt;
});

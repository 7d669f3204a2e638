import { describe, expect, test } from 'vitest';
import { BROKEN, SILENT, startDnsServer } from '../../lab/servers/dns-server.ts';
import { type MailDns, mailDns } from '../../src/accounts/mail-dns.ts';
import { PROVIDERS } from '../../src/accounts/provider-table.ts';
import { providerOfServer } from '../../src/accounts/providers.ts';
import { suggestServer } from '../../src/accounts/suggest-server.ts';

type Records = {
  srv?: Record<string, [priority: number, weight: number, port: number, name: string][]>;
  mx?: Record<string, string[]>;
  hosts?: Record<string, string>;
};

/** The suggestion for `emailAddress` if DNS holds only these records. */
function suggested(emailAddress: string, { srv = {}, mx = {}, hosts = {} }: Records, allowPrivateHosts = false) {
  const dns: MailDns = {
    srv: async (name) =>
      (srv[name] ?? []).map(([priority, weight, port, target]) => ({ priority, weight, port, name: target })),
    mx: async (domain) => (mx[domain] ?? []).map((exchange, priority) => ({ exchange, priority })),
  };
  const lookup = async (host: string) => {
    if (hosts[host]) return [hosts[host]];
    throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
  };
  return suggestServer(emailAddress, { allowPrivateHosts, lookup }, { dns });
}

const PUBLIC = '93.184.215.14';

describe('suggestServer', () => {
  test('knows large providers, and what their logins require', async () => {
    expect(await suggested('Ann@GMAIL.com', {})).toMatchObject({
      host: 'imap.gmail.com',
      port: 993,
      security: 'TLS',
      username: null,
      authentication: ['OAUTH2', 'PASSWORD'],
      source: 'PROVIDER',
      provider: { name: 'Gmail', login: 'APP_PASSWORD', loginUrl: 'https://myaccount.google.com/apppasswords' },
    });
    expect(await suggested('ann@outlook.fr', {})).toMatchObject({ authentication: ['OAUTH2'] });
    expect(await suggested('ann@free.fr', {})).toMatchObject({ host: 'imap.free.fr', username: 'ann' });
  });

  test('follows SRV records: TLS before STARTTLS, then priority and weight', async () => {
    const records = {
      srv: {
        '_imaps._tcp.example.com': [
          [10, 90, 993, 'far.example.com'],
          [5, 10, 993, 'small.example.com'],
          [5, 20, 1993, 'IMAP.example.com.'],
        ],
        '_imap._tcp.example.com': [[0, 0, 143, 'plain.example.com']],
      } satisfies Records['srv'],
      hosts: Object.fromEntries(['far', 'small', 'imap', 'plain'].map((name) => [`${name}.example.com`, PUBLIC])),
    };
    expect(await suggested('ann@example.com', records)).toEqual({
      host: 'imap.example.com',
      port: 1993,
      security: 'TLS',
      username: null,
      authentication: null,
      oauth: null,
      source: 'SRV',
      provider: null,
    });
    const without = { ...records, srv: { ...records.srv, '_imaps._tcp.example.com': [[0, 0, 0, '.']] } } as Records;
    expect(await suggested('ann@example.com', without)).toMatchObject({
      host: 'plain.example.com',
      security: 'STARTTLS',
    });
  });

  test('follows the MX records to the provider of the domain', async () => {
    const mx = { 'example.com': ['ASPMX.L.Google.com.', 'mail.example.com'] };
    expect(await suggested('ann@example.com', { mx })).toMatchObject({ host: 'imap.gmail.com', source: 'MX' });
    for (const exchange of ['mx.google.com.evil.example', 'mx.not-google.com', 'evilgoogle.com']) {
      expect(await suggested('ann@example.com', { mx: { 'example.com': [exchange] } }), exchange).toBeNull();
    }
  });

  test('prefers MX records to SRV records, which may be left from an earlier provider', async () => {
    const records: Records = {
      mx: { 'example.com': ['example-com.mail.protection.outlook.com'] },
      srv: { '_imaps._tcp.example.com': [[0, 0, 993, 'old.example.com']] },
      hosts: { 'old.example.com': PUBLIC },
    };
    expect(await suggested('ann@example.com', records)).toMatchObject({
      host: 'outlook.office365.com',
      source: 'MX',
      provider: { name: 'Outlook' },
    });
  });

  test('falls back to the usual host names', async () => {
    const hosts = { 'mail.example.com': PUBLIC };
    expect(await suggested('ann@example.com', { hosts })).toMatchObject({ host: 'mail.example.com', source: 'NAME' });
    expect(await suggested('ann@[93.184.215.14]', { hosts })).toBeNull();
  });

  test('never suggests a host that the installation may not connect to', async () => {
    const records = {
      srv: { '_imaps._tcp.example.com': [[0, 0, 993, 'printer.example.com']] },
      hosts: { 'printer.example.com': '10.0.0.7', 'imap.example.com': '127.0.0.1' },
    } satisfies Records;
    expect(await suggested('ann@example.com', records)).toBeNull();
    expect(await suggested('ann@example.com', records, true)).toMatchObject({ host: 'printer.example.com' });
  });

  test('rejects text that is not an address', async () => {
    await expect(suggested('ann', {})).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('suggestServer, a real name server', () => {
  const lookup = async (host: string) => {
    if (host === 'imap.harbour.example' || host === 'plain.quay.example') return [PUBLIC];
    throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
  };

  test('reads SRV and MX answers, and treats silence and errors as no record', async () => {
    await using server = await startDnsServer({
      'SRV _imaps._tcp.harbour.example': [
        [20, 0, 993, 'far.harbour.example'],
        [10, 5, 1993, 'imap.harbour.example'],
      ],
      // RFC 2782: the service is decidedly not available.
      'SRV _imaps._tcp.quay.example': [[0, 0, 0, '.']],
      'SRV _imap._tcp.quay.example': [[0, 1, 143, 'plain.quay.example']],
      'MX lighthouse.example': [
        [20, 'mail.lighthouse.example'],
        [10, 'aspmx.l.google.com'],
      ],
      'SRV _imaps._tcp.silent.example': SILENT,
      'SRV _imaps._tcp.broken.example': BROKEN,
    });
    const dns = mailDns([server.address]);
    const of = (domain: string) => suggestServer(`ann@${domain}`, { allowPrivateHosts: false, lookup }, { dns });

    expect(await of('harbour.example')).toMatchObject({ host: 'imap.harbour.example', port: 1993, source: 'SRV' });
    expect(await of('quay.example')).toMatchObject({ host: 'plain.quay.example', port: 143, security: 'STARTTLS' });
    expect(await of('lighthouse.example')).toMatchObject({ host: 'imap.gmail.com', source: 'MX' });
    expect(await of('nothing.example')).toBeNull();
    expect(server.asked.filter((question) => question.endsWith('nothing.example')).toSorted()).toEqual([
      'MX nothing.example',
      'SRV _imap._tcp.nothing.example',
      'SRV _imaps._tcp.nothing.example',
    ]);
    // An unanswered lookup ends before a person would give up.
    expect(await Promise.all([of('silent.example'), of('broken.example')])).toEqual([null, null]);
  });

  test('that is down counts as one without records', async () => {
    const server = await startDnsServer({});
    await server[Symbol.asyncDispose]();
    expect(
      await suggestServer(
        'ann@harbour.example',
        { allowPrivateHosts: false, lookup },
        { dns: mailDns([server.address]) },
      ),
    ).toMatchObject({ host: 'imap.harbour.example', source: 'NAME' });
  });
});

test('PROVIDERS, no address matches two, and each matches its own servers', () => {
  const domains = PROVIDERS.flatMap((provider) => provider.domains);
  expect(new Set(domains).size).toBe(domains.length);
  for (const provider of PROVIDERS) expect(providerOfServer(provider.host), provider.name).toBe(provider);
});

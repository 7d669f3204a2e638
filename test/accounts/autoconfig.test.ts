import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { type HttpsServerOptions, startHttpsServer } from '../../lab/servers/https-server.ts';
import { suggestServer } from '../../src/accounts/suggest-server.ts';

const PUBLIC = '93.184.215.14';
const FIRST = 'GET https://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=ann%2Blist%40example.com';
const SECOND = 'GET https://example.com/.well-known/autoconfig/mail/config-v1.1.xml';

interface Fields {
  hostname?: string;
  port?: string;
  socketType?: string;
  username?: string;
  authentication?: string[];
}

const imap = ({
  hostname = 'imap.example.com',
  port = '993',
  socketType = 'SSL',
  username = '%EMAILADDRESS%',
  authentication = ['password-cleartext'],
}: Fields = {}) => `<incomingServer type="imap"><hostname>${hostname}</hostname><port>${port}</port>
  <socketType>${socketType}</socketType><username>${username}</username>
  ${authentication.map((name) => `<authentication>${name}</authentication>`).join('')}</incomingServer>`;

const file = (servers: string, more = '') =>
  `<clientConfig version="1.1"><emailProvider id="example.com">${servers}</emailProvider>${more}</clientConfig>`;

type Answer = string | ((request: IncomingMessage, response: ServerResponse) => unknown);

interface World extends HttpsServerOptions {
  /** What the web servers answer, by the request; otherwise 404. */
  files?: Record<string, Answer>;
  emailAddress?: string;
  /** Returns the addresses of a name. */
  lookup?: (host: string) => string | undefined;
  /** Limit of the search. Default: none that a test would notice. */
  withinMs?: number;
}

/** The suggestion for an address whose domain has these files and no DNS records. */
async function suggested({
  files = {},
  emailAddress = 'ann+list@example.com',
  lookup,
  withinMs = 30_000,
  ...options
}: World) {
  const names = ['example.com', 'autoconfig.example.com', 'hosting.example', 'gmail.com', 'autoconfig.gmail.com'];
  await using server = await startHttpsServer(
    (request, response) => {
      const answer = files[`${request.method} https://${request.headers.host}${request.url}`];
      if (typeof answer === 'function') answer(request, response);
      else response.writeHead(answer === undefined ? 404 : 200).end(answer);
    },
    { names, ...options },
  );
  const find = lookup ?? ((host: string) => (host.startsWith('mail.') ? undefined : PUBLIC));
  const policy = {
    allowPrivateHosts: false,
    lookup: async (host: string) => {
      const address = find(host);
      if (address) return [address];
      throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    },
  };
  const dns = { srv: async () => [], mx: async () => [] };
  const https = { ca: server.authority, dial: server.dial };
  const deadlines = { wholeMs: withinMs, knownMs: withinMs };
  const suggestion = await suggestServer(emailAddress, policy, { dns, https, deadlines });
  return { suggestion, asked: server.asked.toSorted(), dialled: server.dialled };
}

/** What the guess of a name would find, so that these tests see that a file was refused. */
const GUESSED = { host: 'imap.example.com', source: 'NAME' };

test('the file of the domain names the server, its logins and where to get tokens', async () => {
  const tokens = '<oAuth2><issuer>login.example.com</issuer><scope>mail  offline</scope></oAuth2>';
  const { suggestion } = await suggested({
    files: { [FIRST]: file(imap({ authentication: ['OAuth2', 'password-cleartext', 'GSSAPI'] }), tokens) },
  });
  expect(suggestion).toEqual({
    host: 'imap.example.com',
    port: 993,
    security: 'TLS',
    username: null,
    authentication: ['OAUTH2', 'PASSWORD'],
    oauth: { issuer: 'login.example.com', scopes: ['mail', 'offline'] },
    source: 'AUTOCONFIG',
    provider: null,
  });
});

test('the address is sent to the first place only', async () => {
  const { suggestion, asked } = await suggested({});
  expect(suggestion).toMatchObject(GUESSED);
  expect(asked).toEqual([FIRST, SECOND]);
});

test('the first file comes before the second, which comes before the table of providers', async () => {
  const second = file(imap({ hostname: 'second.example.com', port: '143', socketType: 'STARTTLS' }));
  const first = file(imap({ hostname: 'first.example.com' }));
  expect((await suggested({ files: { [FIRST]: first, [SECOND]: second } })).suggestion?.host).toBe('first.example.com');
  expect((await suggested({ files: { [SECOND]: second } })).suggestion).toMatchObject({
    host: 'second.example.com',
    port: 143,
    security: 'STARTTLS',
    source: 'AUTOCONFIG',
  });
  const gmail = 'GET https://gmail.com/.well-known/autoconfig/mail/config-v1.1.xml';
  const ofGmail = await suggested({ emailAddress: 'ann@gmail.com', files: { [gmail]: first } });
  expect(ofGmail.suggestion).toMatchObject({ host: 'first.example.com', provider: null });
});

test("a provider's own server keeps what its logins need", async () => {
  const { suggestion } = await suggested({ files: { [FIRST]: file(imap({ hostname: 'imap.gmail.com' })) } });
  expect(suggestion).toMatchObject({ source: 'AUTOCONFIG', provider: { name: 'Gmail', login: 'APP_PASSWORD' } });
});

test.each([
  ['%EMAILADDRESS%', 'ann+list@example.com', null],
  ['%EMAILLOCALPART%', 'ann+list@example.com', 'ann+list'],
  ['%EMAILDOMAIN%/%EMAILLOCALPART%', 'ann+list@example.com', 'example.com/ann+list'],
  ['%EMAILLOCALPART%', '%EMAILDOMAIN%$&@example.com', '%EMAILDOMAIN%$&'],
  ['%REALNAME%', 'ann+list@example.com', null],
  ['fixed', 'ann+list@example.com', 'fixed'],
])('the username %s of %s is %s', async (username, emailAddress, expected) => {
  const files = { [SECOND]: file(imap({ username, hostname: 'imap.%EMAILDOMAIN%' })) };
  const { suggestion } = await suggested({ files, emailAddress });
  expect(suggestion).toMatchObject({ host: 'imap.example.com', username: expected, source: 'AUTOCONFIG' });
});

test('the first server that can be used is chosen', async () => {
  const servers = [
    imap({ socketType: 'plain', port: '143', hostname: 'plain.example.com' }),
    imap({ authentication: ['GSSAPI', 'NTLM'], hostname: 'kerberos.example.com' }),
    imap({ port: '99999', hostname: 'port.example.com' }),
    imap({ port: 'x', hostname: 'text.example.com' }),
    imap({ hostname: 'a b/c' }),
    imap({ hostname: 'inside.example.com' }),
    imap({ hostname: '127.0.0.1' }),
    imap({ hostname: '[::ffff:169.254.169.254]' }),
    imap({ username: 'a\nb', hostname: 'control.example.com' }),
    imap({ hostname: 'good.example.com', authentication: [] }),
  ];
  const lookup = (host: string) => (host === 'inside.example.com' ? '10.0.0.7' : PUBLIC);
  const { suggestion } = await suggested({ files: { [FIRST]: file(servers.join('')) }, lookup });
  expect(suggestion).toMatchObject({ host: 'good.example.com', authentication: null, source: 'AUTOCONFIG' });
});

test('a file that another place redirects to is read', async () => {
  const elsewhere = 'https://hosting.example/autoconfig?domain=example.com';
  const { suggestion } = await suggested({
    files: { [FIRST]: redirectTo(elsewhere), [`GET ${elsewhere}`]: file(imap({ hostname: 'imap.hosting.example' })) },
  });
  expect(suggestion).toMatchObject({ host: 'imap.hosting.example', source: 'AUTOCONFIG' });
});

test('a file about other domains is about this address only', async () => {
  const files = { [FIRST]: file(`<domain>gmail.com</domain>${imap({ hostname: 'imap.evil.example' })}`) };
  expect((await suggested({ files })).suggestion).toMatchObject({ host: 'imap.evil.example' });
  const ofGmail = await suggested({ files, emailAddress: 'ann@gmail.com' });
  expect(ofGmail.suggestion).toMatchObject({ host: 'imap.gmail.com', source: 'PROVIDER' });
});

const redirectTo = (location: string) => (_: unknown, response: ServerResponse) =>
  response.writeHead(302, { location }).end(file(imap({ hostname: 'redirect.example.com' })));
const good = file(imap({ hostname: 'file.example.com' }));

test.each<[string, Answer]>([
  ['another host, without TLS', redirectTo('http://hosting.example/file')],
  ['this machine', redirectTo('https://127.0.0.1/file')],
  ['a metadata service', redirectTo('https://169.254.169.254/latest/meta-data/')],
  ['a private network', redirectTo('https://inside.example.com/file')],
  ['itself', redirectTo('/mail/config-v1.1.xml?emailaddress=ann%2Blist%40example.com')],
])('a redirect to %s is refused', async (_, answer) => {
  const lookup = (host: string) => (host === 'inside.example.com' ? '10.0.0.7' : PUBLIC);
  const { suggestion, dialled } = await suggested({ files: { [FIRST]: answer }, lookup });
  expect(suggestion).toMatchObject(GUESSED);
  expect(new Set(dialled)).toEqual(new Set([`${PUBLIC} 443`]));
});

test.each<[string, Answer]>([
  ['an error with a file', (_, response) => response.writeHead(500).end(good)],
  ['an endless file', (_, response) => flood(response)],
  ['a file over the limit', good + ' '.repeat(64 * 1024)],
  ['a web page', '<!doctype html><title>Welcome</title>'],
  ['an XML bomb', `<!DOCTYPE a [<!ENTITY b "${'c'.repeat(1000)}">]>${good.replace('file', '&b;')}`],
  ['nothing', (request) => request.socket.destroy()],
])('%s is ignored', async (_, answer) => {
  expect((await suggested({ files: { [FIRST]: answer } })).suggestion).toMatchObject(GUESSED);
});

function flood(response: ServerResponse): void {
  response.write('<clientConfig>'.padEnd(16_384), (error) => !error && flood(response));
}

test.each<[string, Answer]>([
  ['sends nothing', () => {}],
  ['sends a byte now and then', (_, response) => trickle(response)],
])('a web server that %s does not keep the user waiting', async (_, answer) => {
  const files = { [FIRST]: answer, 'GET https://gmail.com/.well-known/autoconfig/mail/config-v1.1.xml': answer };
  expect((await suggested({ files, withinMs: 500 })).suggestion).toMatchObject(GUESSED);
  const ofGmail = await suggested({ files, emailAddress: 'ann@gmail.com', withinMs: 500 });
  expect(ofGmail.suggestion).toMatchObject({ host: 'imap.gmail.com', source: 'PROVIDER' });
});

function trickle(response: ServerResponse): void {
  const timer = setInterval(() => response.write(' '), 50);
  response.once('close', () => clearInterval(timer));
}

test.each(['expired', 'wrong-host'] as const)('a file behind a certificate, %s, is not asked for', async (kind) => {
  const { suggestion, asked } = await suggested({ files: { [FIRST]: good, [SECOND]: good }, certificate: kind });
  expect(suggestion).toMatchObject(GUESSED);
  expect(asked).toEqual([]);
});

test('a name that changes its address after the check is of no use', async () => {
  const answers = new Map<string, number>();
  const lookup = (host: string) => {
    const before = answers.get(host) ?? 0;
    answers.set(host, before + 1);
    return before === 0 ? PUBLIC : '127.0.0.1';
  };
  const { suggestion, dialled } = await suggested({ files: { [FIRST]: good }, lookup });
  expect(suggestion).toMatchObject({ host: 'file.example.com' });
  expect(dialled).toEqual([`${PUBLIC} 443`, `${PUBLIC} 443`]);
});

test('a domain on a private network is not asked', async () => {
  const { suggestion, dialled } = await suggested({ files: { [FIRST]: good }, lookup: () => '192.168.1.1' });
  expect([suggestion, dialled]).toEqual([null, []]);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHttpsServer } from '../../lab/servers/https-server.ts';
import { suggestServer } from '../../src/accounts/suggest-server.ts';
import { errorCodes as codes, type ServedApi, serveApi } from '../server/served-api.ts';

const FILE = `<clientConfig><emailProvider id="example.com"><incomingServer type="imap">
  <hostname>mail.example.com</hostname><port>143</port><socketType>STARTTLS</socketType>
  <username>%EMAILLOCALPART%</username><authentication>OAuth2</authentication>
  </incomingServer></emailProvider><oAuth2><issuer>login.example.com</issuer><scope>mail</scope></oAuth2></clientConfig>`;

let api: ServedApi;
let web: Awaited<ReturnType<typeof startHttpsServer>>;

beforeAll(async () => {
  const names = ['example.com', 'autoconfig.example.com'];
  web = await startHttpsServer((_, response) => response.end(FILE), { names });
  // Only example.com exists.
  const lookup = async (host: string) => {
    if (host === 'example.com' || host.endsWith('.example.com')) return ['93.184.215.14'];
    throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
  };
  const options = {
    dns: { srv: async () => [], mx: async () => [] },
    https: { ca: web.authority, dial: web.dial },
    deadlines: { wholeMs: 30_000, knownMs: 30_000 },
  };
  api = await serveApi(({ accounts }) => ({
    accounts: {
      ...accounts,
      suggest: (_tenant, address) => suggestServer(address, { allowPrivateHosts: false, lookup }, options),
    },
  }));
});

afterAll(async () => {
  await api?.close();
  await web?.[Symbol.asyncDispose]();
});

const suggested = (emailAddress: string) =>
  api.ask(
    api.alice,
    `query($emailAddress: String!) { suggestImapServer(emailAddress: $emailAddress) {
       host port security username source provider login loginHint authentication oauth { issuer scopes }
     } }`,
    { emailAddress },
  );

test('suggestImapServer, a domain with a file, returns what the file states', async () => {
  expect((await suggested('ann@example.com')).data.suggestImapServer).toEqual({
    host: 'mail.example.com',
    port: 143,
    security: 'STARTTLS',
    username: 'ann',
    source: 'AUTOCONFIG',
    provider: null,
    login: 'OAUTH2',
    loginHint: null,
    authentication: ['OAUTH2'],
    oauth: { issuer: 'login.example.com', scopes: ['mail'] },
  });
});

test('suggestImapServer, a known provider, returns what its logins need', async () => {
  expect((await suggested('ann@gmail.com')).data.suggestImapServer).toMatchObject({
    host: 'imap.gmail.com',
    username: null,
    source: 'PROVIDER',
    provider: 'Gmail',
    login: 'APP_PASSWORD',
    authentication: ['OAUTH2', 'PASSWORD'],
    oauth: null,
  });
});

test('suggestImapServer, an unknown domain, returns null', async () => {
  expect(await suggested('ann@nowhere.invalid')).toEqual({ data: { suggestImapServer: null } });
  expect(codes(await suggested('ann'))).toEqual(['BAD_USER_INPUT']);
});

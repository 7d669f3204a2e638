import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAKE_CLIENT, type FakeOAuthProvider, MAIL_SCOPE, startOAuthProvider } from '../../lab/oauth/fake-provider.ts';
import { type Dovecot, startDovecot } from '../../lab/servers/dovecot.ts';
import { freePort } from '../../lab/servers/free-port.ts';
import type { ServerProcess } from '../../lab/servers/server-process.ts';
import { createTestBrowser, type TestBrowser } from '../../lab/service/browser.ts';
import { type Service, type ServiceOptions, startService } from '../../lab/service/service.ts';

/** A provider, a Dovecot that accepts its access tokens, and what services need to know of both. */
export interface OAuthLab extends AsyncDisposable {
  readonly provider: FakeOAuthProvider;
  readonly dovecot: Dovecot & ServerProcess;
  /** The settings of a service that offers the provider. */
  readonly environment: Record<string, string>;
}

export async function startOAuthLab(): Promise<OAuthLab> {
  const provider = await startOAuthProvider();
  const dovecot = await startDovecot({ oauth: provider.passdb('local') });
  const folder = await mkdtemp(join(tmpdir(), 'oauth-lab-'));
  const [file, ca] = [join(folder, 'providers.json'), join(folder, 'ca.pem')];
  writeFileSync(file, JSON.stringify([configurationOf(provider, dovecot)]));
  writeFileSync(ca, provider.ca);
  return {
    provider,
    dovecot,
    environment: { OAUTH_PROVIDERS: file, NODE_EXTRA_CA_CERTS: ca },
    async [Symbol.asyncDispose]() {
      await dovecot.stop();
      await provider.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const configurationOf = ({ issuer }: Pick<FakeOAuthProvider, 'issuer'>, { host, port }: Dovecot) => ({
  id: 'example',
  name: 'Example Mail',
  issuer,
  clientId: FAKE_CLIENT.id,
  clientSecret: FAKE_CLIENT.secret,
  scopes: ['openid', 'email', MAIL_SCOPE],
  mailScope: MAIL_SCOPE,
  imap: { host, port, security: 'NONE' },
  domains: ['example.com'],
});

export interface OAuthService extends Service {
  /** A browser without a session. */
  readonly browser: TestBrowser;
  /** Starts an attempt. Returns its link and its id. */
  start(input?: Record<string, unknown>): Promise<{ url: string; id: string }>;
  /** Starts an attempt, and signs the provider's person in. Returns the id of the account. */
  connect(input?: Record<string, unknown>): Promise<string>;
  attempt(id: string): Promise<Attempt>;
}

export interface Attempt {
  readonly status: string;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly account: { readonly id: string; readonly emailAddress: string } | null;
}

export async function startOAuthService(lab: OAuthLab, options: ServiceOptions = {}): Promise<OAuthService> {
  const port = options.port ?? (await freePort());
  const service = await startService({
    ...options,
    port,
    environment: { ...lab.environment, ...options.environment },
  });
  const browser = createTestBrowser({ ca: lab.provider.ca });

  async function start(input: Record<string, unknown> = {}) {
    const { startOAuth } = await service.data<{ startOAuth: { url: string; attempt: { id: string } } }>(
      'mutation ($input: StartOAuthInput!) { startOAuth(input: $input) { url attempt { id } } }',
      { input: { provider: 'example', ...input } },
    );
    return { url: startOAuth.url, id: startOAuth.attempt.id };
  }

  async function attempt(id: string): Promise<Attempt> {
    const { oauthAttempt } = await service.data<{ oauthAttempt: Attempt }>(
      'query ($id: ID!) { oauthAttempt(id: $id) { status error { code message } account { id emailAddress } } }',
      { id },
    );
    return oauthAttempt;
  }

  return {
    ...service,
    browser,
    start,
    attempt,
    async connect(input) {
      const { url, id } = await start(input);
      const page = await browser.submit(url);
      const { account, error } = await attempt(id);
      if (!account || error) throw new Error(`${page.status} ${page.text}`);
      return account.id;
    },
  };
}

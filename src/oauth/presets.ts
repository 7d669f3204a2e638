import { providerOfServer } from '../accounts/providers.ts';
import type { OAuthProvider } from './provider.ts';

/** What is the same for every installation: all but the client that its operator has registered. */
export type Preset = Omit<OAuthProvider, 'clientId' | 'clientSecret'>;

export type PresetId = 'google' | 'microsoft' | 'yahoo' | 'aol' | 'fastmail' | 'yandex' | 'mailru';

const onTls = (host: string) => ({ host, port: 993, security: 'TLS' }) as const;

const domainsOf = (host: string): readonly string[] => providerOfServer(host)?.domains ?? [];

const preset = (
  id: PresetId,
  name: string,
  host: string,
  more: Pick<Preset, 'server' | 'scopes' | 'mailScope'> & Partial<Preset>,
): Preset => ({
  id,
  name,
  imap: onTls(host),
  domains: domainsOf(host),
  parameters: {},
  sendsScopeOnRefresh: false,
  adminConsentEndpoint: null,
  ...more,
});

const GMAIL_SCOPE = 'https://mail.google.com/';
const OUTLOOK_SCOPE = 'https://outlook.office.com/IMAP.AccessAsUser.All';
const FASTMAIL_SCOPE = 'https://www.fastmail.com/dev/protocol-imap';

/** The tenant of a Microsoft registration: a directory's id or domain, or a group of accounts. */
export const MICROSOFT_TENANT = 'common';

/**
 * The built-in providers. Facts: their documentation, and Thunderbird's OAuth2Providers.sys.mjs for the smaller ones.
 *
 * @param microsoftTenant the directory that the registration is for. `common` stands for all work, school and personal
 *   accounts, `organizations` and `consumers` for a part of them.
 */
export function presetOf(id: PresetId, microsoftTenant = MICROSOFT_TENANT): Preset {
  switch (id) {
    case 'google':
      return preset(id, 'Google', 'imap.gmail.com', {
        server: { issuer: 'https://accounts.google.com', metadata: 'openid' },
        scopes: ['openid', 'email', GMAIL_SCOPE],
        mailScope: GMAIL_SCOPE,
        // Without both, a repeated sign-in yields no refresh token.
        parameters: { access_type: 'offline', prompt: 'consent' },
      });
    case 'microsoft':
      return preset(id, 'Microsoft', 'outlook.office365.com', {
        server: { issuer: `https://login.microsoftonline.com/${microsoftTenant}/v2.0`, metadata: 'openid' },
        scopes: ['openid', 'email', 'profile', 'offline_access', OUTLOOK_SCOPE],
        mailScope: OUTLOOK_SCOPE,
        parameters: { prompt: 'select_account' },
        sendsScopeOnRefresh: true,
        // Microsoft's page refuses `common`.
        adminConsentEndpoint: `https://login.microsoftonline.com/${
          microsoftTenant === MICROSOFT_TENANT ? 'organizations' : microsoftTenant
        }/v2.0/adminconsent`,
      });
    case 'yahoo':
      return yahoo(id, 'Yahoo', 'imap.mail.yahoo.com', 'https://api.login.yahoo.com');
    case 'aol':
      return yahoo(id, 'AOL', 'imap.aol.com', 'https://api.login.aol.com');
    case 'fastmail':
      return preset(id, 'Fastmail', 'imap.fastmail.com', {
        server: { issuer: 'https://api.fastmail.com', metadata: 'oauth' },
        scopes: [FASTMAIL_SCOPE, 'offline_access'],
        mailScope: FASTMAIL_SCOPE,
      });
    case 'yandex':
      return preset(id, 'Yandex', 'imap.yandex.com', {
        server: fixed('https://oauth.yandex.com', '/authorize', '/token'),
        scopes: ['mail:imap_full'],
        mailScope: 'mail:imap_full',
      });
    case 'mailru':
      return preset(id, 'Mail.ru', 'imap.mail.ru', {
        server: fixed('https://o2.mail.ru', '/login', '/token'),
        scopes: ['mail.imap'],
        mailScope: 'mail.imap',
        // Without it, the sign-in is not asked for again and yields no refresh token.
        parameters: { prompt_force: '1' },
      });
  }
}

const fixed = (issuer: string, authorize: string, token: string): OAuthProvider['server'] => ({
  issuer,
  metadata: { authorizationEndpoint: issuer + authorize, tokenEndpoint: issuer + token },
});

const yahoo = (id: 'yahoo' | 'aol', name: string, host: string, issuer: string): Preset =>
  preset(id, name, host, {
    server: fixed(issuer, '/oauth2/request_auth', '/oauth2/get_token'),
    scopes: ['openid', 'email', 'mail-w'],
    mailScope: 'mail-w',
  });

/**
 * A large provider: its IMAP server, and what it accepts as a password. The table is short, because other domains are
 * looked up in DNS (suggest-server.ts).
 */
export interface Provider {
  readonly name: string;
  /** The domains of its users' addresses. */
  readonly domains: readonly string[];
  readonly host: string;
  /** Matches its servers' names: the MX of domains that it hosts, and its other IMAP servers. */
  readonly servers: RegExp;
  /** What it accepts over IMAP: the password of its website, an app password, or a token. */
  readonly login: 'PASSWORD' | 'APP_PASSWORD' | 'OAUTH2';
  /** What the user must do before a login works; null if nothing. */
  readonly loginHint: string | null;
  readonly loginUrl: string | null;
}

const provider = (
  name: string,
  domains: string,
  host: string,
  servers: RegExp,
  [login, loginHint, loginUrl]: readonly [Provider['login'], string?, string?] = ['PASSWORD'],
): Provider => ({
  name,
  domains: domains.split(' '),
  host,
  servers,
  login,
  loginHint: loginHint ?? null,
  loginUrl: loginUrl ?? null,
});

const GMX_SWITCH = 'IMAP is disabled by default. Enable it in the settings, under POP3/IMAP.';
const YAHOO = [
  'APP_PASSWORD',
  'Yahoo and AOL accept only app passwords. Create one in the account security settings.',
] as const;

/** All of them use TLS on port 993. */
export const PROVIDERS: readonly Provider[] = [
  provider('Gmail', 'gmail.com googlemail.com', 'imap.gmail.com', /\b(gmail|googlemail|google)\.com$/, [
    'APP_PASSWORD',
    'Gmail accepts only app passwords. Create one at https://myaccount.google.com/apppasswords (requires 2-step verification).',
    'https://myaccount.google.com/apppasswords',
  ]),
  provider(
    'Outlook',
    'outlook.com hotmail.com live.com msn.com outlook.de hotmail.de hotmail.co.uk hotmail.fr',
    'outlook.office365.com',
    /\b(office365|outlook|hotmail|live)\.com$/,
    ['OAUTH2', 'Microsoft no longer accepts passwords over IMAP. Use OAuth2 with an access token.'],
  ),
  provider('iCloud', 'icloud.com me.com mac.com', 'imap.mail.me.com', /\b(icloud|me|mac)\.com$/, [
    'APP_PASSWORD',
    'iCloud accepts only app-specific passwords. Create one at https://account.apple.com, under Sign-In and Security.',
    'https://account.apple.com/account/manage',
  ]),
  provider(
    'Yahoo',
    'yahoo.com ymail.com rocketmail.com yahoo.de yahoo.fr yahoo.co.uk yahoo.it yahoo.es',
    'imap.mail.yahoo.com',
    /\b(yahoo|yahoodns)\.(com|net)$/,
    [...YAHOO, 'https://login.yahoo.com/account/security'],
  ),
  provider('AOL', 'aol.com', 'imap.aol.com', /\baol\.com$/, [...YAHOO, 'https://login.aol.com/account/security']),
  provider('Fastmail', 'fastmail.com fastmail.fm', 'imap.fastmail.com', /\b(fastmail|messagingengine)\.com$/, [
    'APP_PASSWORD',
    'Fastmail accepts only app passwords. Create one under Settings, Privacy & Security.',
    'https://app.fastmail.com/settings/security/apps',
  ]),
  provider('GMX', 'gmx.net gmx.de gmx.at gmx.ch', 'imap.gmx.net', /\bgmx\.net$/, ['PASSWORD', GMX_SWITCH]),
  provider('GMX', 'gmx.com gmx.us gmx.co.uk', 'imap.gmx.com', /\bgmx\.com$/, ['PASSWORD', GMX_SWITCH]),
  provider('WEB.DE', 'web.de', 'imap.web.de', /\bweb\.de$/, ['PASSWORD', GMX_SWITCH]),
  provider('T-Online', 't-online.de magenta.de', 'secureimap.t-online.de', /\bt-online\.de$/, [
    'PASSWORD',
    'T-Online requires a separate password for email programs. Set it in the email settings of the customer centre.',
  ]),
  provider('mailbox.org', 'mailbox.org', 'imap.mailbox.org', /\bmailbox\.org$/),
  provider('Posteo', 'posteo.de posteo.net', 'posteo.de', /\bposteo\.de$/),
  provider('IONOS', 'ionos.com', 'imap.ionos.com', /\bionos\.com$/),
  provider('IONOS', 'ionos.de online.de', 'imap.ionos.de', /\b(ionos|kundenserver)\.de$/),
  provider('Strato', 'strato.de', 'imap.strato.de', /\b(strato|rzone)\.de$/),
  provider('Zoho', 'zoho.com zohomail.com', 'imap.zoho.com', /\bzoho\.com$/, [
    'PASSWORD',
    'IMAP is disabled by default. Enable it in the settings, under Mail Accounts. With 2-step verification, use an app password.',
  ]),
  provider('Yandex', 'yandex.com yandex.ru ya.ru', 'imap.yandex.com', /\byandex\.(net|com|ru)$/, [
    'APP_PASSWORD',
    'Yandex accepts only app passwords. Create one in Yandex ID, under Security.',
    'https://id.yandex.com/security/app-passwords',
  ]),
  provider('Migadu', 'migadu.com', 'imap.migadu.com', /\bmigadu\.com$/),
  provider('Infomaniak', 'ik.me ikmail.com', 'mail.infomaniak.com', /\binfomaniak\.(com|ch)$/),
  provider('Gandi', 'gandi.net', 'mail.gandi.net', /\bgandi\.net$/),
];

export const providerOfDomain = (domain: string): Provider | undefined =>
  PROVIDERS.find(({ domains }) => domains.includes(domain));

/** Returns the provider of a server, by the name of an IMAP server or of an MX record. */
export const providerOfServer = (host: string): Provider | undefined =>
  PROVIDERS.find(({ servers }) => servers.test(host));

/**
 * What is known of large providers without asking anybody: where their IMAP servers are, and what they take for a
 * password. Kept short: a domain that is not here is looked up in DNS (suggest-server.ts).
 */
export interface Provider {
  readonly name: string;
  /** Of the addresses that it gives away. */
  readonly domains: readonly string[];
  readonly host: string;
  /** The ends of its servers' names: of the MX of domains that it hosts, and of other IMAP servers that it has. */
  readonly servers: RegExp;
  /** What logs in: the password of its website, an app password, or a token. */
  readonly login: 'PASSWORD' | 'APP_PASSWORD' | 'OAUTH2';
  /** What to do, where it is not the usual password that logs in. */
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

const GMX_SWITCH = 'IMAP is off at first: allow it in the settings, under POP3/IMAP.';
const YAHOO = [
  'APP_PASSWORD',
  'Yahoo and AOL accept app passwords only: make one in the account security settings.',
] as const;

/** All of them speak TLS on port 993. */
export const PROVIDERS: readonly Provider[] = [
  provider('Gmail', 'gmail.com googlemail.com', 'imap.gmail.com', /\b(gmail|googlemail|google)\.com$/, [
    'APP_PASSWORD',
    'Gmail accepts app passwords only: make one at https://myaccount.google.com/apppasswords (it needs 2-step verification).',
    'https://myaccount.google.com/apppasswords',
  ]),
  provider(
    'Outlook',
    'outlook.com hotmail.com live.com msn.com outlook.de hotmail.de hotmail.co.uk hotmail.fr',
    'outlook.office365.com',
    /\b(office365|outlook|hotmail|live)\.com$/,
    ['OAUTH2', 'Microsoft accepts no passwords over IMAP any more: use OAuth2 with an access token.'],
  ),
  provider('iCloud', 'icloud.com me.com mac.com', 'imap.mail.me.com', /\b(icloud|me|mac)\.com$/, [
    'APP_PASSWORD',
    'iCloud accepts app-specific passwords only: make one at https://account.apple.com, under Sign-In and Security.',
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
    'Fastmail accepts app passwords only: make one under Settings, Privacy & Security.',
    'https://app.fastmail.com/settings/security/apps',
  ]),
  provider('GMX', 'gmx.net gmx.de gmx.at gmx.ch', 'imap.gmx.net', /\bgmx\.net$/, ['PASSWORD', GMX_SWITCH]),
  provider('GMX', 'gmx.com gmx.us gmx.co.uk', 'imap.gmx.com', /\bgmx\.com$/, ['PASSWORD', GMX_SWITCH]),
  provider('WEB.DE', 'web.de', 'imap.web.de', /\bweb\.de$/, ['PASSWORD', GMX_SWITCH]),
  provider('T-Online', 't-online.de magenta.de', 'secureimap.t-online.de', /\bt-online\.de$/, [
    'PASSWORD',
    'T-Online has a password of its own for e-mail programs: set it in the e-mail settings of the customer centre.',
  ]),
  provider('mailbox.org', 'mailbox.org', 'imap.mailbox.org', /\bmailbox\.org$/),
  provider('Posteo', 'posteo.de posteo.net', 'posteo.de', /\bposteo\.de$/),
  provider('IONOS', 'ionos.com', 'imap.ionos.com', /\bionos\.com$/),
  provider('IONOS', 'ionos.de online.de', 'imap.ionos.de', /\b(ionos|kundenserver)\.de$/),
  provider('Strato', 'strato.de', 'imap.strato.de', /\b(strato|rzone)\.de$/),
  provider('Zoho', 'zoho.com zohomail.com', 'imap.zoho.com', /\bzoho\.com$/, [
    'PASSWORD',
    'IMAP is off at first: allow it in the settings, under Mail Accounts. With 2-step verification, an app password is wanted.',
  ]),
  provider('Yandex', 'yandex.com yandex.ru ya.ru', 'imap.yandex.com', /\byandex\.(net|com|ru)$/, [
    'APP_PASSWORD',
    'Yandex accepts app passwords only: make one in Yandex ID, under Security.',
    'https://id.yandex.com/security/app-passwords',
  ]),
  provider('Migadu', 'migadu.com', 'imap.migadu.com', /\bmigadu\.com$/),
  provider('Infomaniak', 'ik.me ikmail.com', 'mail.infomaniak.com', /\binfomaniak\.(com|ch)$/),
  provider('Gandi', 'gandi.net', 'mail.gandi.net', /\bgandi\.net$/),
];

export const providerOfDomain = (domain: string): Provider | undefined =>
  PROVIDERS.find(({ domains }) => domains.includes(domain));

/** Whose server this is, by its name: an IMAP server's, or that of an MX record. */
export const providerOfServer = (host: string): Provider | undefined =>
  PROVIDERS.find(({ servers }) => servers.test(host));

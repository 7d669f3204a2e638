import type { Provider } from './provider.ts';

interface Login {
  readonly kind?: Provider['login'];
  readonly hint?: string;
  readonly url?: string;
  /** It also accepts OAuth2, and prefers it. */
  readonly offersOAuth?: true;
  readonly username?: Provider['username'];
}

const words = (text: string): string[] => text.split(/\s+/);

function provider(
  name: string,
  domains: string,
  host: string,
  servers: string,
  { kind = 'PASSWORD', hint, url, offersOAuth, username = 'ADDRESS' }: Login = {},
): Provider {
  return {
    name,
    domains: words(domains),
    host,
    servers: words(servers),
    username,
    login: kind,
    authentication: kind === 'OAUTH2' ? ['OAUTH2'] : offersOAuth ? ['OAUTH2', 'PASSWORD'] : ['PASSWORD'],
    loginHint: hint ?? null,
    loginUrl: url ?? null,
  };
}

const GMX_SWITCH: Login = { hint: 'IMAP is disabled by default. Enable it in the settings, under POP3/IMAP.' };
const YAHOO: Login = {
  kind: 'APP_PASSWORD',
  hint: 'Yahoo and AOL accept only app passwords. Create one in the account security settings.',
  offersOAuth: true,
};

/**
 * Providers with many users. Other domains publish their server themselves (autoconfig.ts, mail-dns.ts). A server's
 * name belongs to the first entry that matches it.
 */
export const PROVIDERS: readonly Provider[] = [
  provider('Gmail', 'gmail.com googlemail.com', 'imap.gmail.com', 'gmail.com googlemail.com google.com', {
    kind: 'APP_PASSWORD',
    hint: 'Gmail accepts only app passwords. Create one at https://myaccount.google.com/apppasswords (requires 2-step verification).',
    url: 'https://myaccount.google.com/apppasswords',
    offersOAuth: true,
  }),
  provider(
    'Outlook',
    `outlook.com hotmail.com live.com msn.com windowslive.com livemail.tw
    outlook.at outlook.be outlook.cl outlook.cz outlook.de outlook.dk outlook.es outlook.fr outlook.hu outlook.ie
    outlook.in outlook.it outlook.jp outlook.kr outlook.lv outlook.my outlook.ph outlook.pt outlook.sa outlook.sg
    outlook.sk outlook.co.id outlook.co.il outlook.co.th outlook.com.ar outlook.com.au outlook.com.br outlook.com.gr
    outlook.com.tr outlook.com.vn
    hotmail.be hotmail.ca hotmail.cl hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fi hotmail.fr hotmail.gr
    hotmail.hu hotmail.it hotmail.lt hotmail.lv hotmail.my hotmail.nl hotmail.no hotmail.ph hotmail.rs hotmail.se
    hotmail.sg hotmail.sk hotmail.co.id hotmail.co.il hotmail.co.in hotmail.co.jp hotmail.co.kr hotmail.co.th
    hotmail.co.uk hotmail.co.za hotmail.com.ar hotmail.com.au hotmail.com.br hotmail.com.hk hotmail.com.tr
    hotmail.com.tw hotmail.com.vn
    live.at live.be live.ca live.cl live.cn live.de live.dk live.fi live.fr live.hk live.ie live.in live.it live.jp
    live.nl live.no live.ru live.se live.co.jp live.co.kr live.co.uk live.co.za live.com.ar live.com.au live.com.mx
    live.com.my live.com.ph live.com.pt live.com.sg`,
    'outlook.office365.com',
    'office365.com outlook.com hotmail.com live.com mx.microsoft',
    {
      kind: 'OAUTH2',
      hint: 'Microsoft no longer accepts passwords over IMAP. Use OAuth2 with an access token.',
    },
  ),
  provider('iCloud', 'icloud.com me.com mac.com', 'imap.mail.me.com', 'icloud.com me.com mac.com', {
    kind: 'APP_PASSWORD',
    hint: 'iCloud accepts only app-specific passwords. Create one at https://account.apple.com, under Sign-In and Security.',
    url: 'https://account.apple.com/account/manage',
  }),
  provider(
    'AOL',
    `aol.com aim.com netscape.net netscape.com compuserve.com cs.com wmconnect.com verizon.net
    aol.de aol.it aol.fr aol.es aol.se aol.co.uk aol.co.nz aol.com.au aol.com.ar aol.com.br aol.com.mx`,
    'imap.aol.com',
    'aol.com gm0.yahoodns.net',
    { ...YAHOO, url: 'https://login.aol.com/account/security' },
  ),
  provider(
    'Yahoo',
    `yahoo.com ymail.com myyahoo.com rocketmail.com cox.net yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.se yahoo.co.uk
    yahoo.co.in yahoo.co.nz yahoo.com.au yahoo.com.ar yahoo.com.br yahoo.com.mx`,
    'imap.mail.yahoo.com',
    'yahoo.com yahoo.net yahoodns.com yahoodns.net',
    { ...YAHOO, url: 'https://login.yahoo.com/account/security' },
  ),
  provider(
    'AT&T',
    `att.net ameritech.net bellsouth.net currently.com flash.net nvbell.net pacbell.net prodigy.net sbcglobal.net
    snet.net swbell.net wans.net`,
    'imap.mail.att.net',
    'att.net',
    {
      kind: 'APP_PASSWORD',
      hint: 'AT&T accepts only secure mail keys. Create one in your profile, under Sign-in info.',
      offersOAuth: true,
    },
  ),
  provider('Comcast', 'comcast.net', 'imap.comcast.net', 'comcast.net', {
    hint: 'Access for other programs is disabled by default. Enable it in the settings of the web mail, under Security.',
    offersOAuth: true,
  }),
  provider('Fastmail', 'fastmail.com fastmail.fm', 'imap.fastmail.com', 'fastmail.com messagingengine.com', {
    kind: 'APP_PASSWORD',
    hint: 'Fastmail accepts only app passwords. Create one under Settings, Privacy & Security.',
    url: 'https://app.fastmail.com/settings/security/apps',
    offersOAuth: true,
  }),
  provider('GMX', 'gmx.net gmx.de gmx.at gmx.ch', 'imap.gmx.net', 'gmx.net', GMX_SWITCH),
  provider('GMX', 'gmx.com gmx.us gmx.co.uk', 'imap.gmx.com', 'gmx.com', GMX_SWITCH),
  provider('WEB.DE', 'web.de', 'imap.web.de', 'web.de', GMX_SWITCH),
  provider(
    'mail.com',
    `mail.com mail.org email.com post.com usa.com accountant.com consultant.com dr.com engineer.com cheerful.com
    techie.com linuxmail.org europe.com london.com uymail.com myself.com iname.com writeme.com`,
    'imap.mail.com',
    'mail.com',
  ),
  provider('T-Online', 't-online.de magenta.de', 'secureimap.t-online.de', 't-online.de', {
    hint: 'T-Online requires a separate password for email programs. Set it in the email settings of the customer centre.',
  }),
  provider('freenet', 'freenet.de', 'mx.freenet.de', 'freenet.de', {
    hint: 'IMAP is disabled by default. Enable it in the settings, under POP3/IMAP/SMTP.',
  }),
  provider('mailbox.org', 'mailbox.org', 'imap.mailbox.org', 'mailbox.org', {
    hint: 'With two-factor authentication, use an application password.',
  }),
  provider('Posteo', 'posteo.de posteo.net', 'posteo.de', 'posteo.de'),
  provider('IONOS', 'ionos.com', 'imap.ionos.com', 'ionos.com'),
  provider('IONOS', 'ionos.de', 'imap.ionos.de', 'ionos.de kundenserver.de schlund.de'),
  provider(
    '1&1',
    'online.de onlinehome.de sofortstart.de sofort-start.de sofortsurf.de sofort-surf.de go4more.de',
    'imap.1und1.de',
    '1und1.de',
  ),
  provider('Strato', 'strato.de', 'imap.strato.de', 'strato.de rzone.de'),
  provider('one.com', 'one.com', 'imap.one.com', 'one.com'),
  provider('Rackspace', 'emailsrvr.com', 'secure.emailsrvr.com', 'emailsrvr.com'),
  provider('Namecheap', 'privateemail.com', 'mail.privateemail.com', 'privateemail.com'),
  provider('Zoho', 'zoho.com zohomail.com', 'imap.zoho.com', 'zoho.com', {
    hint: 'IMAP is disabled by default. Enable it in the settings, under Mail Accounts. With 2-step verification, use an app password.',
  }),
  provider(
    'Yandex',
    'yandex.com yandex.ru yandex.net yandex.by yandex.kz yandex.ua ya.ru narod.ru',
    'imap.yandex.com',
    'yandex.net yandex.com yandex.ru',
    {
      kind: 'APP_PASSWORD',
      hint: 'Yandex accepts only app passwords. Create one in Yandex ID, under Security.',
      url: 'https://id.yandex.com/security/app-passwords',
      offersOAuth: true,
    },
  ),
  provider('Mail.ru', 'mail.ru inbox.ru list.ru bk.ru internet.ru', 'imap.mail.ru', 'mail.ru', {
    kind: 'APP_PASSWORD',
    hint: 'Mail.ru accepts only app passwords. Create one in the account settings, under Security.',
    offersOAuth: true,
  }),
  provider('Orange', 'orange.fr wanadoo.fr', 'imap.orange.fr', 'orange.fr'),
  provider('Free', 'free.fr', 'imap.free.fr', 'free.fr', { username: 'LOCAL_PART' }),
  provider('Virgilio', 'virgilio.it', 'in.virgilio.it', 'virgilio.it'),
  provider('o2 Poczta', 'o2.pl go2.pl tlen.pl prokonto.pl', 'poczta.o2.pl', 'o2.pl', { username: 'LOCAL_PART' }),
  provider('QQ', 'qq.com', 'imap.qq.com', 'qq.com', {
    kind: 'APP_PASSWORD',
    hint: 'QQ Mail accepts only authorization codes. Create one in the settings, under Account.',
  }),
  provider('Naver', 'naver.com', 'imap.naver.com', 'naver.com', {
    hint: 'IMAP is disabled by default. Enable it in the settings, under POP3/IMAP.',
  }),
  provider('Migadu', 'migadu.com', 'imap.migadu.com', 'migadu.com'),
  provider('Infomaniak', 'ik.me ikmail.com', 'mail.infomaniak.com', 'infomaniak.com infomaniak.ch'),
  provider('Gandi', 'gandi.net', 'mail.gandi.net', 'gandi.net'),
];

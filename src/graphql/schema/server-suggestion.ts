import type { OAuthParameters } from '../../accounts/autoconfig.ts';
import type { ServerSuggestion as Suggestion } from '../../accounts/suggest-server.ts';
import { builder } from '../builder.ts';
import { ImapSecurity } from './email-connection.ts';

const SuggestionSource = builder.enumType('ImapServerSource', {
  description: 'How an IMAP server was found.',
  values: {
    AUTOCONFIG: { description: "The domain's autoconfig file names it, as Thunderbird reads it, over HTTPS." },
    PROVIDER: { description: 'The domain belongs to a known provider.' },
    MX: { description: "The domain's MX records point to a known provider." },
    SRV: { description: "The domain's SRV records name it (RFC 6186)." },
    NAME: { description: 'A guess: a host with a common name, such as `imap.` and the domain, exists.' },
  } as const,
});

const LoginKind = builder.enumType('ImapLoginKind', {
  description: 'What a provider accepts as credentials for IMAP.',
  values: { PASSWORD: {}, APP_PASSWORD: {}, OAUTH2: {} } as const,
});

const Authentication = builder.enumType('ImapAuthentication', {
  description: 'A kind of credentials that an IMAP server accepts.',
  values: {
    PASSWORD: { description: 'A password, which may have to be an app password.' },
    OAUTH2: { description: 'An OAuth2 access token.' },
  } as const,
});

const OAuth = builder.objectRef<OAuthParameters>('ImapServerOAuth').implement({
  description: "Where to get an access token, as the domain's autoconfig file states it. Nothing of it is verified.",
  fields: (t) => ({
    issuer: t.exposeString('issuer'),
    scopes: t.exposeStringList('scopes'),
  }),
});

const ServerSuggestion = builder.objectRef<Suggestion>('ImapServerSuggestion').implement({
  description: 'The likely IMAP server of an email address. Use `testEmailConnection` to verify it.',
  fields: (t) => ({
    host: t.exposeString('host'),
    port: t.exposeInt('port'),
    security: t.expose('security', { type: ImapSecurity }),
    username: t.exposeString('username', {
      nullable: true,
      description: 'The username to log in with; null if it is the email address.',
    }),
    source: t.expose('source', { type: SuggestionSource }),
    authentication: t.expose('authentication', {
      type: [Authentication],
      nullable: true,
      description: 'What the server accepts, in its order of preference; null if unknown.',
    }),
    oauth: t.expose('oauth', {
      type: OAuth,
      nullable: true,
      description: 'Null if the server does not accept OAuth2, or nothing is known about its tokens.',
    }),
    provider: t.string({
      nullable: true,
      description: 'The name of the provider; null if unknown.',
      resolve: ({ provider }) => provider?.name ?? null,
    }),
    login: t.field({
      type: LoginKind,
      nullable: true,
      description: 'What a user without a registered OAuth2 application enters; null if unknown.',
      resolve: ({ provider, authentication }) =>
        provider?.login ?? (authentication?.includes('PASSWORD') === false ? 'OAUTH2' : null),
    }),
    loginHint: t.string({
      nullable: true,
      description: 'What to do before a login works; null if nothing is known to be necessary.',
      resolve: ({ provider }) => provider?.loginHint ?? null,
    }),
    loginUrl: t.string({
      nullable: true,
      description: 'Where to do what `loginHint` describes.',
      resolve: ({ provider }) => provider?.loginUrl ?? null,
    }),
  }),
});

/** The cost of two HTTPS requests and a few DNS queries. A tenant may not have more at once than one document allows. */
const COMPLEXITY = 1000;

builder.queryField('suggestImapServer', (t) =>
  t.field({
    description:
      "The likely IMAP server of an email address: from the domain's autoconfig file, else from a table of providers, else from DNS. Null if none is found.",
    type: ServerSuggestion,
    nullable: true,
    complexity: COMPLEXITY,
    args: { emailAddress: t.arg.string({ required: true }) },
    resolve: (_root, { emailAddress }, { services, tenantId }) => services.accounts.suggest(tenantId, emailAddress),
  }),
);

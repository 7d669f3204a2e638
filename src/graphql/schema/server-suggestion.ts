import type { ServerSuggestion as Suggestion } from '../../accounts/suggest-server.ts';
import { builder } from '../builder.ts';
import { ImapSecurity } from './email-connection.ts';

const SuggestionSource = builder.enumType('ImapServerSource', {
  description: 'How an IMAP server was found.',
  values: {
    PROVIDER: { description: 'The domain belongs to a known provider.' },
    SRV: { description: "The domain's SRV records name it (RFC 6186)." },
    MX: { description: "The domain's MX records point to a known provider." },
    NAME: { description: 'A guess: a host with a common name, such as `imap.` and the domain, exists.' },
  } as const,
});

const LoginKind = builder.enumType('ImapLoginKind', {
  description: 'What a provider accepts as credentials for IMAP.',
  values: { PASSWORD: {}, APP_PASSWORD: {}, OAUTH2: {} } as const,
});

const ServerSuggestion = builder.objectRef<Suggestion>('ImapServerSuggestion').implement({
  description: 'The likely IMAP server of an email address. Use `testEmailConnection` to verify it.',
  fields: (t) => ({
    host: t.exposeString('host'),
    port: t.exposeInt('port'),
    security: t.expose('security', { type: ImapSecurity }),
    source: t.expose('source', { type: SuggestionSource }),
    provider: t.string({
      nullable: true,
      description: 'The name of the provider; null if unknown.',
      resolve: ({ provider }) => provider?.name ?? null,
    }),
    login: t.field({
      type: LoginKind,
      nullable: true,
      description: 'Null if unknown.',
      resolve: ({ provider }) => provider?.login ?? null,
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

/** The cost of a few DNS queries. */
const COMPLEXITY = 100;

builder.queryField('suggestImapServer', (t) =>
  t.field({
    description:
      'The likely IMAP server of an email address, from a table of providers, else from DNS. Null if none is found.',
    type: ServerSuggestion,
    nullable: true,
    complexity: COMPLEXITY,
    args: { emailAddress: t.arg.string({ required: true }) },
    resolve: (_root, { emailAddress }, { services }) => services.accounts.suggest(emailAddress),
  }),
);

import type { ServerSuggestion as Suggestion } from '../../accounts/suggest-server.ts';
import { builder } from '../builder.ts';
import { ImapSecurity } from './email-connection.ts';

const SuggestionSource = builder.enumType('ImapServerSource', {
  description: 'How an IMAP server was found.',
  values: {
    PROVIDER: { description: 'The domain belongs to a provider that is known.' },
    SRV: { description: 'The domain says so in its SRV records (RFC 6186).' },
    MX: { description: 'A provider that is known takes the mail of the domain.' },
    NAME: { description: 'A host with a usual name is there: a guess.' },
  } as const,
});

const LoginKind = builder.enumType('ImapLoginKind', {
  description: 'What a provider takes at its IMAP server.',
  values: { PASSWORD: {}, APP_PASSWORD: {}, OAUTH2: {} } as const,
});

const ServerSuggestion = builder.objectRef<Suggestion>('ImapServerSuggestion').implement({
  description: 'Where the mailbox of an address is likely to be. Only testEmailConnection can tell.',
  fields: (t) => ({
    host: t.exposeString('host'),
    port: t.exposeInt('port'),
    security: t.expose('security', { type: ImapSecurity }),
    source: t.expose('source', { type: SuggestionSource }),
    provider: t.string({
      nullable: true,
      description: 'Whose server it is; null when that is not known.',
      resolve: ({ provider }) => provider?.name ?? null,
    }),
    login: t.field({
      type: LoginKind,
      nullable: true,
      description: 'Null when it is not known.',
      resolve: ({ provider }) => provider?.login ?? null,
    }),
    loginHint: t.string({
      nullable: true,
      description: 'What to do before a login works; null when nothing is known to be needed.',
      resolve: ({ provider }) => provider?.loginHint ?? null,
    }),
    loginUrl: t.string({
      nullable: true,
      description: 'Where to do it.',
      resolve: ({ provider }) => provider?.loginUrl ?? null,
    }),
  }),
});

/** Some questions to name servers. */
const COMPLEXITY = 100;

builder.queryField('suggestImapServer', (t) =>
  t.field({
    description:
      'Where the mailbox of an address is likely to be: from a table of providers, else from DNS. Null when nothing is known.',
    type: ServerSuggestion,
    nullable: true,
    complexity: COMPLEXITY,
    args: { emailAddress: t.arg.string({ required: true }) },
    resolve: (_root, { emailAddress }, { services }) => services.accounts.suggest(emailAddress),
  }),
);

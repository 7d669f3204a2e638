import type { ConnectionTest } from '../../accounts/connection-test.ts';
import { builder } from '../builder.ts';

export const ImapSecurity = builder.enumType('ImapSecurity', {
  description: 'How a connection is encrypted.',
  values: {
    TLS: { description: 'TLS from the first byte, usually on port 993.' },
    STARTTLS: {
      description: 'TLS after a greeting in clear text, usually on port 143. Never falls back to clear text.',
    },
    NONE: { description: 'No encryption. Only to loopback and private hosts, if the installation allows them.' },
  } as const,
});

export const ImapServerInput = builder.inputType('ImapServerInput', {
  fields: (t) => ({
    host: t.string({ required: true }),
    port: t.int({ required: true }),
    security: t.field({ type: ImapSecurity, required: true }),
    username: t.string({ description: 'Default: the email address.' }),
  }),
});

const OAuth2CredentialsInput = builder.inputType('OAuth2CredentialsInput', {
  fields: (t) => ({ accessToken: t.string({ required: true }) }),
});

export const CredentialsInput = builder.inputType('CredentialsInput', {
  description: 'Exactly one kind of credentials. They are stored encrypted and never returned.',
  isOneOf: true,
  fields: (t) => ({
    password: t.string({ description: 'The password, or an app password if the provider requires one.' }),
    oauth2: t.field({ type: OAuth2CredentialsInput }),
  }),
});

const EmailConnectionInput = builder.inputType('EmailConnectionInput', {
  fields: (t) => ({
    emailAddress: t.string({ required: true }),
    imap: t.field({ type: ImapServerInput, required: true }),
    credentials: t.field({ type: CredentialsInput, required: true }),
  }),
});

const EmailConnectionTest = builder.objectRef<ConnectionTest>('EmailConnectionTest').implement({
  description: 'The result of a connection test.',
  fields: (t) => ({
    ok: t.exposeBoolean('ok'),
    code: t.exposeString('code', {
      nullable: true,
      description: 'The stable code of the error; null if the test succeeded.',
    }),
    message: t.exposeString('message', { description: 'The result as a sentence.' }),
    hint: t.exposeString('hint', { nullable: true, description: 'What to try next; null if nothing more is known.' }),
    capabilities: t.exposeStringList('capabilities'),
    mailboxes: t.exposeStringList('mailboxes', { description: 'The paths of the mailboxes that would be synced.' }),
  }),
});

builder.mutationField('testEmailConnection', (t) =>
  t.field({
    description: 'Tests a connection: connects, logs in, lists the mailboxes and logs out. Stores nothing.',
    type: EmailConnectionTest,
    args: { input: t.arg({ type: EmailConnectionInput, required: true }) },
    resolve: (_root, { input }, { services, signal, tenantId }) => services.accounts.test(tenantId, input, signal),
  }),
);

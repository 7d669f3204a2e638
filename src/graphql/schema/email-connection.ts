import type { ConnectionTest } from '../../accounts/connection-test.ts';
import { builder } from '../builder.ts';

export const ImapSecurity = builder.enumType('ImapSecurity', {
  description: 'How a connection is encrypted.',
  values: {
    TLS: { description: 'From the first byte, usually port 993.' },
    STARTTLS: { description: 'After a greeting in clear text, usually port 143; never falls back to clear text.' },
    NONE: { description: 'Not at all: to loopback and private hosts only, where the installation allows them.' },
  } as const,
});

export const ImapServerInput = builder.inputType('ImapServerInput', {
  fields: (t) => ({
    host: t.string({ required: true }),
    port: t.int({ required: true }),
    security: t.field({ type: ImapSecurity, required: true }),
    username: t.string({ description: 'The email address when left out.' }),
  }),
});

const OAuth2CredentialsInput = builder.inputType('OAuth2CredentialsInput', {
  fields: (t) => ({ accessToken: t.string({ required: true }) }),
});

export const CredentialsInput = builder.inputType('CredentialsInput', {
  description: 'Exactly one way to log in. Stored encrypted, never shown again.',
  isOneOf: true,
  fields: (t) => ({
    password: t.string({ description: 'The password, or an app password where the provider wants one.' }),
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
  description: 'What came of trying a connection.',
  fields: (t) => ({
    ok: t.exposeBoolean('ok'),
    code: t.exposeString('code', { nullable: true, description: 'Why not, as a stable code; null when it worked.' }),
    message: t.exposeString('message', { description: 'The same as a sentence.' }),
    hint: t.exposeString('hint', { nullable: true, description: 'What to try next, where more is known.' }),
    capabilities: t.exposeStringList('capabilities'),
    mailboxes: t.exposeStringList('mailboxes', { description: 'The paths of the mailboxes that would be synced.' }),
  }),
});

builder.mutationField('testEmailConnection', (t) =>
  t.field({
    description: 'Connects, logs in, lists the mailboxes, logs out. Nothing is stored.',
    type: EmailConnectionTest,
    args: { input: t.arg({ type: EmailConnectionInput, required: true }) },
    resolve: (_root, { input }, { services, signal, tenantId }) => services.accounts.test(tenantId, input, signal),
  }),
);

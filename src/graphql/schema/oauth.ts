import { setTimeout as pause } from 'node:timers/promises';
import { parseInput, suggestion } from '../../accounts/account-input.ts';
import type { OAuthAttempt as AttemptRow } from '../../generated/prisma/client.ts';
import { type OAuthProvider as Provider, providersOfAddress } from '../../oauth/provider.ts';
import { abortable } from '../abortable.ts';
import { builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { found } from '../found.ts';
import { decodeIdOrNone, encodeId, requireId } from '../ids.ts';

const OAuthProvider = builder.objectRef<Provider>('OAuthProvider').implement({
  description: 'A provider at which people can sign in to connect their mailboxes. The operator configures providers.',
  fields: (t) => ({
    id: t.exposeString('id', { description: 'For `startOAuth`, e.g. `google`.' }),
    name: t.exposeString('name', { description: 'For a button: "Continue with Google".' }),
    adminConsentUrl: t.string({
      nullable: true,
      description:
        'Where an administrator approves this installation for all users of an organization; null if the provider has no such page.',
      resolve: ({ id }, _args, { services }) => services.signIns.adminConsentUrl(id)?.href ?? null,
    }),
  }),
});

const OAuthAttemptStatus = builder.enumType('OAuthAttemptStatus', {
  values: {
    CREATED: { description: 'The link has not been used.' },
    SIGNING_IN: { description: 'The person is at the provider.' },
    CONNECTING: { description: 'The provider has answered, and the mailbox is being tested.' },
    SUCCEEDED: { description: 'The account is connected, and its first sync has started.' },
    FAILED: { description: 'See `error`. The link can be used again until `expiresAt`.' },
  } as const,
});

const OAuthAttemptError = builder
  .objectRef<{ errorCode: string | null; errorMessage: string | null }>('OAuthAttemptError')
  .implement({
    fields: (t) => ({
      code: t.string({ description: 'A stable code.', resolve: ({ errorCode }) => errorCode ?? 'INTERNAL' }),
      message: t.string({
        description: 'What happened and what to do, as a sentence.',
        resolve: ({ errorMessage }) => errorMessage ?? '',
      }),
    }),
  });

const OAuthAttempt = builder.prismaObject('OAuthAttempt', {
  description: 'One attempt to connect a mailbox by signing in at a provider.',
  // Selects only what is requested, so that no secret leaves the database for an answer.
  select: { id: true },
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('OAuthAttempt', id) }),
    provider: t.exposeString('provider'),
    status: t.expose('status', { type: OAuthAttemptStatus }),
    error: t.field({
      type: OAuthAttemptError,
      nullable: true,
      select: { errorCode: true, errorMessage: true },
      resolve: (attempt) => (attempt.errorCode === null ? null : attempt),
    }),
    account: t.prismaField({
      description: 'The account that was connected, or is to be reconnected; null if there is none yet.',
      type: 'EmailAccount',
      nullable: true,
      select: { accountId: true },
      resolve(query, { accountId }, _args, { prisma }) {
        const wanted = { ...query, where: { id: accountId ?? '' } };
        return accountId === null ? null : prisma.emailAccount.findUnique(wanted);
      },
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
  }),
});

interface Started {
  readonly id: string;
  readonly url: string;
}

const StartedOAuth = builder.objectRef<Started>('StartedOAuth').implement({
  fields: (t) => ({
    url: t.exposeString('url', {
      description:
        'The page to open in the browser of the person who signs in. Anybody with the link can connect a mailbox to your tenant. It works until the attempt succeeds or expires.',
    }),
    attempt: t.prismaField({
      type: OAuthAttempt,
      resolve: async (query, { id }, _args, { prisma }) =>
        found(await prisma.oAuthAttempt.findUnique({ ...query, where: { id } })),
    }),
  }),
});

const StartOAuthInput = builder.inputType('StartOAuthInput', {
  fields: (t) => ({
    provider: t.string({ required: true, description: 'The id of a provider of `oauthProviders`.' }),
    emailAddress: t.string({ description: 'The mailbox to connect. Default: that of the person who signs in.' }),
    isShared: t.boolean({
      required: true,
      defaultValue: false,
      description: 'The mailbox is a shared one, and a person with access to it signs in with their own account.',
    }),
    accountId: t.id({ description: 'Reconnects this account. It keeps its mail and its timeline.' }),
    returnTo: t.string({
      description: "The path of Mailtide's page that opens after the sign-in. Default: the page of the account.",
    }),
  }),
});

builder.queryFields((t) => ({
  oauthProviders: t.field({
    description: 'The providers that the operator has configured: all, or those of an address.',
    type: [OAuthProvider],
    args: { emailAddress: t.arg.string() },
    resolve: async (_root, { emailAddress }, { services, tenantId }) => {
      const { providers } = services.signIns;
      if (emailAddress == null) return [...providers];
      const address = parseInput(suggestion, { emailAddress }).emailAddress;
      const known = providersOfAddress(providers, address);
      if (known.length > 0 || providers.length === 0) return known;
      // The domain may be hosted by a provider. Its DNS names the server.
      const suggested = await services.accounts.suggest(tenantId, address);
      return providers.filter(({ imap }) => imap.host === suggested?.host);
    },
  }),
  oauthAttempt: t.prismaField({
    description: 'The attempt with this id. Null if it does not exist or you do not have access to it.',
    type: OAuthAttempt,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, { prisma }) =>
      prisma.oAuthAttempt.findUnique({ ...query, where: { id: decodeIdOrNone('OAuthAttempt', id) } }),
  }),
}));

builder.mutationField('startOAuth', (t) =>
  t.field({
    description:
      'Starts an attempt to connect a mailbox by signing in at a provider. Open `url` in a browser, or send it to the owner of the mailbox, and subscribe to `oauthAttempt` for the result.',
    type: StartedOAuth,
    args: { input: t.arg({ type: StartOAuthInput, required: true }) },
    resolve: (_root, { input }, { services, tenantId }) =>
      services.signIns.start(tenantId, {
        provider: input.provider,
        emailAddress: input.emailAddress ?? null,
        isShared: input.isShared,
        accountId: input.accountId == null ? null : requireId('EmailAccount', input.accountId),
        returnTo: input.returnTo ?? null,
      }),
  }),
);

const POLL_MS = 1000;

/** Yields the attempt's id when it begins, and after each change until it cannot change any more. */
async function* changes({ prisma }: GraphQLContext, id: string, signal: AbortSignal): AsyncGenerator<{ id: string }> {
  let last: Pick<AttemptRow, 'status' | 'errorCode'> | null = null;
  while (!signal.aborted) {
    const now = await prisma.oAuthAttempt.findUnique({
      where: { id },
      select: { status: true, errorCode: true, expiresAt: true },
    });
    if (!now) return;
    if (now.status !== last?.status || now.errorCode !== last.errorCode) yield { id };
    if (now.status === 'SUCCEEDED' || now.expiresAt < new Date()) return;
    last = now;
    await pause(POLL_MS, undefined, { signal, ref: false }).catch(() => {});
  }
}

builder.subscriptionField('oauthAttempt', (t) =>
  t.prismaField({
    description: 'Sends the attempt now and after each change. Completes once it has succeeded or expired.',
    type: OAuthAttempt,
    args: { id: t.arg.id({ required: true }) },
    subscribe: (_root, { id }, context) => {
      const attemptId = requireId('OAuthAttempt', id);
      return abortable(context.signal, (ended) => changes(context, attemptId, ended));
    },
    resolve: async (query, { id }, _args, { prisma }) =>
      found(await prisma.oAuthAttempt.findUnique({ ...query, where: { id } })),
  }),
);

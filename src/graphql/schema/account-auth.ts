import { ERRORS, type ErrorCode } from '../../errors.ts';
import type { EmailAccount as AccountRow, OAuthGrant } from '../../generated/prisma/client.ts';
import { builder } from '../builder.ts';

/** How an account logs in, and what is wrong with it. */
export interface AccountAuth extends Pick<AccountRow, 'needsAuthSince' | 'lastSyncErrorCode'> {
  readonly grant: Pick<OAuthGrant, 'provider' | 'emailAddress' | 'scopes' | 'deadReason' | 'refreshExpiresAt'> | null;
}

type Action = 'NONE' | 'ENTER_CREDENTIALS' | 'SIGN_IN' | 'ASK_ADMINISTRATOR' | 'WAIT_FOR_OPERATOR';

const EmailAccountAuthAction = builder.enumType('EmailAccountAuthAction', {
  description: 'Who has to act so that the account can log in.',
  values: {
    NONE: { description: 'Nobody. Temporary problems pass without anybody.' },
    ENTER_CREDENTIALS: { description: 'A person enters new credentials with `updateEmailAccount`.' },
    SIGN_IN: { description: 'The owner of the mailbox signs in again: `startOAuth` with `accountId`.' },
    ASK_ADMINISTRATOR: {
      description:
        'The administrator of the organization approves this installation (`adminConsentUrl` of the provider), then the owner signs in again.',
    },
    WAIT_FOR_OPERATOR: {
      description:
        'The operator of this installation corrects the registration at the provider. The account then resumes.',
    },
  } as const,
});

/** Returns the code of what keeps the account from logging in, or null. */
function problemOf({ grant, needsAuthSince, lastSyncErrorCode }: AccountAuth): ErrorCode | null {
  if (grant?.deadReason != null) return known(grant.deadReason) ?? 'OAUTH_GRANT_ENDED';
  const code = lastSyncErrorCode === null ? null : known(lastSyncErrorCode);
  if (needsAuthSince !== null) return code ?? (grant ? 'OAUTH_GRANT_ENDED' : 'IMAP_AUTH_FAILED');
  return code === 'OAUTH_PROVIDER_MISCONFIGURED' ? code : null;
}

const known = (code: string): ErrorCode | null => (Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : null);

export function actionOf(account: AccountAuth): Action {
  const problem = problemOf(account);
  if (problem === null) return 'NONE';
  if (problem === 'OAUTH_PROVIDER_MISCONFIGURED') return 'WAIT_FOR_OPERATOR';
  if (account.grant === null) return 'ENTER_CREDENTIALS';
  return problem === 'OAUTH_ADMIN_REQUIRED' ? 'ASK_ADMINISTRATOR' : 'SIGN_IN';
}

const EmailAccountAuthProblem = builder.objectRef<{ code: ErrorCode }>('EmailAccountAuthProblem').implement({
  fields: (t) => ({
    code: t.exposeString('code', { description: 'A stable code.' }),
    message: t.string({
      description: 'What happened and what to do, as a sentence.',
      resolve: ({ code }) => ERRORS[code].sentence,
    }),
  }),
});

export const EmailAccountAuth = builder.objectRef<AccountAuth>('EmailAccountAuth').implement({
  description: 'How an account logs in.',
  fields: (t) => ({
    method: t.field({
      type: builder.enumType('EmailAccountAuthMethod', {
        values: {
          CREDENTIALS: { description: 'A stored password or access token.' },
          OAUTH: { description: 'A sign-in at a provider, which Mailtide renews.' },
        } as const,
      }),
      resolve: ({ grant }) => (grant ? ('OAUTH' as const) : ('CREDENTIALS' as const)),
    }),
    provider: t.string({
      nullable: true,
      description: 'The id of the provider; null without a sign-in.',
      resolve: ({ grant }) => grant?.provider ?? null,
    }),
    identity: t.string({
      nullable: true,
      description: 'Who has signed in; null without a sign-in. For a shared mailbox, this is another address.',
      resolve: ({ grant }) => grant?.emailAddress ?? null,
    }),
    scopes: t.stringList({ description: 'What was granted.', resolve: ({ grant }) => grant?.scopes ?? [] }),
    endsAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the sign-in ends, if the provider announces it: at Google, sign-ins of a project in testing end after 7 days.',
      resolve: ({ grant }) => grant?.refreshExpiresAt ?? null,
    }),
    problem: t.field({
      type: EmailAccountAuthProblem,
      nullable: true,
      description: 'What keeps the account from logging in; null if nothing is known.',
      resolve: (account) => {
        const code = problemOf(account);
        return code && { code };
      },
    }),
    action: t.field({ type: EmailAccountAuthAction, resolve: actionOf }),
  }),
});

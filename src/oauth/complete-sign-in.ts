import type { Pool } from 'pg';
import { parseInput, suggestion } from '../accounts/account-input.ts';
import type { Accounts } from '../accounts/accounts.ts';
import { type GrantedMailbox, insertGrantedAccount, reconnectGrantedAccount } from '../accounts/grant-account.ts';
import type { Keyring } from '../accounts/keyring.ts';
import { seal } from '../accounts/seal.ts';
import { newId } from '../domain/ids.ts';
import { MailtideError } from '../errors.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { accountOfMailbox } from '../store/accounts/account-of-mailbox.ts';
import { finishAttempt, type TakenAttempt } from '../store/oauth/attempts.ts';
import { lockGrant, putGrant } from '../store/oauth/grants.ts';
import { inTransaction } from '../store/plumbing/sql.ts';
import type { OAuthProvider } from './provider.ts';
import { grantsMail, type Identity, isSameMailbox, type TokenAnswer } from './token-answer.ts';

export interface CompletionOptions {
  readonly database: { readonly prisma: PrismaClient; readonly pool: Pool };
  readonly keyring: Keyring;
  readonly accounts: Pick<Accounts, 'verify'>;
  /** The interval of accounts that have none configured. */
  readonly intervalMinutes: number;
  readonly stopSync: (accountId: string) => Promise<void>;
  readonly onChange: (tenantId: string, accountId: string) => void;
  readonly startSync: (tenantId: string, accountId: string) => Promise<void>;
}

export interface ConnectedMailbox {
  readonly accountId: string;
  readonly emailAddress: string;
}

/** The account that a sign-in is for. */
interface Target {
  readonly id: string;
  readonly imapHost: string;
  readonly imapUsername: string;
  readonly grant: { readonly issuer: string; readonly subject: string } | null;
}

/**
 * Connects the mailbox of a person who has signed in: checks what was granted and by whom, tests the login, and stores
 * grant, account and the end of the attempt together. The first sync then begins.
 * @throws OAUTH_SCOPE_MISSING, OAUTH_NO_REFRESH_TOKEN, OAUTH_WRONG_ACCOUNT, OAUTH_ANSWER_INVALID, OAUTH_LOGIN_REFUSED,
 *   ACCOUNT_EXISTS, NOT_FOUND if the account to reconnect is gone, and the codes of a connection test
 */
export async function completeSignIn(
  attempt: TakenAttempt,
  provider: OAuthProvider,
  answer: TokenAnswer,
  options: CompletionOptions,
): Promise<ConnectedMailbox> {
  const { database, keyring, accounts, intervalMinutes, stopSync, onChange, startSync } = options;
  const { tenantId } = attempt;
  if (!grantsMail(answer, provider.mailScope)) throw new MailtideError('OAUTH_SCOPE_MISSING');
  const { accessToken, refreshToken, accessSeconds, refreshSeconds, identity } = answer;
  if (refreshToken === null) throw new MailtideError('OAUTH_NO_REFRESH_TOKEN');

  const target = attempt.accountId === null ? null : await accountOf(database.prisma, tenantId, attempt.accountId);
  const emailAddress = mailboxOf(attempt, target, identity);
  const { imap } = provider;
  await testLogin(accounts, tenantId, { imap: { ...imap, username: null }, username: emailAddress, accessToken });

  const grant = {
    tenantId,
    provider: provider.id,
    issuer: identity?.issuer ?? provider.server.issuer,
    subject: identity?.subject ?? emailAddress,
    emailAddress: identity?.emailAddress ?? emailAddress,
    scopes: [...(answer.scopes ?? provider.scopes)],
  };
  const { accountId, endsSync } = await inTransaction(database.pool, async (tx) => {
    const grantId = await lockGrant(tx, { ...grant, id: newId() });
    await putGrant(
      tx,
      { ...grant, id: grantId },
      {
        refreshToken: seal(keyring, grantId, refreshToken),
        accessToken: seal(keyring, grantId, accessToken),
        accessSeconds,
        refreshSeconds,
      },
    );
    const mailbox: GrantedMailbox = { tenantId, grantId, emailAddress, imap };
    const existing = target?.id ?? (await accountOfMailbox(tx, tenantId, emailAddress, imap.host));
    const done = existing
      ? { accountId: existing, ...(await reconnectGrantedAccount(tx, existing, mailbox, intervalMinutes)) }
      : { accountId: await insertGrantedAccount(tx, mailbox, intervalMinutes), endsSync: false };
    await finishAttempt(tx, attempt.id, done.accountId);
    return done;
  });
  // After the commit, so that no run can start with the old login.
  if (endsSync) await stopSync(accountId);
  onChange(tenantId, accountId);
  await startSync(tenantId, accountId);
  return { accountId, emailAddress };
}

async function accountOf(prisma: PrismaClient, tenantId: string, id: string): Promise<Target> {
  const account = await prisma.emailAccount.findFirst({
    where: { id, tenantId },
    select: { id: true, imapHost: true, imapUsername: true, grant: { select: { issuer: true, subject: true } } },
  });
  if (!account) throw new MailtideError('NOT_FOUND');
  return account;
}

/**
 * Returns the mailbox to connect. The person must be its owner, unless the caller said that it is shared, or the same
 * person signed in for this account before: only the login test can tell who else has access.
 */
function mailboxOf(attempt: TakenAttempt, target: Target | null, identity: Identity | null): string {
  const wanted = target?.imapUsername ?? attempt.emailAddress;
  const person = identity?.emailAddress ?? null;
  if (wanted === null) {
    if (person === null) throw new MailtideError('OAUTH_ANSWER_INVALID');
    return parseInput(suggestion, { emailAddress: person }).emailAddress;
  }
  const isKnown = target?.grant?.issuer === identity?.issuer && target?.grant?.subject === identity?.subject;
  if (attempt.isShared || person === null || isKnown || isSameMailbox(person, wanted)) return wanted;
  throw new MailtideError('OAUTH_WRONG_ACCOUNT', {
    message: `You signed in as ${person}, but the mailbox to connect is ${wanted}. Sign in as ${wanted}.`,
  });
}

async function testLogin(
  accounts: Pick<Accounts, 'verify'>,
  tenantId: string,
  { accessToken, ...server }: Omit<Parameters<Accounts['verify']>[1], 'credentials'> & { accessToken: string },
): Promise<void> {
  try {
    await accounts.verify(tenantId, { ...server, credentials: { accessToken } });
  } catch (error) {
    // The token is new, so the password's sentence would mislead.
    if (error instanceof MailtideError && error.code === 'IMAP_AUTH_FAILED') {
      throw new MailtideError('OAUTH_LOGIN_REFUSED', { cause: error });
    }
    throw error;
  }
}

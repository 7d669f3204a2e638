import type { Pool } from 'pg';
import { isId, newId } from '../domain/ids.ts';
import { firstDue } from '../domain/schedule.ts';
import { MailtideError } from '../errors.ts';
import type { EmailAccount, PrismaClient } from '../generated/prisma/client.ts';
import type { OpenImapOptions } from '../imap/open-connection.ts';
import type { HostPolicy } from '../net/resolve-host.ts';
import { type AccountPatch, changeAccount } from '../store/accounts/change-account.ts';
import { deleteAccount } from '../store/accounts/delete-account.ts';
import { insertAccount } from '../store/accounts/insert-account.ts';
import { inTransaction } from '../store/plumbing/sql.ts';
import {
  type ConnectionInput,
  type CreateAccountInput,
  createAccount,
  parseInput,
  type UpdateAccountInput,
  updateAccount,
} from './account-input.ts';
import {
  type ConnectionAttempt,
  type ConnectionTest,
  type TestOptions,
  testConnection,
  tryConnection,
} from './connection-test.ts';
import { sealCredentials } from './credentials.ts';
import type { Keyring } from './keyring.ts';
import type { Logins } from './logins.ts';
import { type ServerSuggestion, suggestServer } from './suggest-server.ts';
import { TestTurns } from './test-turns.ts';

/** The accounts of all tenants. Every method rejects with NOT_FOUND for another tenant's account or an invalid id. */
export interface Accounts {
  /**
   * Connects an account, after a connection test unless `verify` is false. Does not start a sync.
   * @throws BAD_USER_INPUT, ACCOUNT_EXISTS, or the code and sentence of the failed test
   */
  create(tenantId: string, input: CreateAccountInput, signal?: AbortSignal): Promise<EmailAccount>;
  /** Changes the given fields. Tests a changed connection first, unless `verify` is false. @throws as `create` */
  update(tenantId: string, id: string, input: UpdateAccountInput, signal?: AbortSignal): Promise<EmailAccount>;
  /** Deletes the account with all its stored data. Changes nothing on its server. */
  delete(tenantId: string, id: string): Promise<void>;
  /** Tests a validated connection in the tenant's turn. @throws the code and sentence of the failed test */
  verify(tenantId: string, attempt: ConnectionAttempt, signal?: AbortSignal): Promise<void>;
  /** Tests a connection without storing anything. Rejects only for internal errors. */
  test(tenantId: string, input: ConnectionInput, signal?: AbortSignal): Promise<ConnectionTest>;
  /**
   * Returns the likely server of an address, from its domain, the provider table or DNS.
   * @throws BAD_USER_INPUT, TOO_MANY_CONNECTION_TESTS
   */
  suggest(tenantId: string, emailAddress: string): Promise<ServerSuggestion | null>;
}

export interface AccountsOptions {
  readonly database: { readonly prisma: PrismaClient; readonly pool: Pool };
  readonly keyring: Keyring;
  readonly policy: HostPolicy;
  readonly logins: Pick<Logins, 'credentialsOf'>;
  /** The interval of accounts that have none configured. */
  readonly intervalMinutes: number;
  /** Stops the account's run, before it is deleted and when it is paused. */
  readonly stopSync: (accountId: string) => Promise<void>;
  /** Notifies subscribers that the account was added, changed or deleted. */
  readonly onChange: (tenantId: string, accountId: string) => void;
  /** Options for connection tests. */
  readonly imap?: Pick<OpenImapOptions, 'logger' | 'tls'>;
}

/** A user who waits for longer types the server. */
const SUGGESTION_WAIT_MS = 5000;

export function createAccounts(options: AccountsOptions): Accounts {
  const { database, keyring, policy, logins, intervalMinutes, stopSync, onChange, imap = {} } = options;
  const { prisma, pool } = database;

  async function ownAccount(tenantId: string, id: string): Promise<EmailAccount> {
    const account = isId(id) ? await prisma.emailAccount.findFirst({ where: { id, tenantId } }) : null;
    if (!account) throw new MailtideError('NOT_FOUND');
    return account;
  }

  const turns = new TestTurns();
  // Separate from the tests, because a suggestion is requested while the user is still typing.
  const suggestionTurns = new TestTurns();

  const testOptions = (tenantId: string, signal?: AbortSignal): TestOptions => ({
    ...imap,
    ...(signal ? { signal } : {}),
    inTurn: (whole, work) => turns.take(tenantId, whole, work),
  });

  async function verifyConnection(tenantId: string, attempt: ConnectionAttempt, signal?: AbortSignal): Promise<void> {
    const { code, message } = await tryConnection(attempt, policy, testOptions(tenantId, signal));
    if (code) throw new MailtideError(code, { message });
  }

  return {
    async create(tenantId, input, signal) {
      const { emailAddress, displayName, imap: server, credentials, ...rest } = parseInput(createAccount, input);
      const username = server.username ?? emailAddress;
      // Fails before the connection test. insertAccount detects an account that is created meanwhile.
      const existing = await prisma.emailAccount.findFirst({ where: { tenantId, emailAddress }, select: { id: true } });
      if (existing) throw new MailtideError('ACCOUNT_EXISTS', { accountId: existing.id });
      if (rest.verify) await verifyConnection(tenantId, { imap: server, username, credentials }, signal);
      const id = newId();
      await inTransaction(pool, (tx) =>
        insertAccount(tx, {
          id,
          tenantId,
          emailAddress,
          displayName: displayName ?? null,
          imapHost: server.host,
          imapPort: server.port,
          imapSecurity: server.security,
          imapUsername: username,
          credentials: sealCredentials(keyring, id, credentials),
          grantId: null,
          isActive: rest.isActive,
          syncIntervalMinutes: rest.syncIntervalMinutes ?? null,
          nextSyncAt: rest.isActive
            ? firstDue(new Date(), rest.syncIntervalMinutes ?? intervalMinutes, Math.random())
            : null,
        }),
      );
      onChange(tenantId, id);
      return ownAccount(tenantId, id);
    },

    async update(tenantId, id, input, signal) {
      const account = await ownAccount(tenantId, id);
      const {
        displayName,
        imap: server,
        credentials,
        syncIntervalMinutes,
        isActive,
        verify,
      } = parseInput(updateAccount, input);
      if (server && !credentials) requireSamePlace(account, server);
      const next = {
        host: server?.host ?? account.imapHost,
        port: server?.port ?? account.imapPort,
        security: server?.security ?? account.imapSecurity,
        username: server?.username ?? account.imapUsername,
      };
      if (verify && (server || credentials)) {
        const secret = credentials ?? (await logins.credentialsOf(account));
        await verifyConnection(tenantId, { imap: next, username: next.username, credentials: secret }, signal);
      }
      const patch: AccountPatch = {
        ...(displayName === undefined ? {} : { displayName }),
        ...(syncIntervalMinutes === undefined ? {} : { syncIntervalMinutes }),
        ...(isActive == null ? {} : { isActive }),
        ...(server || credentials
          ? {
              login: {
                ...(server
                  ? {
                      imapHost: next.host,
                      imapPort: next.port,
                      imapSecurity: next.security,
                      imapUsername: next.username,
                    }
                  : {}),
                ...(credentials ? { credentials: sealCredentials(keyring, id, credentials) } : {}),
              },
            }
          : {}),
      };
      const { endsSync } = await inTransaction(pool, (tx) =>
        changeAccount(tx, { tenantId, id }, patch, intervalMinutes),
      );
      // After the change, so that no run can start with the old settings.
      if (endsSync) await stopSync(id);
      onChange(tenantId, id);
      return ownAccount(tenantId, id);
    },

    async delete(tenantId, id) {
      await ownAccount(tenantId, id);
      await stopSync(id);
      if (!(await deleteAccount(pool, { tenantId, id }))) throw new MailtideError('NOT_FOUND');
      onChange(tenantId, id);
    },

    verify: verifyConnection,

    test: (tenantId, input, signal) => testConnection(input, policy, testOptions(tenantId, signal)),

    suggest: (tenantId, emailAddress) =>
      suggestionTurns.take(tenantId, AbortSignal.timeout(SUGGESTION_WAIT_MS), () =>
        suggestServer(emailAddress, policy),
      ),
  };
}

/** Prevents sending the stored password to a server for which its owner did not enter it, or without encryption. */
function requireSamePlace(account: EmailAccount, { host, security }: { host: string; security: string }): void {
  const unprotected = security === 'NONE' && account.imapSecurity !== 'NONE';
  if (host === account.imapHost && !unprotected) return;
  throw new MailtideError('BAD_USER_INPUT', {
    message: 'credentials: must be entered again if the host changes or the encryption is removed.',
  });
}

import { newId } from '../domain/ids.ts';
import type { ConnectionSecurity } from '../domain/imap-types.ts';
import { firstDue } from '../domain/schedule.ts';
import { changeAccount } from '../store/accounts/change-account.ts';
import { insertAccount } from '../store/accounts/insert-account.ts';
import type { Transaction } from '../store/plumbing/sql.ts';

/** A mailbox at a provider to which a grant gives access. */
export interface GrantedMailbox {
  readonly tenantId: string;
  readonly grantId: string;
  readonly emailAddress: string;
  readonly imap: { readonly host: string; readonly port: number; readonly security: ConnectionSecurity };
}

/**
 * Connects a mailbox as a new account, due at once.
 * @param intervalMinutes the interval of accounts that have none configured
 * @returns the account's id
 * @throws ACCOUNT_EXISTS
 */
export async function insertGrantedAccount(
  tx: Transaction,
  { tenantId, grantId, emailAddress, imap }: GrantedMailbox,
  intervalMinutes: number,
): Promise<string> {
  const id = newId();
  await insertAccount(tx, {
    id,
    tenantId,
    emailAddress,
    displayName: null,
    imapHost: imap.host,
    imapPort: imap.port,
    imapSecurity: imap.security,
    imapUsername: emailAddress,
    credentials: null,
    grantId,
    isActive: true,
    syncIntervalMinutes: null,
    nextSyncAt: firstDue(new Date(), intervalMinutes, Math.random()),
  });
  return id;
}

/**
 * Lets an account log in with a grant from now on. It keeps its mail and its timeline.
 * @returns whether a running sync has to end
 * @throws NOT_FOUND for an account that is not the tenant's
 */
export function reconnectGrantedAccount(
  tx: Transaction,
  accountId: string,
  { tenantId, grantId, emailAddress, imap }: GrantedMailbox,
  intervalMinutes: number,
): Promise<{ endsSync: boolean }> {
  const server = { imapHost: imap.host, imapPort: imap.port, imapSecurity: imap.security };
  return changeAccount(
    tx,
    { tenantId, id: accountId },
    { login: { ...server, imapUsername: emailAddress, grantId } },
    intervalMinutes,
  );
}

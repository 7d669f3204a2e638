import { MailtideError } from '../../errors.ts';
import type { EmailAccount } from '../../generated/prisma/client.ts';
import { genesisHash } from '../../timeline/chain.ts';
import { namedStatement } from '../plumbing/named-statement.ts';
import type { Sql, Transaction } from '../plumbing/sql.ts';
import { appendEvents } from '../timeline/append-events.ts';

/** Has either credentials or a grant. */
export type NewAccount = Pick<
  EmailAccount,
  | 'id'
  | 'tenantId'
  | 'emailAddress'
  | 'displayName'
  | 'imapHost'
  | 'imapPort'
  | 'imapSecurity'
  | 'imapUsername'
  | 'credentials'
  | 'grantId'
  | 'isActive'
  | 'syncIntervalMinutes'
  | 'nextSyncAt'
>;

/**
 * Writes the account's row and the first event of its timeline, together.
 * @throws ACCOUNT_EXISTS if the tenant already has the address
 */
export async function insertAccount(tx: Transaction, account: NewAccount): Promise<void> {
  const inserted = await tx.query(
    INSERT_ACCOUNT.text,
    INSERT_ACCOUNT.values({ ...account, eventHash: genesisHash(account.id) }),
  );
  if (inserted.length === 0) throw await accountExists(tx, account);
  const { emailAddress, imapHost } = account;
  await appendEvents(tx, account.id, [{ type: 'account_connected', payload: { emailAddress, imapHost } }]);
}

const INSERT_ACCOUNT = namedStatement(`
  INSERT INTO email_account (id, tenant_id, email_address, display_name, imap_host, imap_port, imap_security,
    imap_username, credentials, grant_id, is_active, sync_interval_minutes, event_hash, next_sync_at, updated_at)
  VALUES (@id, @tenantId, @emailAddress, @displayName, @imapHost, @imapPort, @imapSecurity::"ImapSecurity",
    @imapUsername, @credentials, @grantId, @isActive, @syncIntervalMinutes, @eventHash, @nextSyncAt, now())
  ON CONFLICT (tenant_id, email_address) DO NOTHING
  RETURNING id`);

async function accountExists(tx: Sql, { tenantId, emailAddress }: NewAccount): Promise<MailtideError> {
  const [existing] = await tx.query<{ id: string }>(
    'SELECT id FROM email_account WHERE tenant_id = $1 AND email_address = $2',
    [tenantId, emailAddress],
  );
  return new MailtideError('ACCOUNT_EXISTS', { accountId: existing?.id });
}

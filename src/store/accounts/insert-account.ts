import type { Pool } from 'pg';
import { MailtideError } from '../../errors.ts';
import type { EmailAccount } from '../../generated/prisma/client.ts';
import { genesisHash } from '../../timeline/chain.ts';
import { inTransaction, type Sql } from '../plumbing/sql.ts';
import { appendEvents } from '../timeline/append-events.ts';

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
  | 'isActive'
  | 'syncIntervalMinutes'
  | 'nextSyncAt'
>;

/**
 * Writes the account's row and the first event of its timeline, together.
 * @throws ACCOUNT_EXISTS if the tenant already has the address
 */
export async function insertAccount(pool: Pool, account: NewAccount): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const inserted = await tx.query(
      `INSERT INTO email_account (id, tenant_id, email_address, display_name, imap_host, imap_port, imap_security,
         imap_username, credentials, is_active, sync_interval_minutes, event_hash, next_sync_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7::"ImapSecurity", $8, $9, $10, $11, $12, $13, now())
       ON CONFLICT (tenant_id, email_address) DO NOTHING
       RETURNING id`,
      [
        account.id,
        account.tenantId,
        account.emailAddress,
        account.displayName,
        account.imapHost,
        account.imapPort,
        account.imapSecurity,
        account.imapUsername,
        account.credentials,
        account.isActive,
        account.syncIntervalMinutes,
        genesisHash(account.id),
        account.nextSyncAt,
      ],
    );
    if (inserted.length === 0) throw await accountExists(tx, account);
    const { emailAddress, imapHost } = account;
    await appendEvents(tx, account.id, [{ type: 'account_connected', payload: { emailAddress, imapHost } }]);
  });
}

async function accountExists(tx: Sql, { tenantId, emailAddress }: NewAccount): Promise<MailtideError> {
  const [existing] = await tx.query<{ id: string }>(
    'SELECT id FROM email_account WHERE tenant_id = $1 AND email_address = $2',
    [tenantId, emailAddress],
  );
  return new MailtideError('ACCOUNT_EXISTS', { accountId: existing?.id });
}

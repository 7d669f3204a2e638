import type { Transaction } from '../plumbing/sql.ts';

/** Returns the id of the tenant's account of a mailbox at this server, or null. */
export async function accountOfMailbox(
  tx: Transaction,
  tenantId: string,
  emailAddress: string,
  imapHost: string,
): Promise<string | null> {
  const [account] = await tx.query<{ id: string }>(
    'SELECT id FROM email_account WHERE tenant_id = $1 AND email_address = $2 AND imap_host = $3',
    [tenantId, emailAddress, imapHost],
  );
  return account?.id ?? null;
}

import { insertAccount } from '../../src/accounts/insert-account.ts';
import { newId } from '../../src/domain/ids.ts';
import type { Database } from '../../src/store/database.ts';

/** A new tenant's account that no server stands behind, for what happens between rows only. */
export async function insertTestAccount({ prisma, pool }: Database): Promise<{ tenantId: string; accountId: string }> {
  const [tenantId, accountId] = [newId(), newId()];
  await prisma.tenant.create({ data: { id: tenantId, name: tenantId } });
  await insertAccount(pool, {
    id: accountId,
    tenantId,
    emailAddress: `${accountId}@example.com`,
    displayName: null,
    imapHost: '127.0.0.1',
    imapPort: 143,
    imapSecurity: 'NONE',
    imapUsername: accountId,
    credentials: '',
    isActive: true,
    syncIntervalMinutes: null,
    nextSyncAt: null,
  });
  return { tenantId, accountId };
}

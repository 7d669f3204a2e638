import { newId } from '../../src/domain/ids.ts';
import type { EmailAccount } from '../../src/generated/prisma/client.ts';
import { insertAccount } from '../../src/store/accounts/insert-account.ts';
import type { Database } from '../../src/store/plumbing/database.ts';
import { inTransaction } from '../../src/store/plumbing/sql.ts';

/** Inserts a new tenant's account without a server behind it, for tests of rows alone. */
export async function insertTestAccount(database: Database): Promise<{ tenantId: string; accountId: string }> {
  const tenantId = newId();
  const [accountId] = await insertTestAccounts(database, tenantId, { count: 1 });
  return { tenantId, accountId: accountId! };
}

/** Inserts many of them for a tenant, which is created if it does not exist. Returns their ids. */
export async function insertTestAccounts(
  { prisma, pool }: Database,
  tenantId: string,
  { count, needsAuthSince, ...row }: { count: number } & Partial<EmailAccount>,
): Promise<string[]> {
  await prisma.tenant.upsert({ where: { id: tenantId }, create: { id: tenantId, name: tenantId }, update: {} });
  const ids = Array.from({ length: count }, newId);
  for (const id of ids) {
    await inTransaction(pool, (tx) =>
      insertAccount(tx, {
        id,
        tenantId,
        emailAddress: `${id}@example.com`,
        displayName: null,
        imapHost: '127.0.0.1',
        imapPort: 143,
        imapSecurity: 'NONE',
        imapUsername: id,
        credentials: '',
        grantId: null,
        isActive: true,
        syncIntervalMinutes: null,
        nextSyncAt: null,
        ...row,
      }),
    );
  }
  if (needsAuthSince) await prisma.emailAccount.updateMany({ where: { id: { in: ids } }, data: { needsAuthSince } });
  return ids;
}

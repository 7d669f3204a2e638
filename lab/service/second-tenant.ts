import { openDatabase } from '../../src/store/plumbing/database.ts';
import { addTenant } from '../../src/store/tenancy/tenants.ts';

/** Adds a tenant to the database of a running service, and returns its key. */
export async function addSecondTenant(databaseUrl: string): Promise<string> {
  const database = await openDatabase({ url: databaseUrl, dataDir: '' });
  try {
    return await addTenant(database.prisma, 'stranger');
  } finally {
    await database.close();
  }
}

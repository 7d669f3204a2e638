import { openDatabase } from '../../src/store/plumbing/database.ts';
import { addTenant } from '../../src/store/tenancy/tenants.ts';

/** The key of a new tenant on the database of a service that runs. */
export async function addSecondTenant(databaseUrl: string): Promise<string> {
  const database = await openDatabase({ url: databaseUrl, dataDir: '' });
  try {
    return await addTenant(database.prisma, 'stranger');
  } finally {
    await database.close();
  }
}

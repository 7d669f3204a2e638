import { readConfig } from './config.ts';
import { migrateDatabase } from './store/plumbing/database.ts';

/**
 * `npm run migrate`: migrates the schema, as every start does, and exits. For deployments that migrate before the first
 * new node starts. It may run concurrently with itself and with starting nodes.
 */
try {
  const config = readConfig(process.env);
  const applied = await migrateDatabase({ url: config.DATABASE_URL, dataDir: config.DATA_DIR });
  for (const name of applied) console.log(`applied ${name}`);
  if (applied.length === 0) console.log('The database schema is up to date.');
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

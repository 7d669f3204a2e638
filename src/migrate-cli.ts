import { readConfig } from './config.ts';
import { migrateDatabase } from './store/plumbing/database.ts';

/**
 * `npm run migrate`: brings the schema up to date, as every start does, and ends. For deployments that want to see that
 * done before the first new node starts; any number of nodes and of these may run at once.
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

import { Client } from 'pg';
import { openEmbedded } from '../../src/store/embedded/open-embedded.ts';

/** Inserts 1, 2, 3, ... into the table `note` of an embedded database, and prints each once it is committed. */
const { socketDir } = await openEmbedded(process.argv[2]!);
const client = new Client({ host: socketDir, user: 'postgres', database: 'postgres' });
await client.connect();
for (let n = 1; ; n += 1) {
  await client.query('INSERT INTO note VALUES ($1)', [n]);
  process.stdout.write(`${n}\n`);
}

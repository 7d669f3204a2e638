import { PGlite } from '@electric-sql/pglite';

/**
 * Creates the files of a new embedded database, in a process of its own: initdb takes some 500 MB, which a service that
 * continues would keep. The process also ends if its parent dies. Usage: node create-cluster.ts DIRECTORY
 */
const directory = process.argv[2];
if (!directory) throw new Error('usage: create-cluster.ts DIRECTORY');
process.stdin.once('end', () => process.exit(1)).resume();
const pglite = await PGlite.create({ dataDir: directory });
await pglite.close();
process.exit(0);

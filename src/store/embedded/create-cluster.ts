import { PGlite } from '@electric-sql/pglite';

/**
 * Makes the files of a new embedded database, in a process of its own that ends: initdb takes some 500 MB once, which
 * a service that goes on would keep. It also ends when whoever waits for it dies. Usage: node create-cluster.ts DIRECTORY
 */
const directory = process.argv[2];
if (!directory) throw new Error('usage: create-cluster.ts DIRECTORY');
process.stdin.once('end', () => process.exit(1)).resume();
const pglite = await PGlite.create({ dataDir: directory });
await pglite.close();
process.exit(0);

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import type { MigrationList } from '@prisma/schema-engine-wasm';
import { SchemaEngine } from '@prisma/schema-engine-wasm';
import type { PoolConfig } from 'pg';

/**
 * Applies prisma/migrations with Prisma's own schema engine (WASM), the same on the embedded database and on a server:
 * `node src/store/plumbing/migrate.ts`, with a PoolConfig as JSON on standard input (it may hold a password: never in
 * argv). A process of its own, because the engine takes 100 MB and leaves a timer of 10 s behind.
 */
const MIGRATIONS = new URL('../../../prisma/migrations/', import.meta.url).pathname;

/** All tables and enums are Prisma's. */
export const NO_FILTER = { externalTables: [], externalEnums: [] };

export async function openSchemaEngine(connection: PoolConfig): Promise<SchemaEngine> {
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(connection));
  return SchemaEngine.new({ datamodels: undefined }, () => {}, adapter);
}

export function listMigrations(): MigrationList {
  const names = readdirSync(MIGRATIONS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return {
    baseDir: MIGRATIONS,
    lockfile: { path: 'migration_lock.toml', content: readFileSync(join(MIGRATIONS, 'migration_lock.toml'), 'utf8') },
    shadowDbInitScript: '',
    migrationDirectories: names.map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: readFileSync(join(MIGRATIONS, name, 'migration.sql'), 'utf8') },
      },
    })),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const engine = await openSchemaEngine(JSON.parse(await text(process.stdin)) as PoolConfig);
  const { appliedMigrationNames } = await engine.applyMigrations({
    migrationsList: listMigrations(),
    filters: NO_FILTER,
  });
  for (const name of appliedMigrationNames) console.log(name);
  process.exit(0);
}

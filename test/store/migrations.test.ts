import { readFileSync } from 'node:fs';
import type { DiffParams, SchemaEngine } from '@prisma/schema-engine-wasm';
import { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { EMPTY, postgres } from '../../lab/servers/shared-servers.ts';
import { openDatabase } from '../../src/store/plumbing/database.ts';
import { NO_FILTER, openSchemaEngine } from '../../src/store/plumbing/migrate.ts';

/** Parts that the migrations create and schema.prisma cannot express. The end of the first migration explains them. */
const EXTRAS = [
  'constraint email_account_one_login',
  'function sync_run_of_tenant',
  'index message_location_email_id',
  'index message_location_message_id_idx',
  'index message_location_pending',
  'index message_location_quarantined',
  'index message_search',
  'index message_search_waiting',
  'index message_stale',
  'index sync_run_one_active',
  'index sync_run_queue',
  'storage message.search',
  'storage pack.sources',
  'storage pack.texts',
  'trigger sync_run_of_tenant',
];

const SCHEMA = readFileSync(new URL('../../prisma/schema.prisma', import.meta.url), 'utf8');

/** Everything in a database, by name. */
type Catalog = Map<string, string>;

let engine: SchemaEngine;
let migrated: Catalog;

beforeAll(async () => {
  engine = await openSchemaEngine({ connectionString: await postgres.createDatabase(EMPTY) });
  const url = await postgres.createDatabase(EMPTY);
  const database = await openDatabase({ url, dataDir: '' });
  await database.close();
  migrated = await withClient(url, catalogOf);
});

test('the migrations create what schema.prisma declares, and the extras', async () => {
  const declared = await declaredBy(SCHEMA);
  expect(declared.size).toBeGreaterThan(100);
  expect(differences(declared, migrated)).toEqual(EXTRAS);
});

test.each([
  ['a new column', 'name      String         @unique', 'name String @unique\n  motto String?', ['column tenant.motto']],
  [
    'another type',
    '@map("email_address")',
    '@map("email_address") @db.VarChar(9)',
    ['column email_account.email_address'],
  ],
  ['another default', '@default(PENDING)', '@default(STORED)', ['column message_location.state']],
  ['a nullable column', 'snippet         String', 'snippet String?', ['column message.snippet']],
  ['an additional enum value', '  SCHEDULE\n', '  SCHEDULE\n  PUSH\n', ['enum SyncTrigger']],
  [
    'another index',
    '@@index([expiresAt])',
    '@@index([tenantId])',
    ['index session_expires_at_idx', 'index session_tenant_id_idx'],
  ],
  [
    'another reaction to a deletion',
    'onDelete: SetNull',
    'onDelete: Cascade',
    ['constraint message_location_message_id_fkey'],
  ],
])('a schema.prisma with %s differs from the migrations', async (_what, from, to, expected) => {
  const changed = SCHEMA.replace(from, to);
  expect(changed).not.toBe(SCHEMA);
  expect(differences(await declaredBy(changed), migrated).filter((name) => !EXTRAS.includes(name))).toEqual(expected);
});

/** A database created from the SQL that Prisma's engine writes for a schema. */
async function declaredBy(schema: string): Promise<Catalog> {
  const params = {
    from: { tag: 'empty' },
    to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: schema }] },
    script: true,
    exitCode: null,
    shadowDatabaseUrl: null,
    filters: NO_FILTER,
  };
  const { stdout } = await engine.diff(params as unknown as DiffParams);
  return withClient(await postgres.createDatabase(EMPTY), async (client) => {
    await client.query(stdout!);
    return catalogOf(client);
  });
}

/** Names of what is in only one of the two, or differs. */
function differences(one: Catalog, other: Catalog): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((name) => one.get(name) !== other.get(name)).toSorted();
}

async function withClient<T>(connectionString: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function catalogOf(client: Client): Promise<Catalog> {
  const { rows } = await client.query<{ name: string; definition: string }>(`
    WITH class AS (
      SELECT c.* FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_prisma%'
    ), attribute AS (
      SELECT c.relname || '.' || a.attname AS name, a.*, t.typstorage FROM class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type t ON t.oid = a.atttypid
      WHERE c.relkind IN ('r', 'p', 'v')
    )
    SELECT 'column ' || a.name AS name, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
      a.attgenerated, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid)) AS definition
    FROM attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    SELECT 'storage ' || name, attstorage::text FROM attribute WHERE attstorage <> typstorage
    UNION ALL
    SELECT 'constraint ' || n.conname, c.relname || ' ' || pg_get_constraintdef(n.oid)
    FROM pg_constraint n JOIN class c ON c.oid = n.conrelid
    UNION ALL
    SELECT 'index ' || c.relname, pg_get_indexdef(c.oid) FROM class c JOIN pg_index i ON i.indexrelid = c.oid
    JOIN class t ON t.oid = i.indrelid
    UNION ALL
    SELECT 'enum ' || t.typname, string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
    FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname
    UNION ALL
    SELECT 'relation ' || relname, relkind::text || relpersistence::text FROM class WHERE relkind NOT IN ('i', 't')
    UNION ALL
    SELECT 'trigger ' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function ' || proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace`);
  return new Map(rows.map(({ name, definition }) => [name, definition]));
}

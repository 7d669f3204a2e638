import { type Client, escapeIdentifier } from 'pg';

interface Reference {
  readonly name: string;
  readonly table: string;
  readonly column: string;
  readonly target: string;
  readonly targetColumn: string;
}

/** References to rows that do not exist, by foreign key, or by column if it has none. */
export async function danglingReferences(client: Client): Promise<string[]> {
  const { rows } = await client.query<Reference>(
    `SELECT c.conname AS name, c.conrelid::regclass::text AS table, a.attname AS column,
       c.confrelid::regclass::text AS target, t.attname AS "targetColumn"
     FROM pg_constraint c
     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
     JOIN pg_attribute t ON t.attrelid = c.confrelid AND t.attnum = c.confkey[1]
     WHERE c.contype = 'f'`,
  );
  const found: string[] = [];
  for (const { name, table, column, target, targetColumn } of [...rows, ...UNDECLARED]) {
    const { rows: lost } = await client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${table} r WHERE r.${escapeIdentifier(column)} IS NOT NULL
         AND NOT EXISTS (SELECT FROM ${target} t WHERE t.${escapeIdentifier(targetColumn)} = r.${escapeIdentifier(column)})`,
    );
    if (lost[0]!.count > 0) found.push(`${name}: ${lost[0]!.count}`);
  }
  return found;
}

/** Columns without a foreign key, which would be checked for each message (prisma/schema.prisma). */
const UNDECLARED: readonly Reference[] = [
  { name: 'message.pack_id', table: 'message', column: 'pack_id', target: 'pack', targetColumn: 'id' },
  { name: 'message.text_pack_id', table: 'message', column: 'text_pack_id', target: 'pack', targetColumn: 'id' },
  { name: 'thread_reference', table: 'thread_reference', column: 'thread_id', target: 'thread', targetColumn: 'id' },
];

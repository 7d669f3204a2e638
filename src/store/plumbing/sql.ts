import pg from 'pg';

/** One SQL session: a pool's connection or a transaction. Rows have camelCase names, and int8 as bigint. */
export interface Sql {
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** The session of a transaction: what its statements write is committed, or rolled back, together. */
export interface Transaction extends Sql {
  readonly isTransaction: true;
}

const INT8 = 20;
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary'
      ? BigInt
      : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

/** node-postgres accepts the time limit per statement too. */
type Statement = pg.QueryConfig<unknown[]> & Pick<pg.ClientConfig, 'query_timeout'>;

/** @param limitMs time limit for an answer, if not the default one (database.ts) */
export function sqlOf(client: pg.Pool | pg.PoolClient, limitMs?: number): Sql {
  return {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      const statement: Statement = { text, values: values as unknown[], types, query_timeout: limitMs };
      const result = await client.query(statement);
      return result.rows.map(camelCased) as Row[];
    },
  };
}

/** A working connection answers this at once. */
const ROLLBACK: Statement = { text: 'ROLLBACK', query_timeout: 5_000 };

/**
 * Runs `work` in a transaction of its own, which is committed when it resolves and rolled back when it rejects.
 * @param limitMs time limit of each statement in it, for those that are known to take long
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (tx: Transaction) => Promise<T>,
  { limitMs }: { limitMs?: number } = {},
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    if (limitMs !== undefined) await client.query(`SET LOCAL statement_timeout = ${limitMs}`);
    const result = await work({ ...sqlOf(client, limitMs), isTransaction: true });
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query(ROLLBACK).catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    // A connection that could not even roll back must not be reused.
    client.release(broken);
  }
}

const camelNames = new Map<string, string>();

function camelCased(row: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const name in row) {
    let camel = camelNames.get(name);
    if (camel === undefined) {
      camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      camelNames.set(name, camel);
    }
    out[camel] = row[name];
  }
  return out;
}

import type pg from 'pg';
import { sqlOf } from '../plumbing/sql.ts';

/** The maintenance of a table: statistics for the planner, or the removal of dead rows. */
export interface TableCare {
  readonly table: string;
  readonly care: 'ANALYZE' | 'VACUUM';
}

/** Number of changes after which maintenance is due: a constant, plus a share of the table's rows. */
const FEW = 500;
const ANALYZE_SHARE = 0.5;
const VACUUM_SHARE = 0.2;
/**
 * Tables that users read during a first sync: they are analysed even then, each time their size has doubled. All others
 * wait until no run is running.
 */
const READ = ['message', 'message_location', 'thread'];
/**
 * A tenth of PostgreSQL's default: 3,000 rows are sampled, whatever the size of the table. That is enough to
 * distinguish a thread from a mailbox. It takes at most 200 ms, two thirds of them for the search words of messages.
 */
const STATISTICS_TARGET = 10;

/**
 * Maintains the table that needs it most. It replaces autovacuum, which the embedded database lacks. The database's own
 * counters show which table is due. They do not outlive the process, so each table is maintained once after a start.
 * @returns what was done, or null if nothing is due
 */
export async function maintainTable(pool: pg.Pool): Promise<TableCare | null> {
  const [due] = await sqlOf(pool).query<TableCare>(DUE, [FEW, ANALYZE_SHARE, VACUUM_SHARE, READ]);
  if (!due) return null;
  const table = `"${due.table}"`;
  await pool.query(
    due.care === 'VACUUM'
      ? `VACUUM ${table}`
      : `BEGIN; SET LOCAL default_statistics_target = ${STATISTICS_TARGET}; ANALYZE ${table}; COMMIT`,
  );
  return due;
}

/** Statistics come first: they take less time, and plans without them may read each row once for every other row. */
const DUE = `
  WITH tables AS (
    SELECT s.relname, greatest(c.reltuples, 0) AS rows, s.n_live_tup, s.n_mod_since_analyze, s.last_analyze,
      s.n_dead_tup, s.last_vacuum, EXISTS (SELECT FROM sync_run WHERE status = 'RUNNING') AS is_busy
    FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
    WHERE s.schemaname = 'public' AND pg_relation_size(s.relid) > 0
  )
  SELECT relname AS "table", 'ANALYZE' AS care, n_mod_since_analyze AS changes FROM tables
  WHERE CASE WHEN is_busy THEN relname = ANY ($4) AND n_live_tup > $1::int + 2 * rows
    ELSE last_analyze IS NULL OR n_mod_since_analyze > $1 + $2::float * rows END
  UNION ALL
  SELECT relname, 'VACUUM', n_dead_tup FROM tables
  WHERE NOT is_busy AND (last_vacuum IS NULL OR n_dead_tup > $1 + $3::float * rows)
  ORDER BY care, changes DESC
  LIMIT 1`;

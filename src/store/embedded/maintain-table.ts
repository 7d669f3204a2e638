import type pg from 'pg';
import { sqlOf } from '../plumbing/sql.ts';

/** What a table needs: statistics for the planner, or its dead rows made room again. */
export interface TableCare {
  readonly table: string;
  readonly care: 'ANALYZE' | 'VACUUM';
}

/** Changes since the last time that make care due: so many, and a share of the rows that there are. */
const FEW = 500;
const ANALYZE_SHARE = 0.5;
const VACUUM_SHARE = 0.2;
/**
 * What people read while a first sync goes on: analysed also then, each time that there is twice as much. All others
 * wait for a pause.
 */
const READ = ['message', 'message_location', 'thread'];
/**
 * A tenth of PostgreSQL's default: 3,000 rows are looked at, however many there are. That is enough to tell a thread
 * from a mailbox, and takes 200 ms at the most, of which the search words of messages are two thirds.
 */
const STATISTICS_TARGET = 10;

/**
 * What autovacuum does elsewhere, which the embedded database has not: looks after the table that needs it most. Its
 * own counters tell which one; they do not outlive the process, so after a start each table has its turn once.
 * @returns what was done; null when nothing is due
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

/** Statistics first: they take less, and plans without them may read each row once for every other. */
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

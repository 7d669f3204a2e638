import type { Pool } from 'pg';
import { sqlOf } from '../plumbing/sql.ts';
import type { StoredMailbox } from './mailboxes.ts';

/** What a message can be recognised by, without its bytes. */
export interface SampledLocation {
  readonly uid: number;
  readonly size: number;
  readonly internalDate: Date;
}

/** Those of these UIDs that are live and stored, with what is known of them. */
export async function locationsAmong(
  pool: Pool,
  { id, generation }: StoredMailbox,
  uids: readonly number[],
): Promise<SampledLocation[]> {
  const rows = await sqlOf(pool).query<{ uid: bigint; size: number; internalDate: Date }>(
    `SELECT uid, size, internal_date FROM message_location
     WHERE mailbox_id = $1 AND generation = $2 AND uid = ANY ($3::bigint[]) AND deleted_at IS NULL
       AND message_id IS NOT NULL AND size > 0 AND internal_date IS NOT NULL`,
    [id, generation, uids],
  );
  return rows.map((row) => ({ ...row, uid: Number(row.uid) }));
}

/** The oldest and the newest live messages of a mailbox, at most `each` of both, of which date and size are known. */
export async function sampleLocations(
  pool: Pool,
  { id, generation }: StoredMailbox,
  each: number,
): Promise<SampledLocation[]> {
  const some = (order: string): string =>
    `(SELECT uid, size, internal_date FROM message_location
      WHERE mailbox_id = $1 AND generation = $2 AND deleted_at IS NULL AND size > 0 AND internal_date IS NOT NULL
      ORDER BY uid ${order} LIMIT $3)`;
  const rows = await sqlOf(pool).query<{ uid: bigint; size: number; internalDate: Date }>(
    `${some('ASC')} UNION ${some('DESC')}`,
    [id, generation, each],
  );
  return rows.map((row) => ({ ...row, uid: Number(row.uid) }));
}

/** Of the newest live messages of a mailbox that have a Message-ID, at most `limit`, what it is. */
export async function newestMessageIds(
  pool: Pool,
  { id, generation }: StoredMailbox,
  limit: number,
): Promise<{ uid: number; messageIdHeader: string }[]> {
  const rows = await sqlOf(pool).query<{ uid: bigint; messageIdHeader: string }>(
    `SELECT l.uid, m.message_id_header FROM message_location l JOIN message m ON m.id = l.message_id
     WHERE l.mailbox_id = $1 AND l.generation = $2 AND l.deleted_at IS NULL AND m.message_id_header IS NOT NULL
     ORDER BY l.uid DESC LIMIT $3`,
    [id, generation, limit],
  );
  return rows.map((row) => ({ ...row, uid: Number(row.uid) }));
}

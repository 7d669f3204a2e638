import type { Pool } from 'pg';
import { sqlOf } from '../plumbing/sql.ts';
import type { StoredMailbox } from './mailboxes.ts';

/** Metadata by which a message can be recognised without its bytes. */
export interface SampledLocation {
  readonly uid: number;
  readonly size: number;
  readonly internalDate: Date;
}

/** Returns those of the UIDs that are present, and have a stored message, size and date. */
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

/**
 * Returns the oldest and the newest present messages of a mailbox with a known date and size, at most `each` of both.
 */
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

/** Returns the Message-IDs of at most `limit` of the newest present messages of a mailbox that have one. */
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

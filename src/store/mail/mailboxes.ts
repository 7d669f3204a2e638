import type { Pool } from 'pg';
import { newId } from '../../domain/ids.ts';
import type { ListedMailbox, MailboxSnapshot } from '../../domain/imap-types.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { namedStatement } from '../plumbing/named-statement.ts';
import { sqlOf, type Transaction } from '../plumbing/sql.ts';
import { fenced, type Lease } from '../runs/lease.ts';
import { type Counts, recordProgress } from '../runs/record-progress.ts';
import { appendEvents } from '../timeline/append-events.ts';
import { waitAfter } from './quarantine.ts';

/** A mailbox as the database holds it, with the number of messages left to fetch. */
export interface StoredMailbox {
  readonly id: string;
  readonly path: string;
  /** The server's spelling, each byte one character; null if it was not recorded. */
  readonly rawName: string | null;
  readonly objectId: string | null;
  readonly generation: number;
  readonly uidValidity: bigint | null;
  readonly uidNext: bigint | null;
  readonly highestModseq: bigint | null;
  readonly laggingModseq: bigint | null;
  readonly laggingSince: Date | null;
  readonly enumeratedUpTo: bigint;
  readonly messageCount: number;
  readonly flagSweepUid: bigint;
  readonly lastSyncedAt: Date | null;
  /** Digest of the present UIDs, as proven after the last pass; null without a proof. */
  readonly uidSetDigest: string | null;
  readonly comparedAt: Date | null;
  readonly pending: number;
  /** End of its quarantine; null if it is not quarantined, and for a time that a clock ahead of ours wrote. */
  readonly retryAt: Date | null;
  /** It has present locations of an earlier generation, left from a UIDVALIDITY change. */
  readonly hasOldGeneration: boolean;
}

export async function storedMailboxes(pool: Pool, accountId: string): Promise<StoredMailbox[]> {
  const rows = await sqlOf(pool).query<Omit<StoredMailbox, 'rawName'> & { readonly rawName: Buffer | null }>(
    `SELECT m.id, m.path, m.raw_name, m.object_id, m.generation, m.uid_validity, m.uid_next, m.highest_modseq, m.lagging_modseq, m.lagging_since, m.enumerated_up_to,
       m.message_count, m.flag_sweep_uid, m.last_synced_at,
       CASE WHEN m.retry_at <= now() + ${waitAfter('m.attempts')} THEN m.retry_at END AS retry_at,
       CASE WHEN p.synced_at = m.last_synced_at THEN p.uid_set_digest END AS uid_set_digest, p.compared_at,
       (SELECT count(*)::int FROM message_location l
        WHERE l.mailbox_id = m.id AND l.state = 'PENDING' AND l.deleted_at IS NULL) AS pending,
       m.generation > 0 AND EXISTS (SELECT 1 FROM message_location l
        WHERE l.mailbox_id = m.id AND l.generation < m.generation AND l.deleted_at IS NULL) AS has_old_generation
     FROM mailbox m LEFT JOIN mailbox_proof p ON p.mailbox_id = m.id
     WHERE m.account_id = $1 AND m.deleted_at IS NULL`,
    [accountId],
  );
  return rows.map((row) => ({ ...row, rawName: row.rawName?.toString('latin1') ?? null }));
}

const bytesOf = ({ rawName }: Pick<ListedMailbox, 'rawName'>): Buffer => Buffer.from(rawName, 'latin1');

/** Records the server's spelling of the names of stored mailboxes. */
export async function spellMailboxes(
  pool: Pool,
  lease: Lease,
  spelled: readonly Pick<ListedMailbox, 'path' | 'rawName'>[],
): Promise<void> {
  await fenced(pool, lease, (tx) =>
    tx.query(
      `UPDATE mailbox m SET raw_name = s.raw_name FROM unnest($2::text[], $3::bytea[]) AS s(path, raw_name)
       WHERE m.account_id = $1 AND m.path = s.path AND m.deleted_at IS NULL`,
      [lease.accountId, spelled.map(({ path }) => path), spelled.map(bytesOf)],
    ),
  );
}

/** Creates the mailboxes that LIST has and the database lacks. */
export function createMailboxes(pool: Pool, lease: Lease, listed: readonly ListedMailbox[]): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    const created = listed.map((mailbox) => ({ id: newId(), ...mailbox }));
    await tx.query(
      `INSERT INTO mailbox (id, account_id, path, delimiter, special_use, raw_name)
       SELECT m.id, $1, m.path, m.delimiter, m.special_use, m.raw_name
       FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[])
         AS m(id, path, delimiter, special_use, raw_name)`,
      [
        lease.accountId,
        created.map((mailbox) => mailbox.id),
        created.map((mailbox) => mailbox.path),
        created.map((mailbox) => mailbox.delimiter),
        created.map((mailbox) => mailbox.specialUse),
        created.map(bytesOf),
      ],
    );
    await appendEvents(
      tx,
      lease.accountId,
      created.map(({ id, path }) => ({ type: 'mailbox_created', payload: { mailboxId: id, path } })),
    );
    return recordProgress(tx, lease, { add: { eventsCreated: created.length } });
  });
}

export interface Rename {
  readonly mailbox: StoredMailbox;
  /** The mailbox as LIST has it now. */
  readonly listed: ListedMailbox;
}

/** Renames mailboxes. In one statement, because two may have swapped names. */
export function renameMailboxes(pool: Pool, lease: Lease, renames: readonly Rename[]): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    await tx.query(
      `UPDATE mailbox m SET path = r.path, delimiter = r.delimiter, special_use = r.special_use, raw_name = r.raw_name
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[])
         AS r(id, path, delimiter, special_use, raw_name)
       WHERE m.id = r.id`,
      [
        renames.map(({ mailbox }) => mailbox.id),
        renames.map(({ listed }) => listed.path),
        renames.map(({ listed }) => listed.delimiter),
        renames.map(({ listed }) => listed.specialUse),
        renames.map(({ listed }) => bytesOf(listed)),
      ],
    );
    await appendEvents(
      tx,
      lease.accountId,
      renames.map(({ mailbox, listed }) => ({
        type: 'mailbox_renamed',
        payload: { mailboxId: mailbox.id, path: listed.path, previousPath: mailbox.path },
      })),
    );
    return recordProgress(tx, lease, { add: { eventsCreated: renames.length } });
  });
}

/**
 * Begins a new generation, mostly after a UIDVALIDITY change: the old UIDs have become meaningless. Their locations
 * stay until the new ones are stored, so that no message is missing in between. PENDING ones are removed.
 */
export function beginGeneration(
  pool: Pool,
  lease: Lease,
  mailbox: StoredMailbox,
  snapshot: MailboxSnapshot,
): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    await tx.query(
      `UPDATE message_location SET deleted_at = now()
       WHERE mailbox_id = $1 AND state = 'PENDING' AND deleted_at IS NULL`,
      [mailbox.id],
    );
    await tx.query(
      `UPDATE mailbox SET generation = generation + 1, uid_validity = $2, object_id = $3, uid_next = NULL,
         highest_modseq = NULL, lagging_modseq = NULL, lagging_since = NULL, enumerated_up_to = 0, flag_sweep_uid = 0
       WHERE id = $1`,
      [mailbox.id, snapshot.uidValidity, snapshot.mailboxId],
    );
    await appendEvents(tx, lease.accountId, [
      {
        type: 'mailbox_reset',
        payload: {
          mailboxId: mailbox.id,
          path: mailbox.path,
          uidValidity: snapshot.uidValidity.toString(),
          previousUidValidity: String(mailbox.uidValidity),
        },
      },
    ]);
    return recordProgress(tx, lease, { add: { eventsCreated: 1 } });
  });
}

/** The cursor with which a finished pass ends, and from which the next one continues. */
export interface MailboxCursor {
  readonly snapshot: MailboxSnapshot;
  /** The mod-sequence from which changes are fetched, and one that may follow it: src/sync/cursor.ts. */
  readonly highestModseq: bigint | null;
  readonly laggingModseq: bigint | null;
  readonly laggingSince: Date | null;
  readonly enumeratedUpTo: number;
  readonly flagSweepUid: number;
}

/**
 * Moves a mailbox's cursor. Only to be called in the transaction that commits the last change of its pass. Bodies are
 * not part of the pass: their PENDING rows record what is missing.
 */
export async function commitCursor(
  tx: Transaction,
  lease: Lease,
  mailboxId: string,
  cursor: MailboxCursor,
): Promise<void> {
  const { snapshot } = cursor;
  await tx.query(
    COMMIT_CURSOR.text,
    COMMIT_CURSOR.values({
      mailboxId,
      accountId: lease.accountId,
      uidValidity: snapshot.uidValidity,
      uidNext: snapshot.uidNext,
      highestModseq: cursor.highestModseq,
      enumeratedUpTo: cursor.enumeratedUpTo,
      flagSweepUid: cursor.flagSweepUid,
      objectId: snapshot.mailboxId,
      laggingModseq: cursor.laggingModseq,
      laggingSince: cursor.laggingSince,
    }),
  );
}

const COMMIT_CURSOR = namedStatement(`
  UPDATE mailbox m SET uid_validity = @uidValidity, uid_next = @uidNext, highest_modseq = @highestModseq,
    enumerated_up_to = @enumeratedUpTo, flag_sweep_uid = @flagSweepUid, object_id = @objectId,
    lagging_modseq = @laggingModseq, lagging_since = @laggingSince, last_synced_at = now(), attempts = 0,
    retry_at = NULL, message_count = counts.present, unseen_count = counts.unread
  FROM (
    SELECT count(*)::int AS present, (count(*) FILTER (WHERE NOT '\\Seen' = ANY (l.flags)))::int AS unread
    FROM message_location l JOIN mailbox b ON b.id = l.mailbox_id AND b.generation = l.generation
    WHERE l.mailbox_id = @mailboxId AND l.deleted_at IS NULL
  ) AS counts
  WHERE m.id = @mailboxId AND m.account_id = @accountId`);

export function finishPass(
  pool: Pool,
  lease: Lease,
  mailboxId: string,
  cursor: MailboxCursor,
  add: Counts,
): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    await commitCursor(tx, lease, mailboxId, cursor);
    return recordProgress(tx, lease, { add });
  });
}

/** Deletes a mailbox that the server no longer has; its locations are already tombstoned. */
export function deleteMailbox(pool: Pool, lease: Lease, mailbox: StoredMailbox): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    await tx.query('UPDATE mailbox SET deleted_at = now(), message_count = 0, unseen_count = 0 WHERE id = $1', [
      mailbox.id,
    ]);
    await appendEvents(tx, lease.accountId, [
      { type: 'mailbox_deleted', payload: { mailboxId: mailbox.id, path: mailbox.path } },
    ]);
    return recordProgress(tx, lease, { add: { eventsCreated: 1 } });
  });
}

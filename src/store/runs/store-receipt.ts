import type { SyncReceipt } from '../../domain/receipt.ts';
import type { Transaction } from '../plumbing/sql.ts';

/** Stores a run's receipt, and the proof of each mailbox, in the transaction that ends the run. */
export async function storeReceipt(
  tx: Transaction,
  runId: string,
  { complete, mailboxes, unread }: SyncReceipt,
): Promise<void> {
  await tx.query(
    `INSERT INTO sync_receipt (run_id, complete, mailboxes, unread_answers, unread_samples)
     VALUES ($1, $2, $3, $4, $5)`,
    [runId, complete, JSON.stringify(mailboxes), unread.count, unread.samples],
  );
  await tx.query(
    `INSERT INTO mailbox_proof AS p (mailbox_id, uid_set_digest, synced_at, proven_current_at, compared_at)
     SELECT m.id, r.digest, m.last_synced_at, CASE WHEN r.current THEN r.at END, CASE WHEN r.compared THEN r.at END
     FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::boolean[], $5::timestamptz[])
       AS r(id, digest, current, compared, at) JOIN mailbox m ON m.id = r.id
     ON CONFLICT (mailbox_id) DO UPDATE SET uid_set_digest = excluded.uid_set_digest, synced_at = excluded.synced_at,
       proven_current_at = coalesce(excluded.proven_current_at, p.proven_current_at),
       compared_at = coalesce(excluded.compared_at, p.compared_at)`,
    [
      mailboxes.map(({ mailboxId }) => mailboxId),
      mailboxes.map(({ uidSetDigest }) => uidSetDigest),
      mailboxes.map((mailbox) => mailbox.complete && mailbox.flagsProven),
      mailboxes.map(({ compared }) => compared),
      mailboxes.map(({ at }) => at),
    ],
  );
}

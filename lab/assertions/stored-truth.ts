import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { Client } from 'pg';
import { dataDirOwner } from '../../src/store/embedded/data-dir-lock.ts';
import { danglingReferences } from './dangling-references.ts';
import type { MailboxTruth, MessageTruth } from './server-truth.ts';

/** Where a service keeps its rows: in its own directory, or on a server. */
export type StoredAt = { dataDir: string } | { databaseUrl: string };

/** A session on the database of a running service. */
export async function withDatabase<T>(at: StoredAt, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(
    'databaseUrl' in at
      ? { connectionString: at.databaseUrl }
      : { host: dataDirOwner(at.dataDir)!.socketDir, user: 'postgres', database: 'postgres' },
  );
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * Returns what the database holds of an account, in the shape of `truth`. The hash is computed from the stored bytes.
 * @throws if any row refers to one that does not exist, because the embedded database does not check that.
 */
export async function storedTruth(at: StoredAt, emailAddress: string): Promise<MailboxTruth[]> {
  const [rows, hashes] = await withDatabase(at, async (client) => {
    const lost = await danglingReferences(client);
    if (lost.length > 0) throw new Error(`references to nothing: ${lost.join(', ')}`);
    const { rows } = await client.query<StoredRow>(
      `SELECT b.path, b.uid_validity AS "uidValidity", l.uid, l.flags, l.internal_date AS "internalDate",
         l.message_id AS "messageId", l.state
       FROM email_account a
       JOIN mailbox b ON b.account_id = a.id AND b.deleted_at IS NULL
       LEFT JOIN message_location l ON l.mailbox_id = b.id AND l.deleted_at IS NULL
       WHERE a.email_address = $1 ORDER BY b.path, l.uid`,
      [emailAddress],
    );
    return [rows, await hashesOfSources(client, emailAddress)] as const;
  });
  const mailboxes = new Map<string, MailboxTruth>();
  for (const { path, uidValidity, uid, flags, internalDate, messageId, state } of rows) {
    const mailbox = mailboxes.get(path) ?? { path, uidValidity: Number(uidValidity), messages: new Map() };
    mailboxes.set(path, mailbox);
    const message: MessageTruth = {
      flags: flags?.toSorted() ?? [],
      internalDate: internalDate ?? undefined,
      sha256: messageId ? (hashes.get(messageId) ?? 'no source') : state,
    };
    if (uid !== null) mailbox.messages.set(Number(uid), message);
  }
  return [...mailboxes.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

type StoredRow = {
  path: string;
  uidValidity: string;
  uid: string | null;
  flags: string[] | null;
  internalDate: Date | null;
  messageId: string | null;
  state: string;
};

/** Packs that are read from the database at a time. */
const BATCH = 50;

type PackedMessage = { id: string; at: number; size: number; claimed: string };

/** By message id. Marks a hash in the row that its bytes do not have. */
async function hashesOfSources(client: Client, emailAddress: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (let after = NOBODY; ; ) {
    const { rows } = await client.query<{ id: string; sources: Buffer; messages: PackedMessage[] }>(
      `SELECT p.id, p.sources, json_agg(json_build_object('id', m.id, 'at', m.source_at, 'size', m.size,
         'claimed', encode(m.sha256, 'hex'))) AS messages
       FROM pack p JOIN message m ON m.pack_id = p.id JOIN email_account a ON a.id = p.account_id
       WHERE a.email_address = $1 AND p.id > $2 GROUP BY p.id ORDER BY p.id LIMIT ${BATCH}`,
      [emailAddress, after],
    );
    for (const { sources, messages } of rows) {
      const bytes = zstdDecompressSync(sources);
      for (const { id, at, size, claimed } of messages) {
        const sha256 = createHash('sha256')
          .update(bytes.subarray(at, at + size))
          .digest('hex');
        hashes.set(id, sha256 === claimed ? sha256 : `${sha256} but ${claimed} in the row`);
      }
    }
    if (rows.length < BATCH) return hashes;
    after = rows.at(-1)!.id;
  }
}

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** A digest of every version of every row of mail. It changes with any write, even of equal values. */
export function rowVersions(at: StoredAt): Promise<string> {
  return withDatabase(at, async (client) => {
    const tables = ['mailbox', 'message_location', 'message', 'pack', 'attachment', 'thread'];
    // The full-text index is updated in the background, independently of any run.
    await client.query('UPDATE message SET indexed_at = now() WHERE indexed_at IS NULL');
    const digests: string[] = [];
    for (const table of tables) {
      const { rows } = await client.query<{ digest: string }>(
        `SELECT count(*) || ' ' || coalesce(md5(string_agg(ctid::text || xmin::text, ',' ORDER BY ctid)), '') AS digest
         FROM ${table}`,
      );
      digests.push(`${table} ${rows[0]!.digest}`);
    }
    return digests.join('\n');
  });
}

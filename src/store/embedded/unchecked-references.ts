import pg from 'pg';

/** Tables that a first sync fills by the thousand, each row with one to three references. */
const TABLES = ['message_location', 'message', 'thread', 'attachment', 'event'];

/**
 * Disables the foreign key checks of the rows that a sync writes. Row by row, they took a fifth of the embedded
 * database's time in a first sync. They cannot fail here, because a sync refers only to rows that it wrote or has found
 * before, and these rows still exist:
 *
 * - It writes only while it holds its run, so its account exists, and mailboxes and messages go only with the account.
 * - Threads go when they are merged. A merge changes the account's chain or thread revision, and a batch is only
 *   written if both are still those that it read.
 *
 * The deletes that cascade from an account remain: triggers of the referenced tables do them. On a server all checks
 * remain, and the same statements pass them.
 *
 * The catalog keeps the setting, so this finds nothing to do from the second start on. (PostgreSQL: "ALTER TABLE",
 * DISABLE TRIGGER.) Why not by a migration: docs/decisions/0010-unchecked-references.md.
 */
export async function leaveReferencesUnchecked(connection: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    const { rows } = await client.query<{ statement: string }>(
      `SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) AS statement
       FROM pg_trigger JOIN pg_constraint c ON c.oid = tgconstraint AND c.conrelid = tgrelid
       WHERE c.contype = 'f' AND tgenabled <> 'D' AND tgrelid = ANY ($1::regclass[])`,
      [TABLES],
    );
    if (rows.length > 0) await client.query(rows.map(({ statement }) => statement).join(';'));
  } finally {
    await client.end();
  }
}

import pg from 'pg';

/** What a first sync writes by the thousand, each row with one to three references. */
const TABLES = ['message_location', 'message', 'thread', 'attachment', 'event'];

/**
 * Turns off the look behind each reference that a sync writes: row by row, it was a fifth of the embedded database's time
 * in a first sync. It finds nothing new here: a sync refers to what it has written itself or a look before has found, and
 * it writes only while its run is held, so that its account is there, with which alone mailboxes and messages go. Threads
 * go when they are merged; that moves the account's chain, and a batch is only written if that stands where it was seen.
 * What goes with an account still goes with it: that is done by the tables that are referred to, and stays, as do all
 * looks on a server, where the same statements run under them.
 *
 * Not by a migration: schema and server are to be equal. The catalog keeps it, so from the second start on this finds
 * nothing to do. (PostgreSQL: "ALTER TABLE", DISABLE TRIGGER; there is no constraint that cascades and does not check.)
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

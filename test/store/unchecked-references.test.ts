import { rmSync } from 'node:fs';
import { afterAll, expect, test, vi } from 'vitest';
import { insertTestAccount } from '../../lab/assertions/stored-account.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { newId } from '../../src/domain/ids.ts';
import { openDatabase } from '../../src/store/plumbing/database.ts';

vi.setConfig({ testTimeout: 60_000 });

const dataDir = newDataDir();
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const location = async (where: 'embedded' | 'server') => ({
  url: where === 'server' ? await postgres.createDatabase() : undefined,
  dataDir,
});

test.each([
  { where: 'server', looks: true },
  { where: 'embedded', looks: false },
] as const)('$where: references of synced rows are checked: $looks', async ({ where, looks }) => {
  const database = await openDatabase(await location(where));
  try {
    const { accountId } = await insertTestAccount(database);
    const lost = database.pool.query('INSERT INTO thread (id, account_id) VALUES ($1, $1)', [newId()]);
    if (looks) await expect(lost).rejects.toMatchObject({ code: '23503' });
    else await lost;
    // All other references, on both.
    const runOfNobody = database.pool.query(
      `INSERT INTO sync_run (id, account_id, mode, trigger) VALUES ($1, $1, 'FULL', 'USER')`,
      [newId()],
    );
    await expect(runOfNobody).rejects.toMatchObject({ code: '23503' });

    // Deleting an account deletes everything it owns, down to rows that only refer to its mail.
    const [thread, message] = [newId(), newId()];
    await database.pool.query('INSERT INTO thread (id, account_id) VALUES ($1, $2)', [thread, accountId]);
    await database.pool.query(
      `INSERT INTO message (id, account_id, thread_id, sha256, "from", "to", cc, bcc, reply_to, received_at, snippet,
         pack_id, text_at, text_size, source_at, size, has_attachments, search)
       VALUES ($1, $2, $3, '', '[]', '[]', '[]', '[]', '[]', now(), '', $1, 0, 0, 0, 0, true, '')`,
      [message, accountId, thread],
    );
    await database.pool.query(
      `INSERT INTO attachment (id, message_id, index, content_type, size, is_inline) VALUES ($1, $1, 0, '', 0, false)`,
      [message],
    );
    await expect(database.pool.query('DELETE FROM thread WHERE id = $1', [thread])).rejects.toThrow(
      /foreign key constraint/,
    );
    await database.pool.query('DELETE FROM email_account WHERE id = $1', [accountId]);
    const { rows } = await database.pool.query(
      `SELECT (SELECT count(*)::int FROM message) AS messages, (SELECT count(*)::int FROM attachment) AS attachments,
         (SELECT count(*)::int FROM thread WHERE id = $1) AS threads`,
      [thread],
    );
    expect(rows).toEqual([{ messages: 0, attachments: 0, threads: 0 }]);
  } finally {
    await database.close();
  }
});

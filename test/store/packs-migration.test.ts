import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { EMPTY, postgres } from '../../lab/servers/shared-servers.ts';
import { newId } from '../../src/domain/ids.ts';
import { openEmbedded } from '../../src/store/embedded/open-embedded.ts';
import { readHtml, readSource, readTexts } from '../../src/store/mail/read-pack.ts';
import { openDatabase } from '../../src/store/plumbing/database.ts';
import { listMigrations, NO_FILTER, openSchemaEngine } from '../../src/store/plumbing/migrate.ts';
import { tenantScoped } from '../../src/store/tenancy/tenant-scope.ts';

const BLOCK = 128 * 1024;
const MAIL: { text: string; html: string | null }[] = [
  { text: '', html: null },
  { text: 'Grüße aus Köln 🌊', html: '<p>Grüße</p>' },
  { text: '', html: '' },
  ...[BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 1_000_000].map((length) => ({
    text: Array.from({ length }, (_, i) => String.fromCharCode(97 + (i % 23))).join(''),
    html: length === BLOCK ? 'é'.repeat(BLOCK) : null,
  })),
];

/** Everything before the migration to packs. */
const BEFORE = '20261129';

test.each(['PostgreSQL', 'the embedded database'])(
  'the packs migration keeps text, HTML and source of stored mail (%s)',
  async (kind) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'mailtide-packs-'));
    const url = kind === 'PostgreSQL' ? await postgres.createDatabase(EMPTY) : undefined;
    try {
      const embedded = url ? null : await openEmbedded(dataDir);
      const connection = url
        ? { connectionString: url }
        : { host: embedded!.socketDir, user: 'postgres', database: 'postgres' };
      const all = listMigrations();
      const migrationDirectories = all.migrationDirectories.filter(({ path }) => path < BEFORE);
      expect(migrationDirectories.length).toBeLessThan(all.migrationDirectories.length);
      const engine = await openSchemaEngine(connection);
      await engine.applyMigrations({ migrationsList: { ...all, migrationDirectories }, filters: NO_FILTER });
      const client = new Client(connection);
      await client.connect();
      const { tenantId, ids } = await storeAsBefore(client);
      await client.end();
      await embedded?.close();

      const database = await openDatabase({ url, dataDir });
      await using stack = new AsyncDisposableStack();
      stack.defer(() => database.close());
      const reader = tenantScoped(database.prisma, tenantId);
      const [texts, html] = [await readTexts(reader, ids), await readHtml(reader, ids)];
      for (const [i, id] of ids.entries()) {
        expect({ text: texts.get(id), html: html.get(id) ?? null }).toEqual(MAIL[i]);
        expect((await readSource(reader, id))!.toString()).toBe(`source of ${i}`);
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  },
);

async function storeAsBefore(client: Client): Promise<{ tenantId: string; ids: string[] }> {
  const [tenantId, accountId, thread] = [newId(), newId(), newId()];
  await client.query(`INSERT INTO tenant (id, name) VALUES ($1, 'alice')`, [tenantId]);
  await client.query(
    `INSERT INTO email_account (id, tenant_id, email_address, imap_host, imap_port, imap_security, imap_username,
       credentials, event_hash, updated_at)
     VALUES ($1, $2, 'ann@example.com', 'imap.example.com', 993, 'TLS', 'ann', 'sealed', '', now())`,
    [accountId, tenantId],
  );
  await client.query('INSERT INTO thread (id, account_id) VALUES ($1, $2)', [thread, accountId]);
  const ids: string[] = [];
  for (const [i, { text, html }] of MAIL.entries()) {
    const id = newId();
    const source = Buffer.from(`source of ${i}`);
    await client.query(
      `INSERT INTO message (id, account_id, thread_id, sha256, "from", "to", cc, bcc, reply_to, received_at, snippet, text,
         html, size, has_attachments, search)
       VALUES ($1, $2, $3, $4, '[]', '[]', '[]', '[]', '[]', now(), '', $5, $6, $7, false, '')`,
      [id, accountId, thread, createHash('sha256').update(source).digest(), text, html, source.length],
    );
    await client.query('INSERT INTO message_source (message_id, zstd) VALUES ($1, $2)', [id, zstdCompressSync(source)]);
    ids.push(id);
  }
  return { tenantId, ids };
}

import { rmSync } from 'node:fs';
import type { Client } from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { danglingReferences } from '../../lab/assertions/dangling-references.ts';
import { insertTestAccount } from '../../lab/assertions/stored-account.ts';
import { withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { waitFor } from '../../lab/wait.ts';
import { ParsedBatch } from '../../src/domain/parsed-batch.ts';
import { PARSER_VERSION } from '../../src/domain/parsed-message.ts';
import { startReparser } from '../../src/jobs/maintenance/reparser.ts';
import { createMimePool } from '../../src/mime/mime-pool.ts';
import { deleteAccount } from '../../src/store/accounts/delete-account.ts';
import { addPending } from '../../src/store/mail/locations.ts';
import { createMailboxes, storedMailboxes } from '../../src/store/mail/mailboxes.ts';
import { readHtml, readTexts } from '../../src/store/mail/read-pack.ts';
import { storeReparsed } from '../../src/store/mail/reparse.ts';
import { NO_ACCOUNT, sourcesOf, staleMessages } from '../../src/store/mail/stale-messages.ts';
import { storeBatch } from '../../src/store/mail/store-batch.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { claimRun } from '../../src/store/runs/claim-run.ts';
import type { Lease } from '../../src/store/runs/lease.ts';
import { startRun } from '../../src/store/runs/start-run.ts';

const dataDir = newDataDir();
const mime = createMimePool();
const log = pino({ level: 'silent' });
afterAll(async () => {
  await mime.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const letter = (subject: string, id: string, ...fields: string[]) =>
  Buffer.from(
    [`From: ${id}@example.net`, `Subject: ${subject}`, `Message-ID: <${id}@x>`, ...fields, '', subject].join('\r\n'),
  );
const WITH_FILES = Buffer.from(
  [
    'From: files@example.net',
    'Subject: Files',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    ...['one.pdf', 'two.pdf'].flatMap((name) => [
      '--b',
      'Content-Type: application/pdf',
      `Content-Disposition: attachment; filename=${name}`,
      '',
      `content of ${name.length > 0 ? name : ''}`,
    ]),
    '--b--',
  ].join('\r\n'),
);
const CORPUS = mails(0, 40).map(({ bytes }) => Buffer.from(bytes));
const BEES = [
  letter('Bees', 'bees1'),
  letter('Re: Bees', 'bees2', 'In-Reply-To: <bees1@x>'),
  letter('Re: Bees', 'bees3', 'References: <bees1@x> <bees2@x>'),
];
const TAXES = [letter('Taxes', 'taxes1'), letter('Re: Taxes', 'taxes2', 'In-Reply-To: <taxes1@x>')];

describe.each([
  ['the embedded database', async () => undefined],
  ['PostgreSQL', async () => postgres.createDatabase()],
])('re-parsing mail of an earlier parser in %s', (_name, urlOf) => {
  let url: string | undefined;
  let database: Database;
  let lease: Lease;

  beforeAll(async () => {
    url = await urlOf();
    database = await openDatabase({ url, dataDir });
  }, 60_000);
  afterAll(() => database?.close());
  beforeEach(async () => {
    await database.pool.query('UPDATE message SET parser_version = $1', [PARSER_VERSION]);
    lease = await newAccount();
  });

  async function newAccount(): Promise<Lease> {
    const { tenantId, accountId } = await insertTestAccount(database);
    const { run } = await startRun(database.pool, tenantId, accountId, 'INCREMENTAL', 'USER');
    const claimed = await claimRun(database.pool, run.id);
    if (!claimed || !('lease' in claimed)) throw new Error('the run was not claimed');
    return claimed.lease;
  }

  /** Stores mail in the mailbox, batch by batch. */
  async function store(to: Lease, sources: readonly Buffer[], path = 'INBOX', batch = 50): Promise<void> {
    const { pool } = database;
    await createMailboxes(pool, to, [
      { path, rawName: path, delimiter: '/', specialUse: null, selectable: true, status: null },
    ]);
    const { id, generation } = (await storedMailboxes(pool, to.accountId)).find((stored) => stored.path === path)!;
    const mailbox = { id, path, generation, uidValidity: 7n };
    const internalDate = new Date('2026-03-03T09:00:00Z');
    const uids = sources.map((_, i) => i + 1);
    const rest = { flags: [], internalDate, modseq: null, emailId: null };
    await addPending(
      pool,
      to,
      mailbox,
      uids.map((uid, i) => ({ uid, size: sources[i]!.length, ...rest })),
    );
    for (let from = 0; from < sources.length; from += batch) {
      const parsed = await mime.digest(sources.slice(from, from + batch));
      const items = parsed.messages.map((message, index) => ({
        uid: uids[from + index]!,
        internalDate,
        message,
      }));
      await storeBatch(pool, to, { mailbox, items, parsed, movingMessageIds: new Set() });
    }
  }

  /** Makes all mail of the account look as an earlier parser left it. */
  async function makeStale(accountId: string): Promise<void> {
    await database.pool.query('UPDATE message SET parser_version = 0 WHERE account_id = $1', [accountId]);
    await database.pool.query('UPDATE thread_reference SET parser_version = 0, carrier = NULL WHERE account_id = $1', [
      accountId,
    ]);
  }

  /** An earlier parser that read all columns differently, and linked all mail into one thread. */
  async function damage(accountId: string): Promise<void> {
    await makeStale(accountId);
    const { pool } = database;
    await pool.query(
      `UPDATE message SET subject = 'wrong', "from" = '[]', "to" = '[]', cc = '[]', sent_at = NULL, snippet = 'wrong',
         parse_error = 'wrong', has_attachments = NOT has_attachments, search = '', message_id_header = NULL,
         text_size = greatest(text_size - 1, 0), html_size = NULL, thread_id = (SELECT min(id::text)::uuid FROM thread WHERE account_id = $1)
       WHERE account_id = $1`,
      [accountId],
    );
    await pool.query(
      'UPDATE thread_reference SET thread_id = (SELECT min(id::text)::uuid FROM thread WHERE account_id = $1) WHERE account_id = $1',
      [accountId],
    );
    await pool.query(
      'DELETE FROM thread t WHERE account_id = $1 AND NOT EXISTS (SELECT FROM message WHERE thread_id = t.id)',
      [accountId],
    );
    await pool.query(
      'DELETE FROM attachment WHERE index = 0 AND message_id IN (SELECT id FROM message WHERE account_id = $1)',
      [accountId],
    );
  }

  async function reparse(): Promise<void> {
    const stop = startReparser(database, (sources) => mime.digest(sources), log, 10);
    try {
      await waitFor(async () => (await stale()) === 0, { what: 'the mail to be parsed again', timeoutMs: 60_000 });
    } finally {
      await stop();
    }
  }

  const stale = async (): Promise<number> =>
    database.prisma.message.count({ where: { parserVersion: { lt: PARSER_VERSION } } });

  const rows = async (accountId: string) => {
    const { rows } = await database.pool.query(
      `SELECT encode(m.sha256, 'hex') AS sha256, m.message_id_header, m.subject, m."from", m."to", m.cc, m.bcc, m.reply_to,
         m.sent_at, m.received_at, m.snippet, m.size, m.has_attachments, m.parse_error, m.search::text, m.parser_version,
         (SELECT json_agg(json_build_array(index, filename, content_type, size, content_id, is_inline) ORDER BY index)
          FROM attachment WHERE message_id = m.id) AS attachments,
         (SELECT min(encode(o.sha256, 'hex')) FROM message o WHERE o.thread_id = m.thread_id) AS thread
       FROM message m WHERE m.account_id = $1 ORDER BY 1`,
      [accountId],
    );
    return rows;
  };
  const texts = async (accountId: string): Promise<Record<string, string>> => {
    const messages = await database.prisma.message.findMany({ where: { accountId } });
    const ids = messages.map(({ id }) => id);
    const [text, html] = [await readTexts(database.prisma, ids), await readHtml(database.prisma, ids)];
    return Object.fromEntries(
      messages.map(({ id, sha256 }) => [
        Buffer.from(sha256).toString('hex'),
        `${text.get(id)} ${html.get(id) ?? 'none'}`,
      ]),
    );
  };
  const partition = async (accountId: string): Promise<string[]> => {
    const messages = await database.prisma.message.findMany({ where: { accountId } });
    const threads = [...Map.groupBy(messages, ({ threadId }) => threadId).values()];
    return threads
      .map((thread) =>
        thread
          .map(({ messageIdHeader }) => messageIdHeader!.slice(1, -3))
          .toSorted()
          .join(),
      )
      .toSorted();
  };
  const noneIsLost = async () => {
    const client = (await database.pool.connect()) as unknown as Client & { release(): void };
    try {
      expect(await danglingReferences(client)).toEqual([]);
    } finally {
      client.release();
    }
  };
  const chain = (accountId: string) =>
    database.prisma.emailAccount.findUniqueOrThrow({
      where: { id: accountId },
      select: { eventSeq: true, eventHash: true },
    });

  test('results in the rows of the present parser, without events', async () => {
    await store(lease, [...CORPUS, WITH_FILES]);
    const other = await newAccount();
    await store(other, [...CORPUS, WITH_FILES]);
    const [before, beforeTexts] = [await rows(other.accountId), await texts(other.accountId)];
    const head = await chain(lease.accountId);
    await damage(lease.accountId);
    expect(await rows(lease.accountId)).not.toEqual(before);
    await reparse();
    expect(await rows(lease.accountId)).toEqual(before);
    expect(await texts(lease.accountId)).toEqual(beforeTexts);
    expect(await rows(other.accountId)).toEqual(before);
    expect(await chain(lease.accountId)).toEqual(head);
    await noneIsLost();
  });

  test('keeps packs and index entries of messages whose text did not change', async () => {
    await store(lease, CORPUS.slice(0, 20));
    await database.pool.query('UPDATE message SET indexed_at = now()');
    const packs = await database.prisma.pack.count();
    await makeStale(lease.accountId);
    await reparse();
    expect(await database.prisma.pack.count()).toBe(packs);
    expect(
      await database.prisma.message.count({
        where: { accountId: lease.accountId, OR: [{ indexedAt: null }, { textPackId: { not: null } }] },
      }),
    ).toBe(0);
    await database.pool.query(`UPDATE message SET search = '' WHERE account_id = $1`, [lease.accountId]);
    await makeStale(lease.accountId);
    await reparse();
    expect(await database.prisma.message.count({ where: { accountId: lease.accountId, indexedAt: null } })).toBe(20);
  });

  test('keeps the ids of messages, threads and unchanged attachments', async () => {
    await store(lease, [WITH_FILES, ...BEES]);
    const where = { accountId: lease.accountId };
    const ids = async () => ({
      messages: await database.prisma.message.findMany({
        where,
        select: { id: true, threadId: true },
        orderBy: { id: 'asc' },
      }),
      files: await database.prisma.attachment.findMany({ where: { message: where }, orderBy: { index: 'asc' } }),
    });
    const before = await ids();
    expect(before.files).toHaveLength(2);
    await makeStale(lease.accountId);
    await reparse();
    expect(await ids()).toEqual(before);
    const [one, two] = before.files;
    await makeStale(lease.accountId);
    await database.pool.query('DELETE FROM attachment WHERE id = $1', [one!.id]);
    await database.pool.query(`UPDATE attachment SET index = 0, filename = '?', is_inline = true WHERE id = $1`, [
      two!.id,
    ]);
    await reparse();
    const after = await ids();
    expect(after.files).toHaveLength(2);
    expect(after.files.find(({ id }) => id === two!.id)).toBeDefined();
    expect(after.files.map(({ filename, isInline }) => ({ filename, isInline }))).toEqual([
      { filename: 'one.pdf', isInline: false },
      { filename: 'two.pdf', isInline: false },
    ]);
  });

  test.each([1, 2, 5])('splits threads that an earlier rule joined, in steps of %i, beside new mail', async (step) => {
    await store(lease, [...BEES, ...TAXES]);
    await damage(lease.accountId);
    for (let i = 0; ; i++) {
      const some = await staleMessages(database.pool, NO_ACCOUNT, step);
      if (some.length === 0) break;
      if (i === 1)
        await store(
          lease,
          [
            letter('Re: Bees', 'bees4', 'In-Reply-To: <bees3@x>'),
            letter('Re: Taxes', 'taxes3', 'In-Reply-To: <taxes2@x>'),
          ],
          'Later',
        );
      const sources = (await sourcesOf(database.pool, some)).map((source) => source!);
      const parsed = await mime.digest(sources);
      const messages = some.map((stale, index) => ({ stale, message: parsed.at(index) }));
      expect(await storeReparsed(database.pool, messages, parsed)).toBe(some.length);
      expect(await storeReparsed(database.pool, messages, parsed)).toBe(0);
    }
    const late =
      step < 5 ? ['bees1,bees2,bees3,bees4', 'taxes1,taxes2,taxes3'] : ['bees1,bees2,bees3', 'taxes1,taxes2'];
    expect(await partition(lease.accountId)).toEqual(late);
    await noneIsLost();
  });

  test('joins messages that an earlier rule kept apart, in an existing thread', async () => {
    await store(lease, [...BEES].toReversed(), 'INBOX', 1);
    await makeStale(lease.accountId);
    await database.pool.query('DELETE FROM thread_reference WHERE account_id = $1', [lease.accountId]);
    const messages = await database.prisma.message.findMany({ where: { accountId: lease.accountId } });
    for (const { id, accountId } of messages.slice(1)) {
      const thread = id.replace(/^./, 'f');
      await database.prisma.thread.create({ data: { id: thread, accountId } });
      await database.prisma.message.update({ where: { id }, data: { threadId: thread } });
    }
    const before = (await database.prisma.thread.findMany({ where: { accountId: lease.accountId } })).map(
      ({ id }) => id,
    );
    expect(before).toHaveLength(3);
    await reparse();
    expect(await partition(lease.accountId)).toEqual(['bees1,bees2,bees3']);
    const after = await database.prisma.thread.findMany({ where: { accountId: lease.accountId } });
    expect(after).toHaveLength(1);
    expect(before).toContain(after[0]!.id);
  });

  test('a message that crashes the parser keeps its columns and gets a parse_error', async () => {
    await store(lease, CORPUS.slice(0, 3));
    const before = await rows(lease.accountId);
    await makeStale(lease.accountId);
    const stale = await staleMessages(database.pool, NO_ACCOUNT, 10);
    const parsed = await mime.digest((await sourcesOf(database.pool, stale)).map((source) => source!));
    const broken = new ParsedBatch({
      messages: parsed.messages.map((message) => ({ ...message, attachments: [], isHeaderOnly: true })),
      columns: parsed.columns,
      packs: parsed.packs,
    });
    await database.pool.query(`UPDATE message SET subject = 'as before' WHERE account_id = $1`, [lease.accountId]);
    await storeReparsed(
      database.pool,
      stale.map((message, index) => ({ stale: message, message: broken.at(index) })),
      broken,
    );
    expect(await rows(lease.accountId)).toEqual(before.map((row) => ({ ...row, subject: 'as before' })));
  });

  test('a message with an unreadable source stays unchanged and blocks no other', async () => {
    await store(lease, CORPUS.slice(0, 2), 'INBOX', 1);
    const before = await rows(lease.accountId);
    await database.pool.query(`UPDATE message SET snippet = 'wrong' WHERE account_id = $1`, [lease.accountId]);
    await makeStale(lease.accountId);
    const [first] = await staleMessages(database.pool, NO_ACCOUNT, 1);
    await database.pool.query(`UPDATE pack SET sources = 'broken' WHERE id = $1`, [first!.packId]);
    await reparse();
    const snippets = (await rows(lease.accountId)).map(({ snippet }) => snippet);
    expect(snippets.filter((snippet) => snippet === 'wrong')).toHaveLength(1);
    expect(before.map(({ snippet }) => snippet)).toContain(snippets.find((snippet) => snippet !== 'wrong'));
  });

  test('an account that is deleted meanwhile leaves no row', async () => {
    await store(lease, CORPUS.slice(0, 5));
    await makeStale(lease.accountId);
    const some = await staleMessages(database.pool, NO_ACCOUNT, 10);
    const parsed = await mime.digest((await sourcesOf(database.pool, some)).map((source) => source!));
    await deleteAccount(database.pool, { tenantId: lease.tenantId, id: lease.accountId });
    const messages = some.map((stale, index) => ({ stale, message: parsed.at(index) }));
    expect(await storeReparsed(database.pool, messages, parsed)).toBe(0);
    await noneIsLost();
  });

  test('works on two nodes at once, and reads the stale index only', async () => {
    await store(lease, CORPUS);
    const before = await rows(lease.accountId);
    await damage(lease.accountId);
    await Promise.all([reparse(), reparse()]);
    expect(await rows(lease.accountId)).toEqual(before);
    await database.pool.query('ANALYZE message');
    const { rows: plan } = await database.pool.query(
      `EXPLAIN SELECT account_id FROM message WHERE parser_version < ${PARSER_VERSION} AND account_id > '${NO_ACCOUNT}'
       ORDER BY account_id, pack_id LIMIT 1`,
    );
    expect(plan.map((row) => Object.values(row).join()).join('\n')).toContain('message_stale');
  });
});

test('the index of stale messages fits the present version of the parser', async () => {
  const url = await postgres.createDatabase();
  const database = await openDatabase({ url, dataDir });
  try {
    const { rows } = await withDatabase({ databaseUrl: url }, (client) =>
      client.query(`SELECT pg_get_indexdef('message_stale'::regclass) AS definition`),
    );
    expect(rows[0].definition).toContain(`WHERE (parser_version < ${PARSER_VERSION})`);
  } finally {
    await database.close();
  }
});

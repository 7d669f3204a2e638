import { createHash, randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { newId } from '../../src/domain/ids.ts';
import { PARSER_VERSION } from '../../src/domain/parsed-message.ts';
import type { SyncRun } from '../../src/generated/prisma/client.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import type { Database } from '../../src/store/plumbing/database.ts';
import { inTransaction } from '../../src/store/plumbing/sql.ts';
import { appendEvents } from '../../src/store/timeline/append-events.ts';
import { genesisHash } from '../../src/timeline/chain.ts';
import type { ServedApi } from './served-api.ts';

/** Mail as a sync would have stored it. */
export interface StoredAccount {
  readonly accountId: string;
  readonly inbox: string;
  readonly archive: string;
}

export async function storeAccount(
  { prisma }: Database,
  tenantId: string,
  emailAddress: string,
): Promise<StoredAccount> {
  const [accountId, inbox, archive] = [newId(), newId(), newId()];
  await prisma.emailAccount.create({
    data: {
      id: accountId,
      tenantId,
      emailAddress,
      imapHost: 'imap.example.com',
      imapPort: 993,
      imapSecurity: 'TLS',
      imapUsername: emailAddress,
      credentials: 'sealed',
      eventHash: new Uint8Array(genesisHash(accountId)),
    },
  });
  const mailbox = { accountId, delimiter: '/', uidValidity: 1n, uidNext: 5_000_000_000n };
  await prisma.mailbox.createMany({
    data: [
      { ...mailbox, id: inbox, path: 'INBOX', specialUse: '\\Inbox' },
      { ...mailbox, id: archive, path: 'Archive' },
    ],
  });
  return { accountId, inbox, archive };
}

/** A new account of alice's for one test, with its id of the API. */
export async function newAccount({ database, alice }: ServedApi): Promise<{ account: StoredAccount; id: string }> {
  const account = await storeAccount(database, alice.id, `${newId()}@example.com`);
  return { account, id: encodeId('EmailAccount', account.accountId) };
}

export interface MailToStore {
  readonly account: StoredAccount;
  readonly subject: string;
  /** An address; Ann's when absent. */
  readonly from?: string;
  readonly text?: string;
  readonly html?: string;
  readonly flags?: readonly string[];
  readonly receivedAt?: Date;
  readonly mailboxes?: readonly string[];
  readonly threadId?: string;
  readonly deleted?: boolean;
}

let uid = 0n;

/** Returns the ids of the message, its thread and its attachment. */
export async function storeMessage(
  { prisma }: Database,
  mail: MailToStore,
): Promise<{ messageId: string; threadId: string; attachmentId: string }> {
  const { account, subject, text = '', html = null, flags = ['\\Seen'], receivedAt = new Date() } = mail;
  const { mailboxes, threadId, deleted = false } = mail;
  const { accountId } = account;
  const [messageId, attachmentId, packId, thread] = [newId(), newId(), newId(), threadId ?? newId()];
  const source = Buffer.from(`Subject: ${subject}\r\n\r\n${text}\r\n`);
  const from = JSON.stringify([{ name: 'Ann', address: mail.from ?? 'ann@example.com' }]);
  await prisma.thread.createMany({ data: [{ id: thread, accountId }], skipDuplicates: true });
  await prisma.$executeRaw`
    INSERT INTO message (id, account_id, thread_id, sha256, subject, "from", "to", cc, bcc, reply_to, received_at,
      snippet, pack_id, text_at, text_size, html_size, source_at, size, has_attachments, search, parser_version)
    VALUES (${messageId}::uuid, ${accountId}::uuid, ${thread}::uuid,
      ${createHash('sha256').update(randomBytes(8)).digest()}, ${subject}, ${from}::jsonb, '[]', '[]', '[]', '[]',
      ${receivedAt}, ${text.slice(0, 200)}, ${packId}::uuid, 0, ${Buffer.byteLength(text)},
      ${html === null ? null : Buffer.byteLength(html)}, 0, ${source.length}, true,
      to_tsvector('simple', ${`${subject} ${text}`}), ${PARSER_VERSION})`;
  const [texts, sources] = [Buffer.from(`${text}${html ?? ''}`), source].map((bytes) => zstdCompressSync(bytes));
  await prisma.pack.create({
    data: { id: packId, accountId, texts: new Uint8Array(texts!), sources: new Uint8Array(sources!) },
  });
  await prisma.attachment.create({
    data: {
      id: attachmentId,
      messageId,
      index: 0,
      filename: '../évil".html',
      contentType: 'text/html',
      size: 5,
      isInline: false,
    },
  });
  await prisma.messageLocation.createMany({
    data: (mailboxes ?? [account.inbox]).map((mailboxId) => ({
      mailboxId,
      accountId,
      messageId,
      generation: 0,
      uid: ++uid,
      state: 'STORED' as const,
      flags: [...flags],
      size: source.length,
      deletedAt: deleted ? new Date() : null,
    })),
  });
  return { messageId, threadId: thread, attachmentId };
}

export async function storeEvents({ pool }: Database, accountId: string, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => ({
    type: 'mailbox_created' as const,
    payload: { mailboxId: newId(), path: `Folder ${i}` },
  }));
  await inTransaction(pool, (tx) => appendEvents(tx, accountId, events));
}

/** A running run. */
export function storeRun({ prisma }: Database, accountId: string, values: Partial<SyncRun> = {}): Promise<SyncRun> {
  return prisma.syncRun.create({
    data: {
      id: newId(),
      accountId,
      mode: 'INCREMENTAL',
      trigger: 'USER',
      status: 'RUNNING',
      phase: 'FETCHING',
      startedAt: new Date(),
      sequence: 7n,
      messagesTotal: 200,
      messagesProcessed: 50,
      percent: 25,
      ...values,
    },
  });
}

-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "ImapSecurity" AS ENUM ('TLS', 'STARTTLS', 'NONE');

-- CreateEnum
CREATE TYPE "SyncMode" AS ENUM ('INCREMENTAL', 'FULL');

-- CreateEnum
CREATE TYPE "SyncTrigger" AS ENUM ('USER', 'SCHEDULE');

-- CreateEnum
CREATE TYPE "SyncRunStatus" AS ENUM ('QUEUED', 'RUNNING', 'WAITING_RETRY', 'SUCCEEDED', 'FAILED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "SyncPhase" AS ENUM ('QUEUED', 'CONNECTING', 'DISCOVERING', 'ENUMERATING', 'FETCHING', 'FINISHING', 'DONE');

-- CreateEnum
CREATE TYPE "MessageState" AS ENUM ('PENDING', 'STORED', 'QUARANTINED');

-- CreateTable
CREATE TABLE "tenant" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tenant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" TEXT NOT NULL,
    "tenant_id" UUID NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "is_configured" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "session" (
    "id" TEXT NOT NULL,
    "tenant_id" UUID NOT NULL,
    "api_key_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "email_account" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "email_address" TEXT NOT NULL,
    "display_name" TEXT,
    "imap_host" TEXT NOT NULL,
    "imap_port" INTEGER NOT NULL,
    "imap_security" "ImapSecurity" NOT NULL,
    "imap_username" TEXT NOT NULL,
    "credentials" TEXT NOT NULL,
    "is_active" BOOLEAN NOT NULL DEFAULT true,
    "sync_interval_minutes" INTEGER,
    "last_sync_at" TIMESTAMPTZ(3),
    "last_sync_status" "SyncRunStatus",
    "last_sync_error_code" TEXT,
    "last_sync_error_message" TEXT,
    "sync_count" INTEGER NOT NULL DEFAULT 0,
    "event_seq" BIGINT NOT NULL DEFAULT 0,
    "event_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "email_account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "mailbox" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "delimiter" TEXT,
    "special_use" TEXT,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "uid_validity" BIGINT,
    "uid_next" BIGINT,
    "highest_modseq" BIGINT,
    "enumerated_up_to" BIGINT NOT NULL DEFAULT 0,
    "message_count" INTEGER NOT NULL DEFAULT 0,
    "unseen_count" INTEGER NOT NULL DEFAULT 0,
    "flag_sweep_uid" BIGINT NOT NULL DEFAULT 0,
    "last_synced_at" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "mailbox_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "message_location" (
    "mailbox_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "uid" BIGINT NOT NULL,
    "account_id" UUID NOT NULL,
    "state" "MessageState" NOT NULL DEFAULT 'PENDING',
    "flags" TEXT[],
    "modseq" BIGINT,
    "internal_date" TIMESTAMPTZ(3),
    "size" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "last_error" TEXT,
    "message_id" UUID,
    "stored_at" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "message_location_pkey" PRIMARY KEY ("mailbox_id","generation","uid")
);

-- CreateTable
CREATE TABLE "message" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "thread_id" UUID NOT NULL,
    "sha256" BYTEA NOT NULL,
    "message_id_header" TEXT,
    "subject" TEXT,
    "from" JSONB NOT NULL,
    "to" JSONB NOT NULL,
    "cc" JSONB NOT NULL,
    "bcc" JSONB NOT NULL,
    "reply_to" JSONB NOT NULL,
    "sent_at" TIMESTAMPTZ(3),
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "snippet" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "html" TEXT,
    "size" INTEGER NOT NULL,
    "has_attachments" BOOLEAN NOT NULL,
    "parse_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "search" tsvector NOT NULL,

    CONSTRAINT "message_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "message_source" (
    "message_id" UUID NOT NULL,
    "zstd" BYTEA NOT NULL,

    CONSTRAINT "message_source_pkey" PRIMARY KEY ("message_id")
);

-- CreateTable
CREATE TABLE "attachment" (
    "id" UUID NOT NULL,
    "message_id" UUID NOT NULL,
    "index" INTEGER NOT NULL,
    "filename" TEXT,
    "content_type" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "content_id" TEXT,
    "is_inline" BOOLEAN NOT NULL,

    CONSTRAINT "attachment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "thread" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,

    CONSTRAINT "thread_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "thread_reference" (
    "account_id" UUID NOT NULL,
    "ref" BIGINT NOT NULL,
    "thread_id" UUID NOT NULL,

    CONSTRAINT "thread_reference_pkey" PRIMARY KEY ("account_id","ref")
);

-- CreateTable
CREATE TABLE "sync_run" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "mode" "SyncMode" NOT NULL,
    "trigger" "SyncTrigger" NOT NULL,
    "status" "SyncRunStatus" NOT NULL DEFAULT 'QUEUED',
    "phase" "SyncPhase" NOT NULL DEFAULT 'QUEUED',
    "attempt" INTEGER NOT NULL DEFAULT 1,
    "requested_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "next_attempt_at" TIMESTAMPTZ(3),
    "lease_token" UUID,
    "lease_expires_at" TIMESTAMPTZ(3),
    "error_code" TEXT,
    "error_message" TEXT,
    "sequence" BIGINT NOT NULL DEFAULT 0,
    "progress_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "mailbox" TEXT,
    "messages_total" INTEGER,
    "messages_processed" INTEGER NOT NULL DEFAULT 0,
    "bytes_processed" BIGINT NOT NULL DEFAULT 0,
    "percent" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "mailboxes_synced" INTEGER NOT NULL DEFAULT 0,
    "messages_fetched" INTEGER NOT NULL DEFAULT 0,
    "messages_created" INTEGER NOT NULL DEFAULT 0,
    "messages_updated" INTEGER NOT NULL DEFAULT 0,
    "messages_deleted" INTEGER NOT NULL DEFAULT 0,
    "events_created" INTEGER NOT NULL DEFAULT 0,
    "bytes_downloaded" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "sync_run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "event" (
    "account_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "type" TEXT NOT NULL,
    "schema_version" INTEGER NOT NULL,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,
    "payload" JSONB NOT NULL,
    "prev_hash" BYTEA NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "event_pkey" PRIMARY KEY ("account_id","seq")
);

-- CreateIndex
CREATE UNIQUE INDEX "tenant_name_key" ON "tenant"("name");

-- CreateIndex
CREATE INDEX "api_key_tenant_id_idx" ON "api_key"("tenant_id");

-- CreateIndex
CREATE INDEX "session_expires_at_idx" ON "session"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "email_account_tenant_id_email_address_key" ON "email_account"("tenant_id", "email_address");

-- CreateIndex
CREATE INDEX "mailbox_account_id_idx" ON "mailbox"("account_id");

-- CreateIndex
CREATE INDEX "message_location_message_id_idx" ON "message_location"("message_id");

-- CreateIndex
CREATE INDEX "message_account_id_received_at_id_idx" ON "message"("account_id", "received_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "message_thread_id_idx" ON "message"("thread_id");

-- CreateIndex
CREATE UNIQUE INDEX "message_account_id_sha256_key" ON "message"("account_id", "sha256");

-- CreateIndex
CREATE UNIQUE INDEX "attachment_message_id_index_key" ON "attachment"("message_id", "index");

-- CreateIndex
CREATE INDEX "thread_account_id_idx" ON "thread"("account_id");

-- CreateIndex
CREATE INDEX "thread_reference_thread_id_idx" ON "thread_reference"("thread_id");

-- CreateIndex
CREATE INDEX "sync_run_account_id_requested_at_idx" ON "sync_run"("account_id", "requested_at" DESC);

-- CreateIndex
CREATE INDEX "sync_run_status_idx" ON "sync_run"("status");

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_api_key_id_fkey" FOREIGN KEY ("api_key_id") REFERENCES "api_key"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "email_account" ADD CONSTRAINT "email_account_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "mailbox" ADD CONSTRAINT "mailbox_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "email_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_location" ADD CONSTRAINT "message_location_mailbox_id_fkey" FOREIGN KEY ("mailbox_id") REFERENCES "mailbox"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_location" ADD CONSTRAINT "message_location_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "email_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_location" ADD CONSTRAINT "message_location_message_id_fkey" FOREIGN KEY ("message_id") REFERENCES "message"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message" ADD CONSTRAINT "message_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "email_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message" ADD CONSTRAINT "message_thread_id_fkey" FOREIGN KEY ("thread_id") REFERENCES "thread"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_source" ADD CONSTRAINT "message_source_message_id_fkey" FOREIGN KEY ("message_id") REFERENCES "message"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attachment" ADD CONSTRAINT "attachment_message_id_fkey" FOREIGN KEY ("message_id") REFERENCES "message"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "thread" ADD CONSTRAINT "thread_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "email_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sync_run" ADD CONSTRAINT "sync_run_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "email_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "event" ADD CONSTRAINT "event_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "email_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- What schema.prisma cannot say (test/store/migrations.test.ts knows this list).

-- At most one active run of an account (src/domain/sync-run.ts).
CREATE UNIQUE INDEX "sync_run_one_active" ON "sync_run"("account_id") WHERE "status" IN ('QUEUED', 'RUNNING', 'WAITING_RETRY');

-- The queue of bodies to fetch, newest first.
CREATE INDEX "message_location_pending" ON "message_location"("mailbox_id", "uid" DESC) WHERE "state" = 'PENDING' AND "deleted_at" IS NULL;

-- Full text. New rows go to the index's pending list, which is merged when it is full. A list of 1 MB costs as little
-- in all as a longer one, and each merge, which everybody on the embedded database waits for, is short.
CREATE INDEX "message_search" ON "message" USING gin ("search") WITH (fastupdate = on, gin_pending_list_limit = 1024);

-- Out of line as it is: PostgreSQL's own compression costs more than it saves, in the embedded database twice the time.
ALTER TABLE "message_source" ALTER COLUMN "zstd" SET STORAGE EXTERNAL;
ALTER TABLE "message" ALTER COLUMN "text" SET STORAGE EXTERNAL, ALTER COLUMN "html" SET STORAGE EXTERNAL,
  ALTER COLUMN "search" SET STORAGE EXTERNAL;

-- The schedule, and what stands between an account and its next sync.
ALTER TABLE "email_account"
  ADD COLUMN "next_sync_at" TIMESTAMPTZ(3),
  ADD COLUMN "needs_auth_since" TIMESTAMPTZ(3),
  ADD COLUMN "throttled_until" TIMESTAMPTZ(3);

-- Accounts of before the schedule: spread over the first interval, as new ones are.
UPDATE "email_account" SET "next_sync_at" = now() + random() * interval '15 minutes' WHERE "is_active";

CREATE INDEX "email_account_next_sync_at_idx" ON "email_account"("next_sync_at");

-- Retries, and the order of the queue.
ALTER TABLE "sync_run"
  ADD COLUMN "retries" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "queued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

UPDATE "sync_run" SET "queued_at" = "requested_at";

ALTER TABLE "tenant" ADD COLUMN "served_at" TIMESTAMPTZ(3);

-- How each mailbox was brought up to date in a run, and why so.
CREATE TABLE "sync_run_mailbox" (
    "run_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "planned_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sync_run_mailbox_pkey" PRIMARY KEY ("run_id","path")
);

ALTER TABLE "sync_run_mailbox" ADD CONSTRAINT "sync_run_mailbox_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "sync_run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Hosts that turned connections away, and until when they are left alone.
CREATE TABLE "imap_host" (
    "host" TEXT NOT NULL,
    "refusals" INTEGER NOT NULL,
    "cooling_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "imap_host_pkey" PRIMARY KEY ("host")
);

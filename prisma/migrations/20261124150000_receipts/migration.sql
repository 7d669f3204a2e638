-- What a run proved (docs/correctness.md).
CREATE TABLE "sync_receipt" (
    "run_id" UUID NOT NULL,
    "complete" BOOLEAN NOT NULL,
    "mailboxes" JSONB NOT NULL,

    CONSTRAINT "sync_receipt_pkey" PRIMARY KEY ("run_id")
);

ALTER TABLE "sync_receipt" ADD CONSTRAINT "sync_receipt_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "sync_run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Beside the mailbox: every run writes here, also one that finds nothing new.
CREATE TABLE "mailbox_proof" (
    "mailbox_id" UUID NOT NULL,
    "uid_set_digest" TEXT,
    "synced_at" TIMESTAMPTZ(3),
    "proven_current_at" TIMESTAMPTZ(3),
    "compared_at" TIMESTAMPTZ(3),

    CONSTRAINT "mailbox_proof_pkey" PRIMARY KEY ("mailbox_id")
);

ALTER TABLE "mailbox_proof" ADD CONSTRAINT "mailbox_proof_mailbox_id_fkey" FOREIGN KEY ("mailbox_id") REFERENCES "mailbox"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Every receipt lists the gaps of all mailboxes: there are hardly ever any.
CREATE INDEX "message_location_quarantined" ON "message_location"("mailbox_id") WHERE "state" = 'QUARANTINED' AND "deleted_at" IS NULL;

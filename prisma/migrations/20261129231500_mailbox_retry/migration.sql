-- A mailbox over which the server breaks down is set aside, as messages are (src/store/mail/quarantine-mailbox.ts).
-- Columns without a value, or with a constant one, rewrite nothing.
ALTER TABLE "mailbox" ADD COLUMN "attempts" INTEGER NOT NULL DEFAULT 0, ADD COLUMN "retry_at" TIMESTAMPTZ(3);

-- How long a run may go on at least, in milliseconds, before it gives its place to others: in place of how often it did.
ALTER TABLE "sync_run"
  ADD COLUMN "turn_ms" INTEGER NOT NULL DEFAULT 1000,
  DROP COLUMN "yields";

-- Turns: since when a run goes on, and how often it has given its place to others.
ALTER TABLE "sync_run"
  ADD COLUMN "turn_began_at" TIMESTAMPTZ(3),
  ADD COLUMN "yields" INTEGER NOT NULL DEFAULT 0;

UPDATE "sync_run" SET "turn_began_at" = now() WHERE "status" = 'RUNNING';

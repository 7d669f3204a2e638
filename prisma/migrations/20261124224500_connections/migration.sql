-- How many connections a run may have open, while it is RUNNING: what a host bears is counted over all nodes.
ALTER TABLE "sync_run" ADD COLUMN "connections" INTEGER NOT NULL DEFAULT 1;

-- The span that asked for a run, in W3C's form, so that its trace goes on in whichever process carries the run out.
ALTER TABLE "sync_run" ADD COLUMN "trace_parent" TEXT;

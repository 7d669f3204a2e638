-- Attempts that were lost with their worker, in a row.
ALTER TABLE "sync_run" ADD COLUMN "losses" INTEGER NOT NULL DEFAULT 0;

-- Which login a run was claimed with, so that what was said of an old one is not held against the new one.
ALTER TABLE "email_account" ADD COLUMN "login_version" INTEGER NOT NULL DEFAULT 0;

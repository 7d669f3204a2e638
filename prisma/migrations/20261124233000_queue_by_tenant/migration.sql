-- Whose run it is, on its own row, so that the queue can be read tenant by tenant from an index
-- (src/store/runs/queue-order.ts). The database fills it in: nodes of the version before do not know it.
ALTER TABLE "sync_run" ADD COLUMN "tenant_id" UUID;

UPDATE "sync_run" r SET "tenant_id" = a."tenant_id" FROM "email_account" a
WHERE a."id" = r."account_id" AND r."status" IN ('QUEUED', 'RUNNING', 'WAITING_RETRY');

-- Prisma's adapter ends a statement at every semicolon: \073 is one that it does not see.
CREATE FUNCTION "sync_run_of_tenant"() RETURNS trigger LANGUAGE plpgsql AS E'
BEGIN
  NEW."tenant_id" := (SELECT "tenant_id" FROM "email_account" WHERE "id" = NEW."account_id")\073
  RETURN NEW\073
END';

CREATE TRIGGER "sync_run_of_tenant" BEFORE INSERT ON "sync_run" FOR EACH ROW EXECUTE FUNCTION "sync_run_of_tenant"();

CREATE INDEX "sync_run_queue" ON "sync_run"("tenant_id", "trigger", "queued_at", "id") WHERE "status" = 'QUEUED';

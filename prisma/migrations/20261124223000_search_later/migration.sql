-- Words come into the full-text index after a while (src/store/mail/index-waiting.ts). Null is waiting: of a column that
-- it knows nothing of, PostgreSQL takes null to be the exception. What is there already is indexed.
ALTER TABLE "message" ADD COLUMN "indexed_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP;
ALTER TABLE "message" ALTER COLUMN "indexed_at" DROP DEFAULT;

DROP INDEX "message_search";
CREATE INDEX "message_search" ON "message" USING gin ("search") WITH (fastupdate = on, gin_pending_list_limit = 1024)
  WHERE "indexed_at" IS NOT NULL;

-- Those that wait, oldest first.
CREATE INDEX "message_search_waiting" ON "message"("created_at") WHERE "indexed_at" IS NULL;

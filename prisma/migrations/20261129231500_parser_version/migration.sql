-- Stored messages are parsed again in the background when the parser has changed (src/store/mail/reparse.ts). Constant
-- defaults rewrite no row. Each version of the parser makes this index for itself: it holds what an earlier version
-- parsed, all mail at first, and nothing in the end.
ALTER TABLE "message" ADD COLUMN "parser_version" SMALLINT NOT NULL DEFAULT 0, ADD COLUMN "text_pack_id" UUID;
CREATE INDEX "message_stale" ON "message"("account_id", "pack_id") WHERE "parser_version" < 1;

-- Which version of the rules put a Message-ID into its thread, and who carries it as its own.
ALTER TABLE "thread_reference" ADD COLUMN "carrier" BIGINT, ADD COLUMN "parser_version" SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE "email_account" ADD COLUMN "thread_revision" INTEGER NOT NULL DEFAULT 0;

-- Version 2 of the parser shows the Sender of a message without a From.
DROP INDEX "message_stale";
CREATE INDEX "message_stale" ON "message"("account_id", "pack_id") WHERE "parser_version" < 2;

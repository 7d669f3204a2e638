-- A mailbox's name as the server sent it, byte for byte. Null until the next LIST for what is stored already.
ALTER TABLE "mailbox" ADD COLUMN "raw_name" BYTEA;

-- What the server answered to LIST that could not be read. Receipts that are stored already say nothing of it.
ALTER TABLE "sync_receipt" ADD COLUMN "unread_answers" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "sync_receipt" ADD COLUMN "unread_samples" TEXT[] DEFAULT ARRAY[]::TEXT[];

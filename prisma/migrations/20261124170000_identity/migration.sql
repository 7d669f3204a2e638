-- What servers with OBJECTID (RFC 8474), or Gmail's X-GM-MSGID, know mailboxes and messages by, wherever they are.
ALTER TABLE "mailbox" ADD COLUMN "object_id" TEXT;

ALTER TABLE "message_location" ADD COLUMN "email_id" TEXT;

-- Empty on servers without.
CREATE INDEX "message_location_email_id" ON "message_location"("account_id", "email_id") WHERE "email_id" IS NOT NULL;

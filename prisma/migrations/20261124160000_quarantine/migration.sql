-- When a message that was set aside is asked for again, and which messages are stored as headers only.
ALTER TABLE "message_location" ADD COLUMN "retry_at" TIMESTAMPTZ(3);

ALTER TABLE "message" ADD COLUMN "headers_only" BOOLEAN NOT NULL DEFAULT false;

-- When a message was first listed. In two steps: of the rows that are there nobody knows.
ALTER TABLE "message_location" ADD COLUMN "seen_at" TIMESTAMPTZ(3);
ALTER TABLE "message_location" ALTER COLUMN "seen_at" SET DEFAULT CURRENT_TIMESTAMP;

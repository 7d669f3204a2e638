-- A list of threads asks of each message whether its thread has a newer one (src/store/mail/search-messages.ts): in this index
-- it is the next entry, however many messages the thread has.
CREATE INDEX "message_thread_id_received_at_id_idx" ON "message"("thread_id", "received_at", "id");
DROP INDEX "message_thread_id_idx";

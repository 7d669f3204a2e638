-- Whether the timeline tells that a message came to this place: what is told of already did not come by the move that
-- empties another place later (src/store/mail/tombstone.ts). In two steps: of what is there it was told.
ALTER TABLE "message_location" ADD COLUMN "arrival_told" BOOLEAN NOT NULL DEFAULT true;
ALTER TABLE "message_location" ALTER COLUMN "arrival_told" SET DEFAULT false;

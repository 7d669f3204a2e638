-- Whether a message's HTML seems to ask for images of other servers (src/mime/remote-images.ts). Null where it was stored
-- before this was looked for. No row is rewritten.
ALTER TABLE "message" ADD COLUMN "has_remote_images" BOOLEAN;

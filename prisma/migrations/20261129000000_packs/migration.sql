-- Texts, HTML and sources of messages that came together are compressed together (src/mime/columns/pack-writer.ts).
CREATE TABLE "pack" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "texts" BYTEA NOT NULL,
    "sources" BYTEA NOT NULL,

    CONSTRAINT "pack_pkey" PRIMARY KEY ("id")
);
ALTER TABLE "pack" ALTER COLUMN "texts" SET STORAGE EXTERNAL, ALTER COLUMN "sources" SET STORAGE EXTERNAL;
ALTER TABLE "message" ADD COLUMN "pack_id" UUID, ADD COLUMN "text_at" INTEGER, ADD COLUMN "text_size" INTEGER,
  ADD COLUMN "html_size" INTEGER, ADD COLUMN "source_at" INTEGER;

-- Of what is there, each message gets a pack of its own, with the message's id. Its source is a zstd frame already. Its
-- text becomes one here: a frame (RFC 8878, 3.1.1) may hold blocks as they are, which takes no compressor. Header: magic
-- number, descriptor (single segment, four bytes of length), length. Then come blocks of at most 128 kB, each behind
-- three bytes: length times eight, type 0 (raw), and 1 for the last one.
CREATE FUNCTION "little_endian"(n INTEGER) RETURNS BYTEA LANGUAGE sql IMMUTABLE AS $$
  SELECT set_byte(set_byte(set_byte(set_byte('\x00000000'::bytea, 0, n & 255), 1, (n >> 8) & 255),
    2, (n >> 16) & 255), 3, (n >> 24) & 255)
$$;
CREATE FUNCTION "raw_zstd_frame"(bytes BYTEA) RETURNS BYTEA LANGUAGE sql IMMUTABLE AS $$
  SELECT '\x28b52ffda0'::bytea || little_endian(length(bytes)) || string_agg(
    substring(little_endian((length(block) << 3) + CASE WHEN n = last THEN 1 ELSE 0 END) FROM 1 FOR 3) || block,
    ''::bytea ORDER BY n)
  FROM (SELECT greatest(length(bytes) - 1, 0) / 131072 AS last) AS blocks,
    generate_series(0, last) AS n,
    substring(bytes FROM n * 131072 + 1 FOR 131072) AS block
$$;
INSERT INTO "pack" ("id", "account_id", "texts", "sources")
SELECT m."id", m."account_id", raw_zstd_frame(convert_to(m."text" || coalesce(m."html", ''), 'UTF8')), s."zstd"
FROM "message" m JOIN "message_source" s ON s."message_id" = m."id";
-- What is in the pack now is no longer in the row: a dropped column would keep it.
UPDATE "message" SET "pack_id" = "id", "text_at" = 0, "text_size" = length(convert_to("text", 'UTF8')),
  "html_size" = length(convert_to("html", 'UTF8')), "source_at" = 0, "text" = '', "html" = NULL;
DROP FUNCTION "raw_zstd_frame"(BYTEA);
DROP FUNCTION "little_endian"(INTEGER);

ALTER TABLE "message" ALTER COLUMN "pack_id" SET NOT NULL, ALTER COLUMN "text_at" SET NOT NULL,
  ALTER COLUMN "text_size" SET NOT NULL, ALTER COLUMN "source_at" SET NOT NULL, DROP COLUMN "text", DROP COLUMN "html";
DROP TABLE "message_source";
CREATE INDEX "pack_account_id_idx" ON "pack"("account_id");
ALTER TABLE "pack" ADD CONSTRAINT "pack_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "email_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Nobody looks for the places whose message is not there yet, which every place is at first.
DROP INDEX "message_location_message_id_idx";
CREATE INDEX "message_location_message_id_idx" ON "message_location"("message_id") WHERE "message_id" IS NOT NULL;

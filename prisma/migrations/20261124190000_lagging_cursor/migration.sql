-- A HIGHESTMODSEQ that is not trusted as a cursor yet (Gmail).
ALTER TABLE "mailbox" ADD COLUMN "lagging_modseq" BIGINT,
  ADD COLUMN "lagging_since" TIMESTAMPTZ(3);

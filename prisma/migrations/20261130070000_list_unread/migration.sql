-- Whether a part of the account's list of mailboxes could not be read when its last receipt was taken.
ALTER TABLE "email_account" ADD COLUMN "list_unread" BOOLEAN NOT NULL DEFAULT false;

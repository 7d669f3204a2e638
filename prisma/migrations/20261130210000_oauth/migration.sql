-- Sign-ins at OAuth providers. An account now has either credentials of its own or a grant.
CREATE TYPE "OAuthAttemptStatus" AS ENUM ('CREATED', 'SIGNING_IN', 'CONNECTING', 'SUCCEEDED', 'FAILED');

CREATE TABLE "oauth_grant" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "provider" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "email_address" TEXT NOT NULL,
    "scopes" TEXT[],
    "refresh_token" TEXT NOT NULL,
    "access_token" TEXT,
    "access_expires_at" TIMESTAMPTZ(3),
    "refresh_expires_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 0,
    "lease_token" UUID,
    "lease_until" TIMESTAMPTZ(3),
    "forced_at" TIMESTAMPTZ(3),
    "dead_since" TIMESTAMPTZ(3),
    "dead_reason" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "oauth_grant_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "oauth_grant_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id")
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "oauth_grant_tenant_id_provider_issuer_subject_key"
    ON "oauth_grant"("tenant_id", "provider", "issuer", "subject");

CREATE TABLE "oauth_attempt" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "provider" TEXT NOT NULL,
    "status" "OAuthAttemptStatus" NOT NULL DEFAULT 'CREATED',
    "ticket_hash" BYTEA NOT NULL,
    "state_hash" BYTEA,
    "browser_hash" BYTEA,
    "verifier" TEXT,
    "email_address" TEXT,
    "is_shared" BOOLEAN NOT NULL DEFAULT false,
    "account_id" UUID,
    "return_to" TEXT,
    "error_code" TEXT,
    "error_message" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "oauth_attempt_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "oauth_attempt_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id")
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "oauth_attempt_ticket_hash_key" ON "oauth_attempt"("ticket_hash");
CREATE UNIQUE INDEX "oauth_attempt_state_hash_key" ON "oauth_attempt"("state_hash");
CREATE INDEX "oauth_attempt_tenant_id_idx" ON "oauth_attempt"("tenant_id");
CREATE INDEX "oauth_attempt_expires_at_idx" ON "oauth_attempt"("expires_at");

ALTER TABLE "email_account" ALTER COLUMN "credentials" DROP NOT NULL;
ALTER TABLE "email_account" ADD COLUMN "grant_id" UUID;
ALTER TABLE "email_account" ADD CONSTRAINT "email_account_grant_id_fkey"
    FOREIGN KEY ("grant_id") REFERENCES "oauth_grant"("id") ON DELETE NO ACTION ON UPDATE CASCADE;
ALTER TABLE "email_account" ADD CONSTRAINT "email_account_one_login"
    CHECK (("credentials" IS NULL) <> ("grant_id" IS NULL));
CREATE INDEX "email_account_grant_id_idx" ON "email_account"("grant_id");

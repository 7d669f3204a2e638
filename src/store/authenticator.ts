import type { PrismaClient } from '../generated/prisma/client.ts';
import { hashSecret, type Identity, parseApiKey, secretMatches } from './api-key.ts';
import { authenticateSession, endSession } from './sessions.ts';

/** Tells who bears a key or a session. Null means nobody: unknown, wrong, ended and malformed look the same. */
export interface Authenticator {
  key(key: string): Promise<Identity | null>;
  session(token: string): Promise<Identity | null>;
  /** Ends the session at once, here also in memory. */
  endSession(token: string): Promise<void>;
}

/** A revoked key works this much longer on a node that knows it. */
const REMEMBER_MS = 30_000;
const REMEMBER_MOST = 1000;

/**
 * Remembers who was let in for a while, so that a request does not wait for a database that is busy with a sync.
 * Refusals are not remembered: a new key works at once, and guesses cannot fill the memory.
 */
export function createAuthenticator(prisma: PrismaClient): Authenticator {
  const known = new Map<string, { identity: Identity; until: number }>();

  async function remembered(
    secret: string,
    find: (secret: string) => Promise<Identity | null>,
  ): Promise<Identity | null> {
    const name = fingerprint(secret);
    const entry = known.get(name);
    if (entry && entry.until > Date.now()) return entry.identity;
    known.delete(name);
    const identity = await find(secret);
    if (identity) {
      const oldest = known.size < REMEMBER_MOST ? undefined : known.keys().next().value;
      if (oldest !== undefined) known.delete(oldest);
      known.set(name, { identity, until: Date.now() + REMEMBER_MS });
    }
    return identity;
  }

  return {
    key: (key) => remembered(key, () => authenticate(prisma, key)),
    session: (token) => remembered(token, () => authenticateSession(prisma, token)),
    async endSession(token) {
      known.delete(fingerprint(token));
      await endSession(prisma, token);
    },
  };
}

/** Whose key this is, or null. */
export async function authenticate(prisma: PrismaClient, key: string): Promise<Identity | null> {
  const parts = parseApiKey(key);
  // What is no key and an unknown id go the way of a wrong secret: a query, then a comparison.
  const row = await prisma.apiKey.findUnique({ where: { id: parts?.id ?? '' } });
  const matches = secretMatches(parts?.secret ?? '', row?.secretHash ?? NOBODY);
  return row && matches ? { tenantId: row.tenantId, apiKeyId: row.id } : null;
}

const NOBODY = new Uint8Array(32);

/** The memory holds no secret that a dump of it could give away. */
const fingerprint = (secret: string): string => hashSecret(secret).toString('base64');

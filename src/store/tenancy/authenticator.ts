import type { PrismaClient } from '../../generated/prisma/client.ts';
import { type Credential, hashSecret, parseApiKey, secretMatches } from './api-key.ts';
import { createCredentialWatch } from './credential-watch.ts';
import { authenticateSession, endSession, sessionIdOf } from './sessions.ts';

/** Identifies the bearer of a key or a session. Unknown, wrong, ended and malformed ones are all null. */
export interface Authenticator {
  key(key: string): Promise<Credential | null>;
  session(token: string): Promise<Credential | null>;
  /** Returns whether this key or token was valid within the last half minute, so that checking it needs no query. */
  remembers(secret: string): boolean;
  /** Ends the session, on this node at once. */
  endSession(token: string): Promise<void>;
  /**
   * Calls `onRevoked` once, within 2 s after the key is revoked or the session ends, on whichever node. Returns a
   * function that stops watching.
   */
  watch(credential: Credential, onRevoked: () => void): () => void;
}

const REMEMBER_MS = 30_000;
const REMEMBER_MOST = 1000;

/**
 * Creates an authenticator that remembers valid credentials for a while, so that a request does not wait for a database
 * that is busy with a sync. A credential that is revoked meanwhile is forgotten. Refusals are not remembered: a new key
 * works at once, and guesses cannot fill the memory.
 * @param checkEveryMs interval at which the database is queried for revoked credentials
 */
export function createAuthenticator(prisma: PrismaClient, checkEveryMs?: number): Authenticator {
  const revocations = createCredentialWatch(prisma, checkEveryMs);
  const known = new Map<string, { credential: Credential; forget: () => void }>();

  async function remembered(
    secret: string,
    find: (secret: string) => Promise<Credential | null>,
  ): Promise<Credential | null> {
    const name = fingerprint(secret);
    const entry = known.get(name);
    if (entry) return entry.credential;
    const credential = await find(secret);
    if (credential && !known.has(name)) remember(name, credential);
    return credential;
  }

  function remember(name: string, credential: Credential): void {
    const oldest = known.size < REMEMBER_MOST ? undefined : known.values().next().value;
    oldest?.forget();
    const forget = () => {
      clearTimeout(timer);
      stopWatching();
      known.delete(name);
    };
    const timer = setTimeout(forget, REMEMBER_MS).unref();
    const stopWatching = revocations.watch(credential, forget);
    known.set(name, { credential, forget });
  }

  return {
    key: (key) => remembered(key, () => authenticate(prisma, key)),
    session: (token) => remembered(token, () => authenticateSession(prisma, token)),
    remembers: (secret) => known.has(fingerprint(secret)),
    async endSession(token) {
      await endSession(prisma, token);
      revocations.endSession(sessionIdOf(token));
    },
    watch: (credential, onRevoked) => revocations.watch(credential, onRevoked),
  };
}

/** Returns the credential of this key, or null. */
export async function authenticate(prisma: PrismaClient, key: string): Promise<Credential | null> {
  const parts = parseApiKey(key);
  // A malformed key and an unknown id take as long as a wrong secret: a query, then a comparison.
  const row = await prisma.apiKey.findUnique({ where: { id: parts?.id ?? '' } });
  const matches = secretMatches(parts?.secret ?? '', row?.secretHash ?? NOBODY);
  if (!row || !matches) return null;
  const keyHash = Buffer.from(row.secretHash).toString('hex');
  return { tenantId: row.tenantId, apiKeyId: row.id, keyHash, sessionId: null };
}

const NOBODY = new Uint8Array(32);

/** Returns a hash, so that a memory dump reveals no secret. */
const fingerprint = (secret: string): string => hashSecret(secret).toString('base64');

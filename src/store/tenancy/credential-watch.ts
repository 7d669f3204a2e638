import type { PrismaClient } from '../../generated/prisma/client.ts';
import type { Credential } from './api-key.ts';

/** Interval in milliseconds. A revoked key stops working on every node within twice this time. */
export const CHECK_EVERY_MS = 1000;

interface Watched {
  readonly credential: Credential;
  readonly listeners: Set<() => void>;
}

export interface CredentialWatch {
  /** Calls `onRevoked` once when the key is revoked or the session ends. Returns a function that stops watching. */
  watch(credential: Credential, onRevoked: () => void): () => void;
  /** Reports the session as ended at once, on this node. */
  endSession(sessionId: string): void;
}

/**
 * Queries the database once per interval for which of the watched keys and sessions still exist, and not at all while
 * none is watched. Any process that reaches the database can revoke a key, so only the rows show it.
 */
export function createCredentialWatch(prisma: PrismaClient, everyMs: number = CHECK_EVERY_MS): CredentialWatch {
  const watched = new Map<string, Watched>();
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    // check() does not reject: it handles a failed query itself.
    setTimeout(() => void check(), everyMs).unref();
  }

  async function check(): Promise<void> {
    const credentials = [...watched.values()].map(({ credential }) => credential);
    try {
      const valid = await stillValid(prisma, credentials);
      for (const credential of credentials) if (!valid.has(nameOf(credential))) revoke(credential);
    } catch {
      // If the database does not answer, nothing is revoked. All other queries fail too, and the next check follows.
    }
    isScheduled = false;
    if (watched.size > 0) schedule();
  }

  function revoke(credential: Credential): void {
    const name = nameOf(credential);
    const listeners = watched.get(name)?.listeners ?? [];
    watched.delete(name);
    for (const listener of listeners) listener();
  }

  return {
    watch(credential, onRevoked) {
      const name = nameOf(credential);
      const entry = watched.get(name) ?? { credential, listeners: new Set() };
      watched.set(name, entry);
      // Each watcher counts separately, even if two pass the same function.
      const listener = () => onRevoked();
      entry.listeners.add(listener);
      schedule();
      return () => {
        entry.listeners.delete(listener);
        if (entry.listeners.size === 0 && watched.get(name) === entry) watched.delete(name);
      };
    },
    endSession(sessionId) {
      for (const { credential } of watched.values()) if (credential.sessionId === sessionId) revoke(credential);
    },
  };
}

/**
 * Returns the name of a credential. It includes the hash, because a configured key can get a new secret under its id.
 */
const nameOf = ({ sessionId, apiKeyId, keyHash }: Credential): string =>
  sessionId === null ? `key ${apiKeyId} ${keyHash}` : `session ${sessionId}`;

async function stillValid(prisma: PrismaClient, credentials: readonly Credential[]): Promise<Set<string>> {
  const sessionIds = credentials.flatMap(({ sessionId }) => sessionId ?? []);
  const keyIds = credentials.filter(({ sessionId }) => sessionId === null).map(({ apiKeyId }) => apiKeyId);
  const [keys, sessions] = await Promise.all([
    keyIds.length === 0
      ? []
      : prisma.apiKey.findMany({ where: { id: { in: keyIds } }, select: { id: true, secretHash: true } }),
    sessionIds.length === 0
      ? []
      : prisma.session.findMany({
          where: { id: { in: sessionIds }, expiresAt: { gt: new Date() } },
          select: { id: true },
        }),
  ]);
  return new Set([
    ...keys.map(({ id, secretHash }) => `key ${id} ${Buffer.from(secretHash).toString('hex')}`),
    ...sessions.map(({ id }) => `session ${id}`),
  ]);
}

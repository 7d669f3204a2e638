import type { PrismaClient } from '../../generated/prisma/client.ts';
import { type Credential, hashSecret, type Identity, newSecret } from './api-key.ts';

const DAY = 24 * 60 * 60 * 1000;
export const SESSION_DAYS = 30;
/** Most sessions of one key at a time: the oldest ends when another one begins. */
export const MAX_SESSIONS = 100;

/**
 * Starts a session for a valid key, and deletes expired ones and the key's oldest. @returns the token for the cookie
 */
export async function createSession(prisma: PrismaClient, identity: Identity): Promise<string> {
  await prisma.session.deleteMany({ where: { NOT: { expiresAt: possibleEnds() } } });
  await endOldest(prisma, identity.apiKeyId);
  const token = newSecret();
  await prisma.session.create({
    data: {
      id: sessionIdOf(token),
      tenantId: identity.tenantId,
      apiKeyId: identity.apiKeyId,
      expiresAt: new Date(Date.now() + SESSION_DAYS * DAY),
    },
  });
  return token;
}

export async function endSession(prisma: PrismaClient, token: string): Promise<void> {
  await prisma.session.deleteMany({ where: { id: sessionIdOf(token) } });
}

/** Returns the credential of the token, or null if it is unknown, ended or expired. */
export async function authenticateSession(prisma: PrismaClient, token: string): Promise<Credential | null> {
  const session = await prisma.session.findUnique({
    where: { id: sessionIdOf(token), expiresAt: possibleEnds() },
    select: { id: true, tenantId: true, apiKeyId: true },
  });
  return session && { tenantId: session.tenantId, apiKeyId: session.apiKeyId, keyHash: null, sessionId: session.id };
}

/**
 * Returns the range in which valid sessions expire. It includes an extra day, because the clocks of nodes differ. A
 * session that expires even later was created by a wrong clock, and counts as expired.
 */
const possibleEnds = () => ({ gt: new Date(), lt: new Date(Date.now() + (SESSION_DAYS + 1) * DAY) });

/** Ends the oldest sessions of a key, so that one more is allowed. */
async function endOldest(prisma: PrismaClient, apiKeyId: string): Promise<void> {
  const surplus = await prisma.session.findMany({
    where: { apiKeyId },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    skip: MAX_SESSIONS - 1,
    select: { id: true },
  });
  if (surplus.length > 0) await prisma.session.deleteMany({ where: { id: { in: surplus.map(({ id }) => id) } } });
}

/** Returns the id of a session's row: a hash of the token, so that a copy of the table is of no use for signing in. */
export const sessionIdOf = (token: string): string => hashSecret(token).toString('hex');

import type { PrismaClient } from '../generated/prisma/client.ts';
import { hashSecret, type Identity, newSecret } from './api-key.ts';

const DAY = 24 * 60 * 60 * 1000;
export const SESSION_DAYS = 30;

/** Starts a session for who has shown a valid key, and drops what expired. @returns the token for the cookie. */
export async function createSession(prisma: PrismaClient, identity: Identity): Promise<string> {
  await prisma.session.deleteMany({ where: { expiresAt: { lt: new Date() } } });
  const token = newSecret();
  await prisma.session.create({
    data: {
      id: sessionId(token),
      tenantId: identity.tenantId,
      apiKeyId: identity.apiKeyId,
      expiresAt: new Date(Date.now() + SESSION_DAYS * DAY),
    },
  });
  return token;
}

export async function endSession(prisma: PrismaClient, token: string): Promise<void> {
  await prisma.session.deleteMany({ where: { id: sessionId(token) } });
}

/** Who the token stands for, or null when it is unknown, ended or expired. */
export async function authenticateSession(prisma: PrismaClient, token: string): Promise<Identity | null> {
  const session = await prisma.session.findUnique({
    where: { id: sessionId(token), expiresAt: { gt: new Date() } },
    select: { tenantId: true, apiKeyId: true },
  });
  return session;
}

/** The row is named by the token's hash, so that a copy of the table signs nobody in. */
const sessionId = (token: string): string => hashSecret(token).toString('hex');

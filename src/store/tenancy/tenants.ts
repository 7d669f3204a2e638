import { newId } from '../../domain/ids.ts';
import { MailtideError } from '../../errors.ts';
import type { Prisma, PrismaClient, Tenant } from '../../generated/prisma/client.ts';
import { hashSecret, newApiKey, parseApiKey } from './api-key.ts';

const FIRST_TENANT = 'default';

export interface TenantSummary {
  readonly name: string;
  readonly createdAt: Date;
  readonly apiKeys: number;
  readonly accounts: number;
}

export interface KeySummary {
  readonly id: string;
  readonly createdAt: Date;
  /** It comes from the setting API_KEY, and is created again at the next start while that is set. */
  readonly isConfigured: boolean;
  readonly sessions: number;
}

/**
 * Ensures that a user can sign in. With `apiKey` (the setting API_KEY), that key replaces the one that was configured
 * before for the first tenant. Without it, a key is created if the tenant has none.
 * @returns the created key, to be printed once, or null
 */
export async function ensureFirstTenant(prisma: PrismaClient, apiKey: string | undefined): Promise<string | null> {
  const tenant = await firstTenant(prisma);
  if (apiKey !== undefined) {
    await configureKey(prisma, tenant, apiKey);
    return null;
  }
  const keys = await prisma.apiKey.count({ where: { tenantId: tenant.id } });
  return keys > 0 ? null : storeNewKey(prisma, tenant.id);
}

/** Creates a tenant and its first key. @returns the key, which is not stored and can be shown only now */
export async function addTenant(prisma: PrismaClient, name: string): Promise<string> {
  return prisma.$transaction(async (tx) => {
    const id = newId();
    const { count } = await tx.tenant.createMany({ data: [{ id, name }], skipDuplicates: true });
    if (count === 0) throw new MailtideError('BAD_USER_INPUT', { message: `The tenant "${name}" already exists.` });
    return storeNewKey(tx, id);
  });
}

/** Creates one more key for a tenant. @returns the key, which is not stored and can be shown only now */
export async function addKey(prisma: PrismaClient, tenantName: string): Promise<string> {
  return storeNewKey(prisma, (await tenantNamed(prisma, tenantName)).id);
}

/** @throws NOT_FOUND */
export async function listKeys(prisma: PrismaClient, tenantName: string): Promise<KeySummary[]> {
  const { id: tenantId } = await tenantNamed(prisma, tenantName);
  const keys = await prisma.apiKey.findMany({
    where: { tenantId },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    include: { _count: { select: { sessions: true } } },
  });
  return keys.map(({ id, createdAt, isConfigured, _count }) => ({ id, createdAt, isConfigured, ..._count }));
}

/** Revokes a key and ends its sessions. Connections opened with either end within 2 s. @throws NOT_FOUND */
export async function revokeKey(prisma: PrismaClient, keyId: string): Promise<void> {
  const { count } = await prisma.apiKey.deleteMany({ where: { id: keyId } });
  if (count === 0) throw new MailtideError('NOT_FOUND', { message: `The key "${keyId}" does not exist.` });
}

/** Ends all sessions of a tenant; its keys stay valid. @returns the number of sessions @throws NOT_FOUND */
export async function endSessions(prisma: PrismaClient, tenantName: string): Promise<number> {
  const { id: tenantId } = await tenantNamed(prisma, tenantName);
  const { count } = await prisma.session.deleteMany({ where: { tenantId } });
  return count;
}

export async function listTenants(prisma: PrismaClient): Promise<TenantSummary[]> {
  const tenants = await prisma.tenant.findMany({
    orderBy: { createdAt: 'asc' },
    include: { _count: { select: { apiKeys: true, accounts: true } } },
  });
  return tenants.map(({ name, createdAt, _count }) => ({ name, createdAt, ..._count }));
}

async function tenantNamed(prisma: PrismaClient, name: string): Promise<Tenant> {
  const tenant = await prisma.tenant.findUnique({ where: { name } });
  if (!tenant) throw new MailtideError('NOT_FOUND', { message: `The tenant "${name}" does not exist.` });
  return tenant;
}

async function firstTenant(prisma: PrismaClient): Promise<Tenant> {
  const oldest = await prisma.tenant.findFirst({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
  if (oldest) return oldest;
  // Two nodes may start at once on an empty database: one of them creates the row, both find it.
  await prisma.tenant.createMany({ data: [{ id: newId(), name: FIRST_TENANT }], skipDuplicates: true });
  return prisma.tenant.findUniqueOrThrow({ where: { name: FIRST_TENANT } });
}

async function configureKey(prisma: PrismaClient, tenant: Tenant, apiKey: string): Promise<void> {
  const key = parseApiKey(apiKey);
  if (!key) throw new MailtideError('BAD_USER_INPUT', { message: 'API_KEY must look like mt_<id>_<secret>.' });
  const row = { tenantId: tenant.id, secretHash: new Uint8Array(hashSecret(key.secret)), isConfigured: true };
  await prisma.$transaction(async (tx) => {
    const taken = await tx.apiKey.findUnique({ where: { id: key.id } });
    if (taken && taken.tenantId !== tenant.id) {
      throw new MailtideError('BAD_USER_INPUT', {
        message: "API_KEY has the id of another tenant's key. Use a key with another id.",
      });
    }
    // The sessions of a replaced key end with its row.
    await tx.apiKey.deleteMany({ where: { tenantId: tenant.id, isConfigured: true, NOT: { id: key.id } } });
    if (taken && !Buffer.from(taken.secretHash).equals(row.secretHash)) {
      await tx.apiKey.delete({ where: { id: key.id } });
    }
    await tx.apiKey.upsert({ where: { id: key.id }, create: { id: key.id, ...row }, update: row });
  });
}

async function storeNewKey(prisma: Prisma.TransactionClient, tenantId: string): Promise<string> {
  const key = newApiKey();
  const { id, secret } = parseApiKey(key)!;
  await prisma.apiKey.create({ data: { id, tenantId, secretHash: new Uint8Array(hashSecret(secret)) } });
  return key;
}

import { MailtideError } from '../../errors.ts';
import type { EmailAccount, PrismaClient } from '../../generated/prisma/client.ts';
import type { Lease } from '../runs/lease.ts';

/** Returns the account of a claimed run. @throws LEASE_LOST if it has been deleted since, together with its runs */
export async function heldAccount(prisma: PrismaClient, { accountId }: Lease): Promise<EmailAccount> {
  const account = await prisma.emailAccount.findUnique({ where: { id: accountId } });
  if (!account) throw new MailtideError('LEASE_LOST');
  return account;
}

import { MailtideError } from '../../errors.ts';
import type { EmailAccount, PrismaClient } from '../../generated/prisma/client.ts';
import type { Lease } from '../plumbing/sql.ts';

/** The account of a claimed run. @throws LEASE_LOST when it has been deleted since: its runs went with it. */
export async function heldAccount(prisma: PrismaClient, { accountId }: Lease): Promise<EmailAccount> {
  const account = await prisma.emailAccount.findUnique({ where: { id: accountId } });
  if (!account) throw new MailtideError('LEASE_LOST');
  return account;
}

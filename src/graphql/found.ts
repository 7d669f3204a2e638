import { MailtideError } from '../errors.ts';
import type { GraphQLContext } from './context.ts';
import { requireId } from './ids.ts';

/** What was found. @throws NOT_FOUND for null: it does not exist, or it is another tenant's, which looks the same. */
export function found<T>(value: T | null): T {
  if (value === null) throw new MailtideError('NOT_FOUND');
  return value;
}

/** Checks that the tenant has the row that a list is asked about, so that a wrong id is told from an empty list. */
export async function requireVisible(
  { prisma }: GraphQLContext,
  type: 'EmailAccount' | 'Mailbox' | 'Thread',
  globalId: string,
): Promise<string> {
  const id = requireId(type, globalId);
  const where = { where: { id }, select: { id: true } };
  if (type === 'EmailAccount') found(await prisma.emailAccount.findUnique(where));
  else if (type === 'Mailbox') found(await prisma.mailbox.findUnique(where));
  else found(await prisma.thread.findUnique(where));
  return id;
}

import { MailtideError } from '../errors.ts';
import type { GraphQLContext } from './context.ts';
import { requireId } from './ids.ts';

/** Returns the value. @throws NOT_FOUND for null: the row does not exist, or belongs to another tenant. */
export function found<T>(value: T | null): T {
  if (value === null) throw new MailtideError('NOT_FOUND');
  return value;
}

/** Returns the row's id. @throws NOT_FOUND if the tenant has no such row, so that a wrong id is not an empty list. */
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

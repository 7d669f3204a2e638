import { isId } from '../domain/ids.ts';
import { MailtideError } from '../errors.ts';

/** The types that have an id of their own. Their names are part of the ids, which clients store: do not rename. */
export type NodeType = 'Tenant' | 'EmailAccount' | 'Mailbox' | 'Message' | 'Attachment' | 'Thread' | 'SyncRun';

/** A global id: opaque to clients, safe in addresses, and of no use where another type's id is wanted. */
export const encodeId = (type: NodeType, id: string): string => Buffer.from(`${type}:${id}`).toString('base64url');

/** The row's id, or null for what is no id of this type. */
export function decodeId(type: NodeType, globalId: string): string | null {
  const [name, id, ...rest] = Buffer.from(globalId, 'base64url').toString().split(':');
  return name === type && id !== undefined && rest.length === 0 && isId(id) ? id : null;
}

/** The row's id, or one that no row has: for what is null when there is nothing. */
export const decodeIdOrNone = (type: NodeType, globalId: string): string => decodeId(type, globalId) ?? NIL;

/** RFC 9562, 5.9 */
const NIL = '00000000-0000-0000-0000-000000000000';

/** The row's id. @throws NOT_FOUND, because what has no valid id does not exist. */
export function requireId(type: NodeType, globalId: string): string {
  const id = decodeId(type, globalId);
  if (id === null) throw new MailtideError('NOT_FOUND');
  return id;
}

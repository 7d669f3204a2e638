import { isId } from '../domain/ids.ts';
import { MailtideError } from '../errors.ts';

/** The types that have an id. Do not rename them: their names are part of the ids, which clients store. */
export type NodeType =
  | 'Tenant'
  | 'EmailAccount'
  | 'Mailbox'
  | 'Message'
  | 'Attachment'
  | 'Thread'
  | 'SyncRun'
  | 'OAuthAttempt';

/** Returns a global id: opaque to clients, safe in URLs, and valid for its own type only. */
export const encodeId = (type: NodeType, id: string): string => Buffer.from(`${type}:${id}`).toString('base64url');

/** Returns the row's id, or null if the global id is not one of this type. */
export function decodeId(type: NodeType, globalId: string): string | null {
  const [name, id, ...rest] = Buffer.from(globalId, 'base64url').toString().split(':');
  return name === type && id !== undefined && rest.length === 0 && isId(id) ? id : null;
}

/** Returns the row's id, or one that no row has: for queries that return null if nothing is found. */
export const decodeIdOrNone = (type: NodeType, globalId: string): string => decodeId(type, globalId) ?? NIL;

/** RFC 9562, 5.9 */
const NIL = '00000000-0000-0000-0000-000000000000';

/** Returns the row's id. @throws NOT_FOUND if the global id is not valid, since no such row exists. */
export function requireId(type: NodeType, globalId: string): string {
  const id = decodeId(type, globalId);
  if (id === null) throw new MailtideError('NOT_FOUND');
  return id;
}

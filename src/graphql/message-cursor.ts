import { isId } from '../domain/ids.ts';
import { storableDate } from '../domain/storable-date.ts';
import { MailtideError } from '../errors.ts';
import type { MessagePosition } from '../store/mail/search-messages.ts';

/** Returns a position in the list of messages as an opaque cursor. */
export const encodePosition = ({ receivedAt, id }: MessagePosition): string =>
  Buffer.from(`${receivedAt.getTime()}:${id}`).toString('base64url');

/** Reverses {@link encodePosition}. @throws BAD_USER_INPUT for any other text */
export function decodePosition(cursor: string): MessagePosition {
  const [, time, id = ''] = /^(-?\d{1,15}):(.+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const receivedAt = time === undefined ? null : storableDate(new Date(Number(time)));
  if (receivedAt === null || !isId(id))
    throw new MailtideError('BAD_USER_INPUT', { message: 'The cursor is not valid.' });
  return { receivedAt, id };
}

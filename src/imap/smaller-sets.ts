import type { FetchMessageObject, FetchOptions, FetchQueryObject } from 'imapflow';
import { splitSet } from '../domain/uid-set.ts';
import { MailtideError } from '../errors.ts';
import type { AnswerLimit } from './answer-limits.ts';
import type { ImapSession } from './session.ts';

/** A refused set is divided by this. Exchange ends a session after a few refusals, so halves would take too many. */
const PARTS = 8;

/**
 * Yields the rows of one UID FETCH. If the server answers BAD to a set of several UIDs, the set may be too large for
 * it (Exchange: "Command Error. 10", "Command Error. 12"), and is requested in parts. Rows may arrive twice.
 */
export async function* rowsInParts(
  session: ImapSession,
  set: string,
  query: FetchQueryObject,
  limit: AnswerLimit,
  options: FetchOptions = {},
): AsyncGenerator<FetchMessageObject, void> {
  const waiting = [set];
  while (waiting.length > 0) {
    const next = waiting.shift()!;
    try {
      yield* session.rows(next, query, limit, options);
    } catch (error) {
      const parts = isBad(error) ? splitSet(next, PARTS) : [];
      if (parts.length < 2) throw error;
      waiting.unshift(...parts);
    }
  }
}

function isBad(error: unknown): boolean {
  if (!(error instanceof MailtideError) || error.code !== 'IMAP_SERVER_REFUSED') return false;
  return (error.cause as { responseStatus?: string } | undefined)?.responseStatus === 'BAD';
}

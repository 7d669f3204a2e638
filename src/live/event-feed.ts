import type { Event } from '../generated/prisma/client.ts';

/** The timeline of an account as it grows. */
export interface EventFeed {
  /**
   * Sends every event with a sequence number above `afterSeq`, in order, exactly once, then new events soon after their
   * commit. With null, sends only new events. After a disconnect, a client resumes from the last sequence number it
   * received. Ends with the account. Rejects with NOT_FOUND for another tenant's account.
   */
  ofAccount(
    tenantId: string,
    accountId: string,
    afterSeq: bigint | null,
    signal: AbortSignal,
  ): AsyncIterableIterator<Event>;
}

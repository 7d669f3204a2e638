import type { Event } from '../generated/prisma/client.ts';

/** The timeline of an account as it grows. */
export interface EventFeed {
  /**
   * Every event with a number above `afterSeq`, in order and each once, then those that are appended, soon after their
   * commit. Null for what comes from now on. Who was cut off goes on after the last number that he has.
   * Ends with the account. Rejects NOT_FOUND for an account that is not the tenant's.
   */
  ofAccount(
    tenantId: string,
    accountId: string,
    afterSeq: bigint | null,
    signal: AbortSignal,
  ): AsyncIterableIterator<Event>;
}

import type { Event } from '../../generated/prisma/client.ts';
import type { TenantReader } from '../tenancy/tenant-scope.ts';

const PAGE = 1000;

/**
 * Yields an account's events up to `last`, in order of `seq`. It reads pages, so a long timeline does not fill memory.
 */
export async function* readTimeline(
  prisma: TenantReader,
  accountId: string,
  last: bigint,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  let after = -1n;
  for (;;) {
    signal.throwIfAborted();
    const page = await prisma.event.findMany({
      where: { accountId, seq: { gt: after, lte: last } },
      orderBy: { seq: 'asc' },
      take: PAGE,
    });
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)!.seq;
  }
}

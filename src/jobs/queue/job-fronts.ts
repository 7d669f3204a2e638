import type { Queue } from 'bullmq';
import type { SyncTrigger } from '../../domain/sync-run.ts';
import type { RedisLink } from '../../redis.ts';
import { FIRST_SCHEDULED } from './job-priority.ts';
import { scoreOf } from './sync-job.ts';

/** Returns the priority of the next job of a user's or of a scheduled run, or null if none is queued. */
export async function frontOf(redis: RedisLink, messages: Queue, trigger: SyncTrigger): Promise<number | null> {
  const from = trigger === 'USER' ? 0 : FIRST_SCHEDULED;
  const [, score] = await redis.commands.zrangebyscore(
    messages.toKey('prioritized'),
    scoreOf(from),
    scoreOf(from + FIRST_SCHEDULED) - 1,
    'WITHSCORES',
    'LIMIT',
    0,
    1,
  );
  return score === undefined ? null : Math.floor(Number(score) / scoreOf(1));
}

import { setTimeout } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Database } from '../store/plumbing/database.ts';

/** Even a database that is busy with a batch answers within this time, in ms. */
const DATABASE_WAIT_MS = 5000;

/**
 * `/healthz`: the process is alive. `/readyz`: it can work, that is, the database answers and its disk is not full; 503
 * otherwise. It also reports whether Redis is available. Without Redis, everything continues with a short delay.
 */
export function addHealth(
  app: FastifyInstance,
  database: Database,
  redis: { readonly isReady: boolean } | null,
  stopping?: AbortSignal,
): void {
  const quiet = { config: { quiet: true, anyHost: true } };
  app.get('/healthz', quiet, async () => ({ status: 'ok' }));
  app.get('/readyz', quiet, async (_request, reply) => {
    const problem = stopping?.aborted ? 'stopping' : await databaseProblem(database);
    if (problem) return reply.code(503).send({ status: problem });
    return { status: 'ok', ...(redis ? { redis: redis.isReady ? 'ok' : 'no Redis' } : {}) };
  });
}

async function databaseProblem({ pool, isFull }: Database): Promise<string | null> {
  const answered = pool.query('SELECT 1').then(
    () => (isFull() ? 'the disk of the database is full' : null),
    () => 'no database',
  );
  return Promise.race([answered, setTimeout(DATABASE_WAIT_MS, 'no database', { ref: false })]);
}

import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { found } from '../graphql/found.ts';
import type { Database } from '../store/plumbing/database.ts';
import { readTimeline } from '../store/timeline/read-timeline.ts';
import { exportLine } from '../timeline/export.ts';
import { type Authentication, whileAllowed } from './authentication.ts';
import { savedAs } from './downloads.ts';
import { tenantRequests } from './tenant-route.ts';

/** Lines are sent together up to this many characters: one packet for each would cost more than the lines. */
const CHUNK = 64 * 1024;

/**
 * The timeline of an account as a file, one event a line, up to the event that is the last one now. What that is stands
 * in the headers, for whoever wants to know later that the end is still there. Read as fast as it is taken.
 */
export function addTimelineExport(app: FastifyInstance, database: Database, authentication: Authentication): void {
  const accountOf = tenantRequests(database, authentication, 'EmailAccount');
  app.get('/accounts/:id/timeline', async (request, reply) => {
    const { credential, reader, id } = await accountOf(request);
    const { eventSeq, eventHash } = found(
      await reader.emailAccount.findUnique({ where: { id }, select: { eventSeq: true, eventHash: true } }),
    );
    const allowed = whileAllowed(authentication, credential, reply.raw);

    async function* chunks(): AsyncGenerator<string> {
      let chunk = '';
      for await (const event of readTimeline(reader, id, eventSeq, allowed)) {
        chunk += exportLine(id, event);
        if (chunk.length < CHUNK) continue;
        yield chunk;
        chunk = '';
      }
      if (chunk) yield chunk;
    }

    return reply
      .headers({
        'content-disposition': savedAs(`timeline-${id}.ndjson`),
        'mailtide-timeline-length': eventSeq.toString(),
        'mailtide-timeline-head': Buffer.from(eventHash).toString('hex'),
      })
      .type('application/x-ndjson')
      .send(Readable.from(chunks()));
  });
}

import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { found } from '../graphql/found.ts';
import type { Database } from '../store/plumbing/database.ts';
import { readTimeline } from '../store/timeline/read-timeline.ts';
import { exportLine } from '../timeline/export.ts';
import { type Authentication, whileAllowed } from './authentication.ts';
import { savedAs } from './downloads.ts';
import { tenantRequests } from './tenant-route.ts';

/** Characters that are sent together, because one packet per line would be expensive. */
const CHUNK = 64 * 1024;

/**
 * Serves the timeline of an account as a file, one event per line, up to the current last event. The headers state that
 * event, so that a verifier can detect a missing end. The file is streamed as fast as the client reads.
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

import type { Queue } from 'bullmq';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isSameKey } from './admin.ts';

export const DASHBOARD_PATH = '/queues';

/** Its styles are partly inline; its scripts are not. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** The page asks Google for its fonts; it has others to fall back to. */
const OUTSIDE_LINK = /<link href="https:\/\/fonts\.[^>]*>/g;

/**
 * Bull Board at `/queues`: what waits, runs, has ended and has failed, rates, and the workers. To be looked at only: runs
 * are started, cancelled and retried over the API, by the rows. It shows all tenants' accounts, so it has a key of its
 * own, which comes as the password of Basic authentication (browsers ask for it) or as a bearer token.
 */
export async function addQueueDashboard(app: FastifyInstance, messages: Queue, adminKey: string): Promise<void> {
  const [{ createBullBoard }, { BullMQAdapter }, { FastifyAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/fastify'),
  ]);
  const adapter = new BullMQAdapter(messages, {
    readOnlyMode: true,
    description: 'One job for each attempt of a sync',
  });
  adapter.setFormatter('name', ({ data }: { data: { emailAddress: string; attempt: number } }) =>
    data.attempt > 1 ? `${data.emailAddress}, attempt ${data.attempt}` : data.emailAddress,
  );
  const board = new FastifyAdapter();
  board.setBasePath(DASHBOARD_PATH);
  createBullBoard({
    queues: [adapter],
    serverAdapter: board,
    options: { uiConfig: { boardTitle: 'Mailtide', hideRedisDetails: false, showMetrics: true } },
  });

  await app.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      reply.headers({ 'content-security-policy': CONTENT_SECURITY_POLICY, 'cache-control': 'no-store' });
      if (isAdmin(request, adminKey)) return;
      await reply
        .code(401)
        .header('www-authenticate', 'Basic realm="Mailtide queue", charset="UTF-8"')
        .type('text/plain; charset=utf-8')
        .send('The admin key (ADMIN_KEY) is needed: as the password of any user name, or as a bearer token.\n');
    });
    scope.addHook('onSend', async (_request, _reply, payload) =>
      typeof payload === 'string' ? payload.replace(OUTSIDE_LINK, '') : payload,
    );
    await scope.register(board.registerPlugin(), { prefix: DASHBOARD_PATH });
  });
}

function isAdmin({ headers }: FastifyRequest, adminKey: string): boolean {
  const [, scheme = '', given = ''] = /^(basic|bearer) (.+)$/i.exec(headers.authorization ?? '') ?? [];
  const key = scheme.toLowerCase() === 'basic' ? passwordOf(Buffer.from(given, 'base64').toString()) : given;
  return isSameKey(key, adminKey);
}

/** RFC 7617, 2: whatever follows the first colon. */
const passwordOf = (pair: string): string => pair.slice(pair.indexOf(':') + 1);

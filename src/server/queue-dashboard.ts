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

/** The dashboard loads fonts from Google. Without them it falls back to others. */
const OUTSIDE_LINK = /<link href="https:\/\/fonts\.[^<>]*>/g;

/**
 * Serves Bull Board at `/queues`: waiting, active, completed and failed jobs, rates, and the workers. It is read-only,
 * because runs are started, cancelled and retried through the API. It shows all tenants' accounts, so it requires the
 * admin key, as the password of Basic authentication (browsers prompt for it) or as a bearer token.
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
        .send('Send the admin key (ADMIN_KEY) as the password of any user name, or as a bearer token.\n');
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

/** Returns the password: everything after the first colon (RFC 7617, 2). */
const passwordOf = (pair: string): string => pair.slice(pair.indexOf(':') + 1);

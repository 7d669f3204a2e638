import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MailtideError } from '../errors.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import type { Authenticator } from '../store/authenticator.ts';
import { createSession, SESSION_DAYS } from '../store/sessions.ts';
import { isOwnOrigin, SESSION_COOKIE, sessionToken } from './authentication.ts';

const MAX_FORM_BYTES = 4096;
const FORM = 'application/x-www-form-urlencoded';

/**
 * Exchanges a key for a cookie: by the link that the service prints at its start, or by the form of the page. Both end
 * at `next`, a path of ours. A wrong key goes back to the form.
 */
export async function addSignIn(
  app: FastifyInstance,
  prisma: PrismaClient,
  authenticator: Authenticator,
): Promise<void> {
  await app.register(async (forms) => {
    forms.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: MAX_FORM_BYTES }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(body.toString()))),
    );

    forms.get('/sign-in', async (request, reply) => {
      // A link on another site must not sign anybody in as somebody else: there the form asks.
      const fromElsewhere = request.headers['sec-fetch-site'] === 'cross-site';
      return signIn(request, reply, fromElsewhere ? {} : request.query);
    });

    forms.post('/sign-in', async (request, reply) => {
      requireOwnPage(request);
      return signIn(request, reply, request.body);
    });

    forms.post('/sign-out', async (request, reply) => {
      requireOwnPage(request);
      const token = sessionToken(request.raw);
      if (token) await authenticator.endSession(token);
      return reply.clearCookie(SESSION_COOKIE, { path: '/' }).redirect('/', 303);
    });
  });

  async function signIn(request: FastifyRequest, reply: FastifyReply, given: unknown): Promise<FastifyReply> {
    const { key, next } = (given ?? {}) as { key?: unknown; next?: unknown };
    const target = ownPath(next);
    if (typeof key !== 'string' || key === '') return reply.redirect(formAt(target), 303);
    const identity = await authenticator.key(key.trim());
    if (!identity) return reply.redirect(`${formAt(target)}&failed`, 303);
    return reply
      .setCookie(SESSION_COOKIE, await createSession(prisma, identity), {
        path: '/',
        httpOnly: true,
        sameSite: 'lax',
        secure: isEncrypted(request),
        maxAge: SESSION_DAYS * 24 * 60 * 60,
      })
      .redirect(target, 303);
  }
}

/** Where the page shows the sign-in form and comes back from it to `next`. */
export const formAt = (next: string): string => `/?next=${encodeURIComponent(next)}`;

/** A path of ours, or `/`: never another site, however it is written. */
export function ownPath(next: unknown): string {
  const here = 'http://mailtide.invalid';
  if (typeof next !== 'string' || !URL.canParse(next, here)) return '/';
  const url = new URL(next, here);
  return url.origin === here ? url.pathname + url.search : '/';
}

/** A proxy in front may end TLS. Believing its word costs nothing: who lies gets a cookie that is not sent back. */
const isEncrypted = (request: FastifyRequest): boolean =>
  request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';

function requireOwnPage(request: FastifyRequest): void {
  if (!isOwnOrigin(request.raw)) throw new MailtideError('FORBIDDEN', { message: 'Only our own page may do that.' });
}

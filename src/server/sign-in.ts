import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MailtideError } from '../errors.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import type { Authenticator } from '../store/tenancy/authenticator.ts';
import { createSession, SESSION_DAYS } from '../store/tenancy/sessions.ts';
import { ownPath } from '../ui/paths.ts';
import type { Access } from './access.ts';
import { createAttemptLimit } from './attempt-limit.ts';
import {
  type Authentication,
  isOwnOrigin,
  SECURE_SESSION_COOKIE,
  SESSION_COOKIE,
  sessionToken,
} from './authentication.ts';

const MAX_FORM_BYTES = 4096;
const FORM = 'application/x-www-form-urlencoded';
/** Limit of sign-ins per client address, with valid and invalid keys, because each valid one writes a row. */
const SIGN_INS = { burst: 60, refillMs: 1000 };
/** Values of Sec-Fetch-Site for an address that the user typed or opened from another program, and for own links. */
const NOT_FROM_ELSEWHERE = new Set(['none', 'same-origin']);

export interface SignInParts {
  readonly prisma: PrismaClient;
  readonly authenticator: Authenticator;
  readonly authentication: Authentication;
  readonly access: Access;
}

/**
 * Exchanges a key for a cookie, by the link that the service prints at its first start, or by the form of the page.
 * Both redirect to `next`, a path of this service. An invalid key redirects to the form.
 */
export async function addSignIn(
  app: FastifyInstance,
  { prisma, authenticator, authentication, access }: SignInParts,
): Promise<void> {
  const signIns = createAttemptLimit(SIGN_INS);

  await app.register(async (forms) => {
    forms.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: MAX_FORM_BYTES }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(body.toString()))),
    );

    forms.get('/sign-in', async (request, reply) => {
      // A link on another site, or on a sibling domain, must not sign a user in to another tenant. If the browser does
      // not state the origin of the link (plain HTTP on a network), the form asks for the key.
      const isOpenedHere = NOT_FROM_ELSEWHERE.has(String(request.headers['sec-fetch-site']));
      const { next } = request.query as { next?: unknown };
      return signIn(request, reply, isOpenedHere ? request.query : { next });
    });

    forms.post('/sign-in', async (request, reply) => {
      requireOwnPage(request);
      return signIn(request, reply, request.body);
    });

    forms.post('/sign-out', async (request, reply) => {
      requireOwnPage(request);
      const token = sessionToken(request.raw);
      if (token) await authenticator.endSession(token);
      return reply
        .clearCookie(SESSION_COOKIE, { path: '/' })
        .clearCookie(SECURE_SESSION_COOKIE, { path: '/', secure: true })
        .redirect('/', 303);
    });
  });

  async function signIn(request: FastifyRequest, reply: FastifyReply, given: unknown): Promise<FastifyReply> {
    const { key, next } = (given ?? {}) as { key?: unknown; next?: unknown };
    const target = ownPath(next);
    if (typeof key !== 'string' || key === '') return reply.redirect(formAt(target), 303);
    const address = access.clientOf(request.raw);
    signIns.require(address);
    signIns.spend(address);
    const identity = await authentication.ofKey(request.raw, key.trim());
    if (!identity) return reply.redirect(`${formAt(target)}&failed`, 303);
    const secure = access.isEncrypted(request.raw);
    return reply
      .setCookie(secure ? SECURE_SESSION_COOKIE : SESSION_COOKIE, await createSession(prisma, identity), {
        path: '/',
        httpOnly: true,
        sameSite: 'lax',
        secure,
        maxAge: SESSION_DAYS * 24 * 60 * 60,
      })
      .redirect(target, 303);
  }
}

/** Returns the path of the sign-in form, which redirects to `next` afterwards. */
export const formAt = (next: string): string => `/?next=${encodeURIComponent(next)}`;

function requireOwnPage(request: FastifyRequest): void {
  if (!isOwnOrigin(request.raw))
    throw new MailtideError('FORBIDDEN', {
      message: "Only Mailtide's own page may do that. Reload the page and try again.",
    });
}

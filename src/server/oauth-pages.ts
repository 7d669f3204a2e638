import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, MailtideError } from '../errors.ts';
import { encodeId } from '../graphql/ids.ts';
import { ADMIN_CONSENT_PATH, CALLBACK_PATH, type SignIns, startPath } from '../oauth/sign-ins.ts';
import type { AttemptRow, TakenAttempt } from '../store/oauth/attempts.ts';
import { newSecret } from '../store/tenancy/api-key.ts';
import { ownPath, toAccount } from '../ui/paths.ts';
import type { Access } from './access.ts';
import { createAttemptLimit } from './attempt-limit.ts';
import { type Authentication, isOwnOrigin } from './authentication.ts';
import { type PlainAction, type PlainPage, sendPlainPage } from './plain-page.ts';

export const OAUTH_COOKIE = 'mailtide_oauth';
const SECURE_OAUTH_COOKIE = `__Host-${OAUTH_COOKIE}`;
/** The browser's secret and the ticket of its attempt, so that every page can offer to try again. */
const COOKIE = /^([\w-]{20,100})\.([\w-]{20,100})$/;
const COOKIE_S = 60 * 60;
/** Limit of requests per client address, because each may ask a provider. */
const REQUESTS = { burst: 60, refillMs: 1000 };

const FORM = 'application/x-www-form-urlencoded';
const MAX_FORM_BYTES = 1024;

/** The ticket in the path allows its bearer to connect a mailbox. */
const SECRET = { config: { hasSecretPath: true } };

export interface OAuthPageParts {
  readonly signIns: SignIns;
  readonly authentication: Authentication;
  readonly access: Access;
}

/**
 * Serves the way of a person through a sign-in:
 *
 *   GET /oauth/start/:ticket   a signed-in user of the tenant is sent to the provider at once; any other person sees
 *                              which tenant gets the mail, and confirms (POST), because a stranger could
 *                              otherwise lure a person into connecting their mailbox to the stranger's tenant
 *   GET /oauth/callback        the provider sends the browser back, which has the cookie of its start
 *
 * Every way ends at the account, or at a page that says what happened and offers the next step.
 */
export function addOAuthPages(app: FastifyInstance, { signIns, authentication, access }: OAuthPageParts): void {
  const requests = createAttemptLimit(REQUESTS);

  function limit(request: FastifyRequest): void {
    const address = access.clientOf(request.raw);
    requests.require(address);
    requests.spend(address);
  }

  app.get(startPath(':ticket'), SECRET, async (request, reply) => {
    limit(request);
    const attempt = await attemptOf(request);
    const page = attempt && endOf(attempt);
    if (page) return sendPlainPage(reply, page.status, page);
    if ((await tenantOf(request)) === attempt!.tenantId) return begin(request, reply, attempt!);
    return sendPlainPage(reply, 200, confirmation(attempt!, providerOf(attempt!)));
  });

  app.register(async (forms) => {
    // The form has no fields.
    forms.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: MAX_FORM_BYTES }, (_request, _body, done) =>
      done(null),
    );
    forms.post(startPath(':ticket'), SECRET, async (request, reply) => {
      limit(request);
      if (!isOwnOrigin(request.raw)) throw new MailtideError('FORBIDDEN');
      const attempt = await attemptOf(request);
      const page = attempt && endOf(attempt);
      if (page) return sendPlainPage(reply, page.status, page);
      return begin(request, reply, attempt!);
    });
  });

  app.get(CALLBACK_PATH, async (request, reply) => {
    limit(request);
    const [browser, ticket] = cookieOf(request);
    const parameters = new URL(request.url, 'http://mailtide.invalid').searchParams;
    try {
      const { attempt, mailbox, error } = await signIns.complete(parameters, browser ?? '');
      if (error) return sendPlainPage(reply, 400, failure(error, ticket, attempt));
      return await toMailbox(request, reply, attempt, mailbox);
    } catch (error) {
      if (!(error instanceof MailtideError) || error.code !== 'OAUTH_OTHER_BROWSER') throw error;
      return repeated(request, reply, error, ticket);
    }
  });

  app.get(ADMIN_CONSENT_PATH, async (request, reply) => {
    limit(request);
    const query = request.query as Record<string, unknown>;
    const { provider } = query;
    const page = adminConsentPage(query);
    if (page) return sendPlainPage(reply, page.status, page);
    const url = typeof provider === 'string' ? signIns.adminConsentUrl(provider) : null;
    if (url === null)
      throw new MailtideError('NOT_FOUND', { message: 'This provider has no page for administrators.' });
    return reply.redirect(url.href, 303);
  });

  /** Answers a callback whose state is not that of the browser's present sign-in, by the attempt of its cookie. */
  async function repeated(request: FastifyRequest, reply: FastifyReply, error: MailtideError, ticket?: string) {
    const attempt = ticket === undefined ? null : await signIns.ofTicket(ticket);
    if (attempt?.status === 'SUCCEEDED' && attempt.accountId !== null) {
      return toMailbox(request, reply, attempt, { accountId: attempt.accountId, emailAddress: attempt.emailAddress });
    }
    const page = attempt && endOf(attempt);
    return page ? sendPlainPage(reply, page.status, page) : sendPlainPage(reply, 400, failure(error, ticket));
  }

  async function begin(request: FastifyRequest, reply: FastifyReply, attempt: AttemptRow): Promise<FastifyReply> {
    const browser = newSecret();
    const { ticket } = request.params as { ticket: string };
    try {
      const url = await signIns.begin(attempt, browser);
      const secure = access.isEncrypted(request.raw);
      return reply
        .setCookie(secure ? SECURE_OAUTH_COOKIE : OAUTH_COOKIE, `${browser}.${ticket}`, {
          path: '/',
          httpOnly: true,
          // The provider's redirect comes from another site; it is a navigation, which `lax` includes.
          sameSite: 'lax',
          secure,
          maxAge: COOKIE_S,
        })
        .redirect(url.href, 303);
    } catch (error) {
      if (!(error instanceof MailtideError) || ERRORS[error.code].audience !== 'caller') throw error;
      request.log.warn({ err: error, provider: attempt.provider }, 'a sign-in could not begin');
      return sendPlainPage(reply, 503, failure(error, ticket, attempt));
    }
  }

  async function toMailbox(
    request: FastifyRequest,
    reply: FastifyReply,
    { tenantId, returnTo }: Pick<TakenAttempt, 'tenantId' | 'returnTo'>,
    { accountId, emailAddress }: { readonly accountId: string; readonly emailAddress: string | null },
  ): Promise<FastifyReply> {
    if ((await tenantOf(request)) === tenantId) {
      const path = returnTo === null ? toAccount(encodeId('EmailAccount', accountId)) : ownPath(returnTo);
      return reply.redirect(path, 303);
    }
    return sendPlainPage(reply, 200, {
      title: 'The mailbox is connected',
      paragraphs: [`${emailAddress ?? 'It'} is being synced now. You can close this page.`],
      actions: [],
    });
  }

  async function attemptOf(request: FastifyRequest): Promise<AttemptRow | null> {
    const attempt = await signIns.ofTicket((request.params as { ticket: string }).ticket);
    if (attempt === null) throw new MailtideError('NOT_FOUND', { message: 'This link is not valid, or is too old.' });
    return attempt;
  }

  async function tenantOf(request: FastifyRequest): Promise<string | null> {
    return authentication.ofRequest(request.raw).then(
      ({ tenantId }) => tenantId,
      () => null,
    );
  }

  const providerOf = ({ provider }: Pick<AttemptRow, 'provider'>): string =>
    signIns.providers.find(({ id }) => id === provider)?.name ?? provider;

  function failure(error: MailtideError, ticket?: string, attempt?: Pick<AttemptRow, 'provider'>): PageWithStatus {
    const again: PlainAction[] = ticket ? [{ label: 'Try again', href: startPath(ticket) }] : [];
    const consent = attempt && error.code === 'OAUTH_ADMIN_REQUIRED' ? adminLink(attempt.provider) : [];
    return {
      status: 400,
      title: TITLES[error.code] ?? 'The mailbox was not connected',
      paragraphs: [error.message, ...consent.map(({ href }) => `Send this link to your administrator: ${href}`)],
      actions: again,
    };
  }

  function adminLink(provider: string): { href: string }[] {
    const url = signIns.adminConsentUrl(provider);
    return url === null ? [] : [{ href: url.href }];
  }
}

type PageWithStatus = PlainPage & { readonly status: number };

const TITLES: Partial<Record<string, string>> = {
  OAUTH_CONSENT_REFUSED: 'Access was not allowed',
  OAUTH_SCOPE_MISSING: 'Access to your mail was not allowed',
  OAUTH_WRONG_ACCOUNT: 'This is another account',
  OAUTH_ADMIN_REQUIRED: 'Your administrator must approve Mailtide',
  OAUTH_SIGN_IN_EXPIRED: 'This sign-in has expired',
  OAUTH_OTHER_BROWSER: 'This sign-in cannot be continued here',
  OAUTH_UNAVAILABLE: 'The provider does not answer',
  OAUTH_PROVIDER_MISCONFIGURED: 'This provider is not set up correctly',
};

/** Returns the page of an attempt that cannot begin, or null. */
function endOf({ status, isExpired }: AttemptRow): PageWithStatus | null {
  if (status === 'SUCCEEDED') {
    const paragraphs = ['It is being synced now. You can close this page.'];
    return { status: 200, title: 'The mailbox is connected', paragraphs, actions: [] };
  }
  if (isExpired) {
    const paragraphs = [ERRORS.OAUTH_SIGN_IN_EXPIRED.sentence];
    return { status: 410, title: 'This sign-in has expired', paragraphs, actions: [] };
  }
  if (status === 'CONNECTING') {
    const paragraphs = ['The sign-in is done, and the mailbox is being connected. Reload this page in a moment.'];
    return { status: 200, title: 'Connecting the mailbox', paragraphs, actions: [] };
  }
  return null;
}

const confirmation = ({ tenantName, emailAddress }: AttemptRow, provider: string): PlainPage => ({
  title: `Connect ${emailAddress ?? 'a mailbox'} to Mailtide?`,
  paragraphs: [
    `“${tenantName}” asks to read the mail of this mailbox. You sign in at ${provider}; your password is not shown to Mailtide.`,
    'If you do not know who that is, close this page.',
  ],
  actions: [{ label: `Continue with ${provider}`, submits: true }],
});

/** Returns the page for the answer of Microsoft's page of consent, or null for a request of ours. */
function adminConsentPage(query: Record<string, unknown>): PageWithStatus | null {
  if (query['error'] !== undefined) {
    const paragraphs = ['Mailtide was not approved for your organization. Open the link again to repeat it.'];
    return { status: 400, title: 'Not approved', paragraphs, actions: [] };
  }
  if (query['admin_consent'] === undefined) return null;
  const paragraphs = ['The users of your organization can now connect their mailboxes. You can close this page.'];
  return { status: 200, title: 'Mailtide is approved', paragraphs, actions: [] };
}

function cookieOf({ cookies }: FastifyRequest): [browser: string | undefined, ticket: string | undefined] {
  const [, browser, ticket] = COOKIE.exec(cookies[SECURE_OAUTH_COOKIE] ?? cookies[OAUTH_COOKIE] ?? '') ?? [];
  return [browser, ticket];
}

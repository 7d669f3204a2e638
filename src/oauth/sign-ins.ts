import type { Logger } from 'pino';
import { parseInput, suggestion } from '../accounts/account-input.ts';
import { seal, unseal } from '../accounts/seal.ts';
import { newId } from '../domain/ids.ts';
import { ERRORS, MailtideError } from '../errors.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import {
  type AttemptRow,
  attemptOfTicket,
  beginSignIn,
  failAttempt,
  insertAttempt,
  type TakenAttempt,
  takeCallback,
} from '../store/oauth/attempts.ts';
import { hashSecret, newSecret } from '../store/tenancy/api-key.ts';
import { type CompletionOptions, type ConnectedMailbox, completeSignIn } from './complete-sign-in.ts';
import { hasIdToken, type OAuthProvider } from './provider.ts';
import { newSignIn, type ProviderClient, type SignInSecrets } from './provider-client.ts';
import type { ProviderClients } from './provider-clients.ts';

export interface SignInRequest {
  readonly provider: string;
  /** The mailbox to connect; null for that of the person who signs in. */
  readonly emailAddress: string | null;
  /** Another person than its owner signs in. */
  readonly isShared: boolean;
  /** The account to reconnect. */
  readonly accountId: string | null;
  readonly returnTo: string | null;
}

export interface StartedSignIn {
  readonly id: string;
  /** The page on which the person begins. */
  readonly url: string;
  readonly expiresAt: Date;
}

/** How a sign-in ended, for the page that the person sees. */
export type SignInOutcome =
  | { readonly attempt: TakenAttempt; readonly mailbox: ConnectedMailbox; readonly error: null }
  | { readonly attempt: TakenAttempt; readonly mailbox: null; readonly error: MailtideError };

/** Sign-ins at providers that connect mailboxes (states: store/oauth/attempts.ts). */
export interface SignIns {
  readonly providers: readonly OAuthProvider[];
  /** Starts an attempt. @throws BAD_USER_INPUT, NOT_FOUND for a provider that is not configured */
  start(tenantId: string, request: SignInRequest): Promise<StartedSignIn>;
  /** Returns the attempt of a link, or null. */
  ofTicket(ticket: string): Promise<AttemptRow | null>;
  /**
   * Begins to sign in. `browser` is a secret of the browser, which must return with it.
   * @returns the provider's page @throws OAUTH_SIGN_IN_EXPIRED, and the codes of an unreachable provider
   */
  begin(attempt: Pick<AttemptRow, 'id' | 'provider' | 'emailAddress'>, browser: string): Promise<URL>;
  /**
   * Ends a sign-in, once, with the parameters of the provider's redirect.
   * @throws OAUTH_OTHER_BROWSER if it was begun in another browser, or has ended
   */
  complete(parameters: URLSearchParams, browser: string): Promise<SignInOutcome>;
  /** Returns the page on which an administrator approves this installation for all users, or null if there is none. */
  adminConsentUrl(provider: string): URL | null;
}

export interface SignInsOptions extends CompletionOptions {
  readonly clients: ProviderClients;
  readonly log: Logger;
  /** The URL that browsers use for this service; null if it is unknown. */
  readonly publicUrl: string | null;
}

/** How long a link can be used, in seconds: time to forward it to the owner of the mailbox. */
const ATTEMPT_S = 60 * 60;

export const CALLBACK_PATH = '/oauth/callback';
export const ADMIN_CONSENT_PATH = '/oauth/admin-consent';
export const startPath = (ticket: string): string => `/oauth/start/${ticket}`;

export function createSignIns(options: SignInsOptions): SignIns {
  const { clients, database, keyring, log, publicUrl } = options;
  const { pool } = database;

  function clientOf(id: string): ProviderClient {
    const client = clients.of(id);
    if (client) return client;
    throw new MailtideError('NOT_FOUND', {
      message: `The OAuth provider "${id}" is not configured. The operator of this installation configures providers.`,
    });
  }

  function here(path: string): URL {
    if (publicUrl !== null) return new URL(path, publicUrl);
    throw new MailtideError('OAUTH_PROVIDER_MISCONFIGURED', {
      message: 'This installation does not know its own address. Its operator must set PUBLIC_URL.',
    });
  }

  return {
    providers: clients.all,

    async start(tenantId, request) {
      const { provider } = clientOf(request.provider);
      const emailAddress =
        request.emailAddress === null
          ? null
          : parseInput(suggestion, { emailAddress: request.emailAddress }).emailAddress;
      const needsAddress = request.isShared || (!hasIdToken(provider) && request.accountId === null);
      if (needsAddress && emailAddress === null) {
        throw new MailtideError('BAD_USER_INPUT', { message: 'emailAddress: is required for this sign-in.' });
      }
      if (request.accountId !== null) await requireSameServer(database.prisma, tenantId, request.accountId, provider);
      const ticket = newSecret();
      const url = here(startPath(ticket)).href;
      const id = newId();
      const attempt = { ...request, id, tenantId, emailAddress, ticketHash: hashSecret(ticket) };
      return { id, url, expiresAt: await insertAttempt(pool, attempt, ATTEMPT_S) };
    },

    ofTicket: (ticket) => attemptOfTicket(pool, hashSecret(ticket)),

    async begin({ id, provider, emailAddress }, browser) {
      const client = clientOf(provider);
      const secrets = newSignIn();
      const page = await client.signInPage(here(CALLBACK_PATH).href, secrets, emailAddress);
      const begun = await beginSignIn(pool, id, {
        stateHash: hashSecret(secrets.state),
        browserHash: hashSecret(browser),
        verifier: seal(keyring, id, JSON.stringify(secrets)),
      });
      if (!begun) throw new MailtideError('OAUTH_SIGN_IN_EXPIRED');
      return page;
    },

    async complete(parameters, browser) {
      const attempt = await takeCallback(pool, {
        stateHash: hashSecret(parameters.get('state') ?? ''),
        browserHash: hashSecret(browser),
      });
      if (!attempt) throw new MailtideError('OAUTH_OTHER_BROWSER');
      try {
        const client = clientOf(attempt.provider);
        const secrets = JSON.parse(unseal(keyring, attempt.id, attempt.verifier!)) as SignInSecrets;
        const callback = here(CALLBACK_PATH);
        callback.search = parameters.toString();
        const answer = await client.exchange(callback, secrets);
        const mailbox = await completeSignIn(attempt, client.provider, answer, options);
        return { attempt, mailbox, error: null };
      } catch (thrown) {
        const error = callerError(thrown);
        log[error.code === 'INTERNAL' ? 'error' : 'info']({ err: thrown, attempt: attempt.id }, 'a sign-in failed');
        await failAttempt(pool, attempt.id, error.code, error.message);
        return { attempt, mailbox: null, error };
      }
    },

    adminConsentUrl(id) {
      const provider = clients.of(id)?.provider;
      if (!provider?.adminConsentEndpoint || publicUrl === null) return null;
      const url = new URL(provider.adminConsentEndpoint);
      url.search = new URLSearchParams({
        client_id: provider.clientId,
        scope: provider.mailScope,
        redirect_uri: here(ADMIN_CONSENT_PATH).href,
      }).toString();
      return url;
    },
  };
}

const callerError = (error: unknown): MailtideError =>
  error instanceof MailtideError && ERRORS[error.code].audience === 'caller' ? error : new MailtideError('INTERNAL');

/** Prevents that a sign-in moves an account to another server, where its mail would not be. */
async function requireSameServer(
  prisma: PrismaClient,
  tenantId: string,
  id: string,
  { name, imap }: OAuthProvider,
): Promise<void> {
  const account = await prisma.emailAccount.findFirst({ where: { id, tenantId }, select: { imapHost: true } });
  if (!account) throw new MailtideError('NOT_FOUND');
  if (account.imapHost === imap.host) return;
  throw new MailtideError('BAD_USER_INPUT', {
    message: `accountId: is an account at ${account.imapHost}, which is not the server of ${name}.`,
  });
}

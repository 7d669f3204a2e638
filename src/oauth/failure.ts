import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import { type ErrorCode, MailtideError } from '../errors.ts';
import { FetchFailed } from '../net/fetch-failed.ts';

/** The classes of refusals, by the code that the provider gives (RFC 6749 4.1.2.1 and 5.2, and its own). */
type Refusal = Extract<
  ErrorCode,
  | 'OAUTH_GRANT_ENDED'
  | 'OAUTH_INTERACTION_REQUIRED'
  | 'OAUTH_ADMIN_REQUIRED'
  | 'OAUTH_CONSENT_REFUSED'
  | 'OAUTH_PROVIDER_MISCONFIGURED'
  | 'OAUTH_UNAVAILABLE'
>;

/** AADSTS codes of Microsoft's reference of errors. Those that are not listed follow their OAuth code. */
const MICROSOFT: Readonly<Record<Refusal, readonly number[]>> = {
  OAUTH_GRANT_ENDED: [50034, 50057, 50132, 50133, 50173, 70008, 700082, 700084],
  OAUTH_INTERACTION_REQUIRED: [50072, 50074, 50076, 50078, 50079, 50158, 65001, 70043],
  OAUTH_ADMIN_REQUIRED: [50105, 53000, 53001, 53002, 53003, 53004, 90094, 90095, 530032, 530035],
  OAUTH_CONSENT_REFUSED: [65004],
  OAUTH_PROVIDER_MISCONFIGURED: [50011, 50020, 50194, 700016, 700025, 7000112, 7000215, 7000218, 7000222, 9002332],
  OAUTH_UNAVAILABLE: [40010, 50033, 50087, 50088, 50196, 70012, 90006, 90012, 90024, 90033, 90055, 90090],
};
const BY_AADSTS = new Map(
  Object.entries(MICROSOFT).flatMap(([refusal, codes]) => codes.map((code) => [code, refusal as Refusal])),
);

/** `error_subtype` of Google, and `suberror` of Microsoft. */
const BY_SUBTYPE: Readonly<Record<string, Refusal>> = {
  invalid_rapt: 'OAUTH_INTERACTION_REQUIRED',
  basic_action: 'OAUTH_INTERACTION_REQUIRED',
  additional_action: 'OAUTH_INTERACTION_REQUIRED',
  consent_required: 'OAUTH_INTERACTION_REQUIRED',
};

const BY_ERROR: Readonly<Record<string, Refusal>> = {
  invalid_grant: 'OAUTH_GRANT_ENDED',
  access_denied: 'OAUTH_CONSENT_REFUSED',
  consent_required: 'OAUTH_INTERACTION_REQUIRED',
  interaction_required: 'OAUTH_INTERACTION_REQUIRED',
  login_required: 'OAUTH_INTERACTION_REQUIRED',
  account_selection_required: 'OAUTH_INTERACTION_REQUIRED',
  admin_policy_enforced: 'OAUTH_ADMIN_REQUIRED',
  policy_enforced: 'OAUTH_ADMIN_REQUIRED',
  org_internal: 'OAUTH_ADMIN_REQUIRED',
  invalid_client: 'OAUTH_PROVIDER_MISCONFIGURED',
  deleted_client: 'OAUTH_PROVIDER_MISCONFIGURED',
  disabled_client: 'OAUTH_PROVIDER_MISCONFIGURED',
  unauthorized_client: 'OAUTH_PROVIDER_MISCONFIGURED',
  unsupported_grant_type: 'OAUTH_PROVIDER_MISCONFIGURED',
  unsupported_response_type: 'OAUTH_PROVIDER_MISCONFIGURED',
  invalid_scope: 'OAUTH_PROVIDER_MISCONFIGURED',
  redirect_uri_mismatch: 'OAUTH_PROVIDER_MISCONFIGURED',
};

/** The fields of a refusal. Texts are for the log only: providers change them. */
export interface ProviderAnswer {
  readonly error: string;
  /** The HTTP status; null for a redirect. */
  readonly status: number | null;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Returns the class of a refusal, by the most precise code that is known. An answer that no table knows counts as
 * temporary: to ask a person for a new sign-in without need is worse than to try again.
 */
export function refusalOf({ error, status, body }: ProviderAnswer): Refusal {
  if (status !== null && (status === 429 || status >= 500)) return 'OAUTH_UNAVAILABLE';
  // Fastmail marks refusals that will pass.
  if (body['temporary'] === true) return 'OAUTH_UNAVAILABLE';
  const described = /\bAADSTS(\d+)/.exec(textOf(body['error_description']))?.[1];
  const listed = Array.isArray(body['error_codes']) ? (body['error_codes'] as unknown[]) : [];
  for (const code of [...listed, described]) {
    const known = BY_AADSTS.get(Number(code));
    if (known) return known;
  }
  const subtype = own(BY_SUBTYPE, body['error_subtype']) ?? own(BY_SUBTYPE, body['suberror']);
  return subtype ?? own(BY_ERROR, error) ?? 'OAUTH_UNAVAILABLE';
}

/** Returns a field that should be a text: a provider may send anything. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const own = (table: Readonly<Record<string, Refusal>>, key: unknown): Refusal | undefined =>
  typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined;

/** Addresses that this installation must not or cannot contact, whatever the time. */
const NEVER = new Set(['URL_NOT_ALLOWED', 'ADDRESS_NOT_ALLOWED', 'HOST_NOT_FOUND', 'CERTIFICATE_INVALID']);

/** openid-client's codes of answers that are no answer of a provider: a proxy's page, a cut answer, a time-out. */
const NO_ANSWER = new Set([
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_TIMEOUT',
]);

/**
 * Turns an error of openid-client, or of the fetch below it, into one of the table. Its cause has only facts that may be
 * logged, because a provider may repeat a token or a code in any text.
 */
export function toOAuthError(error: unknown): MailtideError {
  if (error instanceof MailtideError) return error;
  if (error instanceof ResponseBodyError) {
    const body = error.cause as Record<string, unknown>;
    const answer = { error: error.error, status: error.status, body };
    return failed(refusalOf(answer), factsOf(answer), retryAfterOf(error.response));
  }
  if (error instanceof AuthorizationResponseError) {
    const answer = { error: error.error, status: null, body: Object.fromEntries(error.cause as URLSearchParams) };
    return failed(refusalOf(answer), factsOf(answer));
  }
  // A refused client, with a header that names the scheme (RFC 6749, 5.2).
  if (error instanceof WWWAuthenticateChallengeError)
    return failed('OAUTH_PROVIDER_MISCONFIGURED', { status: error.status });
  if (error instanceof FetchFailed) {
    const isLasting = NEVER.has(error.code);
    return failed(isLasting ? 'OAUTH_PROVIDER_MISCONFIGURED' : 'OAUTH_UNAVAILABLE', { failure: error.code });
  }
  const code = error instanceof ClientError ? error.code : undefined;
  if (code !== undefined && !NO_ANSWER.has(code)) return failed('OAUTH_ANSWER_INVALID', { failure: code });
  const answer = error instanceof ClientError ? error.cause : null;
  if (!(answer instanceof Response)) return failed('OAUTH_UNAVAILABLE', { failure: code ?? 'unknown' });
  return failed('OAUTH_UNAVAILABLE', { failure: code, status: answer.status }, retryAfterOf(answer));
}

const failed = (
  code: Refusal | 'OAUTH_ANSWER_INVALID',
  facts: Readonly<Record<string, unknown>>,
  retryAfterMs?: number,
): MailtideError => {
  const cause = Object.assign(new Error('the provider refused the request, or did not answer it'), facts);
  return new MailtideError(code, { cause, retryAfterMs });
};

/** Returns what the provider's support asks for, and nothing that could be a secret. */
const factsOf = ({ error, status, body }: ProviderAnswer) => ({
  error: /^[a-z_]{1,40}$/.test(error) ? error : undefined,
  status,
  subtype: [body['error_subtype'], body['suberror']].find((text) => /^[a-z_]{1,40}$/.test(textOf(text))),
  codes: /\bAADSTS\d{1,9}/.exec(textOf(body['error_description']))?.[0],
  correlationId: /^[\da-f-]{36}$/.exec(textOf(body['correlation_id']))?.[0],
});

/** Longest wait that a provider can ask for, in ms. */
const MAX_WAIT_MS = 60 * 60_000;

/** Returns the wait of a Retry-After header in ms: seconds or a date (RFC 9110, 10.2.3); undefined without one. */
export function retryAfterOf({ headers }: Pick<Response, 'headers'>, now = Date.now()): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (!value) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_WAIT_MS) : undefined;
}

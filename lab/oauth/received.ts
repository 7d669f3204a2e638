import type { Answer, Endpoint } from './mishaps.ts';

export interface ReceivedRequest {
  readonly endpoint: Endpoint;
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
  /** The mailbox whose refresh token it sends. */
  readonly email: string | undefined;
  /** Null until the request is answered, and if its connection is cut. */
  status: number | null;
  /** The `error` of the answer. */
  error: string | undefined;
}

/** The requests to a provider, in order. */
export class Received {
  readonly all: ReceivedRequest[] = [];

  add(request: Pick<ReceivedRequest, 'endpoint' | 'query' | 'form' | 'email'>): ReceivedRequest {
    const record = { ...request, status: null, error: undefined };
    this.all.push(record);
    return record;
  }

  answered(record: ReceivedRequest, answer: Answer | null): void {
    if (!answer) return;
    record.status = answer.status;
    record.error = typeof answer.body === 'object' ? (answer.body as { error?: string }).error : undefined;
  }

  at(endpoint: Endpoint): ReceivedRequest[] {
    return this.all.filter((one) => one.endpoint === endpoint);
  }

  /** Returns the grant type and status of each request to the token endpoint: `refresh_token 200`. */
  tokenRequests(): string[] {
    return this.at('token').map(({ form, status }) => `${form.get('grant_type')} ${status ?? 'unanswered'}`);
  }

  /** Returns how often each mailbox has got new tokens. */
  refreshCounts(): Map<string, number> {
    const refreshed = this.at('token').filter(({ email, status }) => email !== undefined && status === 200);
    return countBy(refreshed, ({ email }) => email!);
  }

  /** Returns how often each refresh token was sent, whatever the answer. */
  uses(): Map<string, number> {
    const refreshes = this.at('token').filter(({ form }) => form.has('refresh_token'));
    return countBy(refreshes, ({ form }) => form.get('refresh_token')!);
  }

  /** Returns how many requests were answered with invalid_grant. */
  invalidGrants(): number {
    return this.all.filter(({ error }) => error === 'invalid_grant').length;
  }
}

function countBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(keyOf(one), (counts.get(keyOf(one)) ?? 0) + 1);
  return counts;
}

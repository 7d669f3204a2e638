import { waitFor } from '../wait.ts';
import type { Service } from './service.ts';

export type FinishedRun = {
  id: string;
  status: string;
  attempt: number;
  error: { code: string; message: string } | null;
  messagesProcessed: number;
  messagesTotal: number | null;
  stats: {
    mailboxesSynced: number;
    messagesFetched: number;
    messagesCreated: number;
    messagesUpdated: number;
    messagesDeleted: number;
    eventsCreated: number;
    bytesDownloaded: string;
    durationMs: number;
  };
};

/** Connects a user of a private server, by default as the account `USER@example.com`, and returns the account's id. */
export async function connectAccount(
  service: Service,
  server: { host: string; port: number; password: string },
  user: string,
  more: { verify?: boolean; emailAddress?: string } = {},
): Promise<string> {
  const { createEmailAccount } = await service.data<{ createEmailAccount: { id: string } }>(
    'mutation ($input: CreateEmailAccountInput!) { createEmailAccount(input: $input) { id } }',
    {
      input: {
        emailAddress: `${user}@example.com`,
        imap: { host: server.host, port: server.port, security: 'NONE', username: user },
        credentials: { password: server.password },
        ...more,
      },
    },
  );
  return createEmailAccount.id;
}

/** Starts a sync, and returns the run's id at once. */
export async function startSync(service: Service, accountId: string, mode = 'INCREMENTAL'): Promise<string> {
  const { startEmailSync } = await service.data<{ startEmailSync: { run: { id: string } } }>(
    'mutation ($id: ID!, $mode: SyncMode!) { startEmailSync(accountId: $id, mode: $mode) { run { id } } }',
    { id: accountId, mode },
  );
  return startEmailSync.run.id;
}

export async function syncRun(service: Service, runId: string): Promise<FinishedRun> {
  const { syncRun } = await service.data<{ syncRun: FinishedRun }>(
    `query ($id: ID!) { syncRun(id: $id) {
      id status attempt error { code message } messagesProcessed messagesTotal
      stats { mailboxesSynced messagesFetched messagesCreated messagesUpdated messagesDeleted eventsCreated
        bytesDownloaded durationMs }
    } }`,
    { id: runId },
  );
  return syncRun;
}

export function finishedRun(service: Service, runId: string): Promise<FinishedRun> {
  return waitFor(
    async () => {
      const run = await syncRun(service, runId);
      return ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(run.status) && run;
    },
    { what: 'the end of the sync', timeoutMs: 120_000 },
  );
}

/** Runs a sync to its end, which must be a success. */
export async function sync(service: Service, accountId: string, mode?: string): Promise<FinishedRun> {
  const run = await finishedRun(service, await startSync(service, accountId, mode));
  if (run.status !== 'SUCCEEDED')
    throw new Error(`${run.status} ${JSON.stringify(run.error)}\n${service.log().slice(-3000)}`);
  return run;
}

/** The whole timeline of an account, oldest first. */
export async function eventsOf(service: Service, accountId: string): Promise<{ type: string; payload: unknown }[]> {
  const events: { type: string; payload: unknown }[] = [];
  let after: string | null = null;
  do {
    const answer: EventsAnswer = await service.data<EventsAnswer>(
      `query ($id: ID!, $after: String) { events(accountId: $id, first: 100, after: $after) {
        edges { node { type payload } } pageInfo { hasNextPage endCursor } } }`,
      { id: accountId, after },
    );
    events.push(...answer.events.edges.map((edge) => edge.node));
    after = answer.events.pageInfo.hasNextPage ? answer.events.pageInfo.endCursor : null;
  } while (after);
  return events;
}

type EventsAnswer = {
  events: {
    edges: { node: { type: string; payload: unknown } }[];
    pageInfo: { hasNextPage: boolean; endCursor: string };
  };
};

export async function verifyChain(service: Service, accountId: string): Promise<{ ok: boolean; length: string }> {
  const { verifyEventChain } = await service.data<{ verifyEventChain: { ok: boolean; length: string } }>(
    'query ($id: ID!) { verifyEventChain(accountId: $id) { ok length brokenAtSeq reason } }',
    { id: accountId },
  );
  return verifyEventChain;
}

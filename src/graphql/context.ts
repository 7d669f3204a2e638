import type { Accounts } from '../accounts/accounts.ts';
import type { HighlightedMessage, Highlights } from '../domain/highlights.ts';
import type { Syncs } from '../jobs/syncs.ts';
import type { AccountFeed } from '../live/account-feed.ts';
import type { EventFeed } from '../live/event-feed.ts';
import type { ProgressFeed } from '../live/progress-feed.ts';
import type { SignIns } from '../oauth/sign-ins.ts';
import { missingCounts } from '../store/mail/missing-counts.ts';
import { readHtml, readTexts } from '../store/mail/read-pack.ts';
import { type ThreadSummary, threadSummaries } from '../store/mail/thread-summaries.ts';
import type { Database } from '../store/plumbing/database.ts';
import { hostPauses } from '../store/runs/host-cooling.ts';
import type { Identity } from '../store/tenancy/api-key.ts';
import { type TenantReader, tenantScoped } from '../store/tenancy/tenant-scope.ts';
import { AnswerBudget } from './answer-budget.ts';
import { batched } from './batched.ts';

/** Work on the texts of messages, done in worker threads, because untrusted text could block the request thread. */
export interface TextWork {
  highlights(messages: readonly HighlightedMessage[], search: string): Promise<Highlights[]>;
  hasRemoteImages(html: string): Promise<boolean>;
}

/** The services that resolvers call. */
export interface Services {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly signIns: SignIns;
  readonly syncs: Syncs;
  readonly progress: ProgressFeed;
  readonly timeline: EventFeed;
  readonly accountChanges: AccountFeed;
  /** Per tenant, because tenants alternate in the worker threads. */
  readonly textWork: (tenantId: string) => TextWork;
  /** True if the scheduler runs. Without it, the accounts' `nextSyncAt` means nothing. */
  readonly isScheduled: boolean;
}

/** The request, as every resolver sees it. */
export interface GraphQLContext {
  readonly tenantId: string;
  /** Reads the tenant's rows. Every write goes through the services. */
  readonly prisma: TenantReader;
  readonly services: Services;
  /** Returns until when no sync starts at a mail server that refused connections, or undefined if one may start. */
  readonly hostPausedUntil: (host: string) => Promise<Date | undefined>;
  /** Returns how many of a mailbox's messages are not stored. */
  readonly missingCount: (mailboxId: string) => Promise<number>;
  /** Returns a message's text. */
  readonly textOf: (messageId: string) => Promise<string | undefined>;
  /** Returns a message's HTML as it was sent, or undefined if it has none. */
  readonly htmlOf: (messageId: string) => Promise<string | undefined>;
  /** Checks whether a message's HTML seems to load images from other servers. */
  readonly hasRemoteImages: (messageId: string) => Promise<boolean>;
  /** Returns where a message matches a search. */
  readonly highlights: (message: HighlightedMessage, search: string) => Promise<Highlights>;
  /** Returns the summary of a thread that has messages left. Flags count in one mailbox, or in any. */
  readonly threadSummary: (threadId: string, mailboxId: string | null) => Promise<ThreadSummary | undefined>;
  /** Limits the size of this answer. */
  readonly answer: AnswerBudget;
  /** Aborted when the client disconnects or the request ends. */
  readonly signal: AbortSignal;
}

export function createContext(services: Services, { tenantId }: Identity, signal: AbortSignal): GraphQLContext {
  const { prisma, pool } = services.database;
  const answer = new AnswerBudget();
  const summariesIn = new Map<string | null, (threadId: string) => Promise<ThreadSummary | undefined>>();
  const highlightsFor = new Map<string, (message: HighlightedMessage) => Promise<Highlights | undefined>>();
  const textWork = services.textWork(tenantId);
  const missing = batched((mailboxIds: readonly string[]) => missingCounts(pool, tenantId, mailboxIds));
  const reader = tenantScoped(prisma, tenantId);
  const htmlOf = batched((messageIds: readonly string[]) => readHtml(reader, messageIds));
  return {
    tenantId,
    prisma: reader,
    services,
    signal: AbortSignal.any([signal, answer.signal]),
    answer,
    hostPausedUntil: batched((hosts) => hostPauses(pool, hosts)),
    missingCount: async (mailboxId) => (await missing(mailboxId)) ?? 0,
    textOf: batched((messageIds: readonly string[]) => readTexts(reader, messageIds)),
    htmlOf,
    async hasRemoteImages(messageId) {
      const html = await htmlOf(messageId);
      return html !== undefined && textWork.hasRemoteImages(html);
    },
    async highlights(message, search) {
      let find = highlightsFor.get(search);
      if (!find) {
        find = batched(async (messages: readonly HighlightedMessage[]) => {
          const found = await textWork.highlights(messages, search);
          return new Map(messages.map((one, i) => [one, found[i]!]));
        });
        highlightsFor.set(search, find);
      }
      return (await find(message))!;
    },
    threadSummary(threadId, mailboxId) {
      let summary = summariesIn.get(mailboxId);
      if (!summary) {
        summary = batched((threadIds: readonly string[]) => threadSummaries(pool, tenantId, threadIds, mailboxId));
        summariesIn.set(mailboxId, summary);
      }
      return summary(threadId);
    },
  };
}

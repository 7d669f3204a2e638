import type { Logins } from './accounts/logins.ts';
import type { Config } from './config.ts';
import { createHostGate } from './jobs/attempt/host-gate.ts';
import type { RunHandlerOptions } from './jobs/attempt/run-handler.ts';
import type { MimePool } from './mime/mime-pool.ts';
import { heldAccount } from './store/accounts/held-account.ts';
import type { Database } from './store/plumbing/database.ts';
import type { RunOptions } from './sync/run-account.ts';
import type { InStep } from './sync/steps.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { inRunSpan, inStepSpan } from './telemetry/spans.ts';

interface Parts {
  readonly database: Database;
  readonly logins: Pick<Logins, 'connect'>;
  readonly metrics: Metrics;
  readonly mime: MimePool;
}

/**
 * Creates the function with which a worker carries out a claimed run: it syncs the run's account within the limits of
 * its host, with metrics and traces. The IMAP code is loaded here, and so only on nodes with workers.
 */
export async function createWork(
  config: Config,
  { database, logins, metrics, mime }: Parts,
): Promise<RunHandlerOptions['work']> {
  const [{ openImapConnection }, { deadlinesOf }, { runAccount }] = await Promise.all([
    import('./imap/open-connection.ts'),
    import('./imap/deadlines.ts'),
    import('./sync/run-account.ts'),
  ]);
  const step: InStep = (name, facts, work) => metrics.step(name, facts, () => inStepSpan(name, facts, work));
  const gate = createHostGate(database.pool);
  const deadlines = deadlinesOf(config.IMAP_TIMEOUT_SECONDS * 1000);
  const limits = { messageBytes: config.MAX_MESSAGE_BYTES, mailboxMessages: config.MAX_MAILBOX_MESSAGES };
  return async ({ run, lease }, { publish, signal, log }) => {
    const account = await heldAccount(database.prisma, lease);
    const count = metrics.work(run);
    const connect: RunOptions['connect'] = (names) =>
      gate.connect({ host: account.imapHost, accountId: account.id, signal }, () =>
        metrics.connection(account.imapHost, () =>
          logins.connect(account, (login) =>
            openImapConnection(login, { signal, logger: log, deadlines, limits, names }),
          ),
        ),
      );
    return inRunSpan(run, () =>
      runAccount({
        pool: database.pool,
        lease,
        mode: run.mode,
        mime: mime.of(account.tenantId),
        transactionMs: database.transactionMs,
        maxMessageBytes: config.MAX_MESSAGE_BYTES,
        connect: (names) => step('connect', {}, () => connect(names)),
        publish(row) {
          count(row);
          publish(row);
        },
        step,
        log,
      }),
    );
  };
}

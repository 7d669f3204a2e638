import type { DovecotCoordinates } from '../test/support/dovecot.ts';
import { startService } from '../test/support/service.ts';
import { waitFor } from '../test/support/wait.ts';
import type { Contender, Result } from './contender.ts';
import { usageOf } from './usage.ts';

interface Run {
  status: string;
  stats: { messagesCreated: number; durationMs: number };
}

/** The whole service in its own process, ordered and watched through its API. */
export function mailtide(
  name: string,
  server: DovecotCoordinates,
  user: string,
  createDatabase: (() => Promise<string>) | null,
): Contender {
  return {
    name,
    async run(): Promise<Result> {
      const databaseUrl = await createDatabase?.();
      // The first start makes the database; a service that runs for weeks has long done that.
      await using service = await startService({
        ...(databaseUrl ? { databaseUrl } : {}),
        environment: { LOG_LEVEL: 'warn' },
      });
      const { createEmailAccount } = await service.data<{ createEmailAccount: { id: string } }>(CREATE, {
        input: {
          emailAddress: `${user}@example.com`,
          imap: { host: server.host, port: server.port, security: 'NONE', username: user },
          credentials: { password: server.password },
        },
      });
      const sync = async (everyMs: number): Promise<{ seconds: number; messages: number }> => {
        const began = performance.now();
        const { startEmailSync } = await service.data<{ startEmailSync: { run: { id: string } } }>(START, {
          id: createEmailAccount.id,
        });
        const run = await waitFor(
          async () => {
            const { syncRun } = await service.data<{ syncRun: Run }>(RUN, { id: startEmailSync.run.id });
            return ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(syncRun.status) && syncRun;
          },
          // Asking is work of the service's main thread, and no part of a sync.
          { what: 'the end of the sync', timeoutMs: 300_000, everyMs },
        );
        if (run.status !== 'SUCCEEDED') throw new Error(`${name}: the sync ended as ${run.status}\n${service.log()}`);
        return { seconds: (performance.now() - began) / 1000, messages: run.stats.messagesCreated };
      };
      const before = usageOf(service.pid).cpuSeconds;
      const first = await sync(100);
      const after = usageOf(service.pid);
      const unchanged = await sync(20);
      return {
        seconds: first.seconds,
        unchangedSeconds: unchanged.seconds,
        cpuSeconds: after.cpuSeconds - before,
        peakRssMb: usageOf(service.pid).peakRssMb,
        messages: first.messages,
      };
    },
  };
}

const CREATE = 'mutation ($input: CreateEmailAccountInput!) { createEmailAccount(input: $input) { id } }';
const START = 'mutation ($id: ID!) { startEmailSync(accountId: $id) { run { id } } }';
const RUN = 'query ($id: ID!) { syncRun(id: $id) { status stats { messagesCreated durationMs } } }';

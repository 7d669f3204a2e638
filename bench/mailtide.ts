import { createApi } from '../demo/api.ts';
import type { DovecotCoordinates } from '../lab/servers/dovecot.ts';
import { startService } from '../lab/service/service.ts';
import { connectAccount } from '../lab/service/sync.ts';
import { StartEmailSyncDocument, SyncProgressDocument } from '../src/generated/gql/graphql.ts';
import type { Contender, Result } from './contender.ts';
import { usageOf } from './usage.ts';

/** The whole service in its own process, controlled and watched through its API, like the page. */
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
      // The first start creates the database, which is not part of the measurement.
      await using service = await startService({
        ...(databaseUrl ? { databaseUrl } : {}),
        environment: { LOG_LEVEL: 'warn' },
      });
      const api = createApi(service.url, service.apiKey);
      const accountId = await connectAccount(service, server, user);
      const sync = async (): Promise<{ seconds: number; messages: number }> => {
        const began = performance.now();
        const { run } = (await api.ask(StartEmailSyncDocument, { accountId })).startEmailSync;
        for await (const { syncProgress } of api.subscribe(SyncProgressDocument, { accountId })) {
          const { runId, status, stats } = syncProgress;
          if (runId !== run.id || !['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(status)) continue;
          if (status !== 'SUCCEEDED') throw new Error(`${name}: the sync ended as ${status}\n${service.log()}`);
          return { seconds: (performance.now() - began) / 1000, messages: stats.messagesCreated };
        }
        throw new Error(`${name}: the progress ended early\n${service.log()}`);
      };
      const before = usageOf(service.pid).cpuSeconds;
      const first = await sync();
      const after = usageOf(service.pid);
      const unchanged = await sync();
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

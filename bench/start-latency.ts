import type { Dovecot } from '../lab/servers/dovecot.ts';
import { type Service, startService } from '../lab/service/service.ts';
import { connectAccount, startSync, syncRun } from '../lab/service/sync.ts';

/**
 * Returns how long `startEmailSync` takes to answer, over HTTP, while another account syncs at full speed, in
 * milliseconds, sorted. Every call starts a new run of a second account with an empty mailbox.
 */
export async function startLatency(server: Dovecot, busyUser: string, databaseUrl?: string): Promise<number[]> {
  const idleUser = `idle-${databaseUrl ? 'postgres' : 'embedded'}`;
  server.addUser(idleUser);
  await using service = await startService({
    ...(databaseUrl ? { databaseUrl } : {}),
    environment: { LOG_LEVEL: 'warn' },
  });
  const idle = await connectAccount(service, server, idleUser);
  const busyRun = await startSync(service, await connectAccount(service, server, busyUser));
  const taken: number[] = [];
  while (await isRunning(service, busyRun)) {
    const began = performance.now();
    const runId = await startSync(service, idle);
    taken.push(performance.now() - began);
    while (await isRunning(service, runId));
  }
  return taken.toSorted((a, b) => a - b);
}

async function isRunning(service: Service, runId: string): Promise<boolean> {
  const { status } = await syncRun(service, runId);
  if (status === 'FAILED') throw new Error(`a sync failed\n${service.log()}`);
  return status === 'QUEUED' || status === 'RUNNING';
}

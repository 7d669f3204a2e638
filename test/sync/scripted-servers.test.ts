import { join } from 'node:path';
import { afterAll, beforeAll, test, vi } from 'vitest';
import { casesIn, playCase } from '../../lab/scripted-servers/case-run.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';

/** Each script of odd-servers/ is a test of how an account handles its server. */
vi.setConfig({ testTimeout: 60_000 });
let databaseUrl: string;
let service: Service;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  // Three seconds are enough here to tell silence from slowness.
  service = await startService({ databaseUrl, environment: { IMAP_TIMEOUT_SECONDS: '3' } });
});

afterAll(() => service?.stop());

test.each(casesIn(join(import.meta.dirname, 'odd-servers')))('$title', (one) =>
  playCase({ service, databaseUrl }, one),
);

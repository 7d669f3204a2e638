import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { receiptOf } from '../../lab/assertions/receipt.ts';
import { parseCaseScript } from '../../lab/scripted-servers/case-script.ts';
import { type Asked, type CaseServer, startCaseServer } from '../../lab/scripted-servers/case-server.ts';
import { CLOSE } from '../../lab/scripted-servers/case-session.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { logOf } from '../../lab/service/log-lines.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync } from '../../lab/service/sync.ts';

/** Servers that end a session because its time is over: no failure, and nothing is to blame. */
vi.setConfig({ testTimeout: 60_000 });
const MICROSOFT = '* BYE Session invalidated - AccessTokenExpired';
const GMAIL = '* BYE Session expired, please login again';
const MESSAGES = 60;
let service: Service;

beforeAll(async () => {
  service = await startService({ databaseUrl: await postgres.createDatabase() });
});

afterAll(() => service?.stop());

/** Starts Exchange with two mailboxes. After each response for which `isOver` returns true, it ends the session. */
function startExchange(bye: string, isOver: (response: string, asked: Asked) => boolean): Promise<CaseServer> {
  const messages = Array.from({ length: MESSAGES }, (_, i) => `message ${i + 1} "number ${i + 1}" bytes=300`);
  const script = ['exchange', 'mailbox INBOX', ...messages, 'mailbox Archive', ...messages].join('\n');
  return startCaseServer(parseCaseScript(script), (response, asked) =>
    isOver(response, asked) ? [response, bye, CLOSE] : [response],
  );
}

async function syncOnce(server: CaseServer, user: string) {
  const { host, port } = server;
  const account = await connectAccount(service, { host, port, password: 'secret' }, user);
  const run = await finishedRun(service, await startSync(service, account));
  const logins = server.received.filter((line) => line.includes(' LOGIN ')).length;
  return { run, logins, log: logOf(service, run.id) };
}

/** Returns true for every n-th call. */
function every(n: number): () => boolean {
  let calls = 0;
  return () => ++calls % n === 0;
}

test.each([
  ['Microsoft', MICROSOFT],
  ['Gmail', GMAIL],
])('a session that %s ends between rows, is resumed as often as it ends', async (name, bye) => {
  const isOver = every(9);
  await using server = await startExchange(bye, (response) => /BODY\[\]/.test(response) && isOver());
  const { run, logins, log } = await syncOnce(server, `rows-${name}`);
  expect(run).toMatchObject({ status: 'SUCCEEDED', attempt: 1, stats: { messagesFetched: 2 * MESSAGES } });
  expect(await receiptOf(service, run.id)).toMatchObject({ complete: true });
  expect(logins).toBeGreaterThan(12);
  // No message is suspected.
  expect(log).not.toMatch(/"level":(40|50)/);
});

test.each(['LIST', 'STATUS', 'SELECT', 'SEARCH', 'FETCH'])(
  'a session that ends after an answer to %s, is resumed',
  async (command) => {
    const isOver = every(3);
    const isAnswer = (response: string, { command: asked, rest }: Asked) =>
      /^\w+ OK /.test(response) && (asked === 'UID' ? rest.startsWith(command) : asked === command) && isOver();
    await using server = await startExchange(MICROSOFT, isAnswer);
    const { run, logins } = await syncOnce(server, `after-${command}`);
    expect(run).toMatchObject({ status: 'SUCCEEDED', attempt: 1, stats: { messagesFetched: 2 * MESSAGES } });
    expect(await receiptOf(service, run.id)).toMatchObject({ complete: true });
    expect(logins).toBeGreaterThanOrEqual(command === 'LIST' ? 1 : 2);
  },
);

test('a server that ends every session before its first answer, fails the run', async () => {
  await using server = await startExchange(MICROSOFT, (_, { command }) => command === 'SELECT');
  const { run, logins } = await syncOnce(server, 'always');
  expect(run).toMatchObject({ status: 'FAILED', error: { code: 'IMAP_CONNECTION_LOST' } });
  expect(logins).toBeLessThan(40);
});

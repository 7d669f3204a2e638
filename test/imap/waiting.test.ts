import { afterEach, describe, expect, test } from 'vitest';
import { SILENCE, startScriptedImap } from '../../lab/scripted-servers/scripted-imap.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { all, bodyRow, loginTo, ScriptedSession, SHORT, startScriptedMailbox } from './scripted-mailbox.ts';

const session = new ScriptedSession();
afterEach(() => session.close());

describe('deadlines and cancelling', () => {
  test('a server that falls silent in a command rejects with IMAP_TIMEOUT', async () => {
    const imap = await session.selected(startScriptedMailbox({ fetch: () => SILENCE }));
    await expect(all(imap.fetchSources([1]))).rejects.toMatchObject({ code: 'IMAP_TIMEOUT' });
  });

  test("a consumer slower than the server's deadline does not end the connection", async () => {
    const imap = await session.selected(
      startScriptedMailbox({ fetch: ({ tag }) => `${bodyRow(1, 'one')}\r\n${bodyRow(2, 'two')}\r\n${tag} OK done` }),
    );
    let rows = 0;
    for await (const _ of imap.fetchSources([1, 2])) {
      rows++;
      await new Promise((resolve) => setTimeout(resolve, SHORT.silenceMs * 2));
    }
    expect(rows).toBe(2);
  });

  test('a pause between two commands does not end the connection', async () => {
    const imap = await session.selected(startScriptedMailbox({ search: ({ tag }) => `* SEARCH 1\r\n${tag} OK done` }));
    await new Promise((resolve) => setTimeout(resolve, SHORT.silenceMs * 2));
    expect(await imap.searchUids('1:*')).toEqual([1]);
  });

  test.each([
    ['the server is silent', () => SILENCE],
    ['a row is in use', ({ tag }: { tag: string }) => `${bodyRow(1, 'one')}\r\n${bodyRow(2, 'two')}\r\n${tag} OK done`],
  ])('a cancelled fetch ends at once while %s', async (_, fetch) => {
    const abort = new AbortController();
    const imap = await session.selected(startScriptedMailbox({ fetch }), { signal: abort.signal, deadlines: {} });
    const reading = (async () => {
      for await (const _row of imap.fetchSources([1, 2])) abort.abort();
    })();
    setTimeout(() => abort.abort(), 20);
    const started = performance.now();
    await expect(reading).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
    expect(performance.now() - started).toBeLessThan(500);
    await expect(imap.list()).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
  });

  test('a cancelled connection attempt ends at once', async () => {
    const server = await startScriptedImap();
    session.server = server;
    const abort = new AbortController();
    const attempt = openImapConnection(loginTo(server), { signal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    await expect(attempt).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
    await expect(openImapConnection(loginTo(server), { signal: abort.signal })).rejects.toMatchObject({
      code: 'RUN_CANCELLED',
    });
  });

  test('close ends soon if the server does not answer LOGOUT', async () => {
    const imap = await session.selected(
      startScriptedMailbox({ reply: ({ command }) => (command === 'LOGOUT' ? SILENCE : undefined) }),
    );
    const started = performance.now();
    await imap.close();
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

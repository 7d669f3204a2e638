import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { truth } from '../lab/assertions/server-truth.ts';
import { decodeMailboxName, encodeMailboxName } from '../lab/imap-client/mutf7.ts';
import { RawImap } from '../lab/imap-client/raw-imap.ts';
import { corpus, enlargedCorpus, withCrlf } from '../lab/mail/corpus.ts';
import { SILENCE, startScriptedImap } from '../lab/scripted-servers/scripted-imap.ts';
import { startDovecot } from '../lab/servers/dovecot.ts';
import { processesOf } from '../lab/servers/left-behind.ts';
import { dovecot, EMPTY, postgres } from '../lab/servers/shared-servers.ts';
import { waitFor } from '../lab/wait.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('Dovecot serves the given bytes, flags, dates and UIDs in order', async () => {
  const messages = [...corpus().take(50)].map(({ bytes }, index) => ({
    bytes,
    flags: index % 2 ? (['\\Seen', '\\Flagged'] as const) : [],
    internalDate: new Date(Date.UTC(2002, 7, index + 1)),
  }));
  dovecot.addUser('laid-down', { INBOX: messages, 'Résumés & co/2024': messages.slice(0, 3) });

  const [inbox, other] = await truth({ ...dovecot, user: 'laid-down' });

  expect(inbox?.path).toBe('INBOX');
  expect([...(inbox?.messages ?? [])]).toEqual(
    messages.map(({ bytes, flags, internalDate }, index) => [
      index + 1,
      { flags: [...flags].toSorted(), internalDate, sha256: sha256(withCrlf(bytes)) },
    ]),
  );
  expect(other?.path).toBe('Résumés & co/2024');
  expect(other?.messages.size).toBe(3);
});

test('the raw client changes a mailbox and reads the result', async () => {
  const [message] = [...corpus().take(1)].map(({ bytes }) => withCrlf(bytes));
  dovecot.addUser('changing', { Archive: [] });
  using client = await RawImap.login({ ...dovecot, user: 'changing' });

  const internalDate = new Date('2024-02-03T04:05:06Z');
  for (let n = 0; n < 4; n += 1) await client.append('INBOX', message as Buffer, { flags: ['\\Seen'], internalDate });
  const before = await client.select('INBOX', '(CONDSTORE)');
  await client.store('2', '+FLAGS', '\\Flagged', '$Forwarded');
  await client.store('3', '-FLAGS', '\\Seen');
  await client.copy('1', 'Archive');
  await client.move('2', 'Archive');
  await client.expunge('4');
  const after = await client.examine('INBOX', '(CONDSTORE)');
  expect(after.highestModseq).toBeGreaterThan(before.highestModseq as bigint);
  expect(await client.fetch('1:*', ['FLAGS', 'MODSEQ'])).toMatchObject([
    { uid: 1, modseq: expect.any(BigInt) },
    { uid: 3, modseq: expect.any(BigInt) },
  ]);
  await client.rename('Archive', 'Kept');
  await client.create('Gone');
  await client.delete('Gone');

  const flagsOf = (await truth({ ...dovecot, user: 'changing' })).map(({ path, messages }) => [
    path,
    [...messages].map(([uid, { flags }]) => [uid, ...flags]),
  ]);
  expect(flagsOf).toEqual([
    ['INBOX', [[1, '\\Seen'], [3]]],
    [
      'Kept',
      [
        [1, '\\Seen'],
        [2, '$Forwarded', '\\Flagged', '\\Seen'],
      ],
    ],
  ]);

  dovecot.deliver('changing', 'INBOX', [{ bytes: message as Buffer }]);
  expect((await client.select('INBOX')).exists).toBe(3);
  await dovecot.doveadm('mailbox', 'update', '-u', 'changing', '--uid-validity', '77', 'INBOX');
  expect((await client.examine('INBOX')).uidValidity).toBe(77);
});

test('Dovecot rejects a wrong password without a growing delay', async () => {
  const start = performance.now();
  for (let n = 0; n < 2; n += 1) {
    await expect(RawImap.login({ ...dovecot, user: 'anyone', password: 'wrong' })).rejects.toThrow('NO');
  }
  expect(performance.now() - start).toBeLessThan(1500);
});

test('test certificates have the requested validity', async () => {
  const login = async (certificate: 'valid' | 'expired' | 'wrong-host', security: 'TLS' | 'STARTTLS') => {
    await using server = await startDovecot({ certificate });
    try {
      const port = security === 'TLS' ? Number(server.tlsPort) : server.port;
      using client = await RawImap.login({ ...server, port, security, user: 'ann' });
      return (await client.list()).length;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code;
    }
  };
  expect(await login('valid', 'TLS')).toBe(1);
  expect(await login('valid', 'STARTTLS')).toBe(1);
  expect(await login('expired', 'TLS')).toBe('CERT_HAS_EXPIRED');
  expect(await login('wrong-host', 'STARTTLS')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
});

test('a server and its directory are gone after a stop, or after its owner is killed', async () => {
  const stopped = await startDovecot();
  using _session = await RawImap.login({ ...stopped, user: 'ann' });
  expect(processesOf(stopped.folder).length).toBeGreaterThan(2);
  await stopped.stop();
  await waitFor(() => processesOf(stopped.folder).length === 0, { what: 'the stopped Dovecot to end' });

  const owner = spawn(process.execPath, ['lab/servers/idle-owner.ts'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [folder] = String((await once(owner.stdout, 'data'))[0]).split('\n') as [string];
  expect(processesOf(folder).length).toBeGreaterThan(2);
  owner.kill('SIGKILL');
  await waitFor(() => processesOf(folder).length === 0 && !existsSync(folder), { what: 'the orphaned Dovecot to end' });
});

test('a test database is empty or a copy, and never shared', async () => {
  const run = async (connectionString: string, sql: string) => {
    const client = new Client({ connectionString });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const template = await postgres.createDatabase(EMPTY);
  await run(template, 'CREATE TABLE kept AS SELECT 1 AS n');
  expect(await run(await postgres.createDatabase({ template }), 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
  await expect(run(await postgres.createDatabase(EMPTY), 'SELECT n FROM kept')).rejects.toThrow('does not exist');
});

test('a scripted server sends only what its script has', async () => {
  const server = await startScriptedImap({
    greeting: '* OK hello',
    reply: ({ tag, command, rest }) => {
      if (command === 'LOGIN') return rest.includes('ann') ? `${tag} NO [UNAVAILABLE] later` : undefined;
      return command === 'LIST' ? SILENCE : undefined;
    },
  });
  await expect(RawImap.login({ ...server, user: 'ann', password: 'x' })).rejects.toThrow('NO [UNAVAILABLE] later');
  using client = await RawImap.login({ ...server, user: 'ben', password: 'x' });
  const silence = client.list();
  await waitFor(() => server.received.at(-1)?.includes('LIST'), { what: 'the LIST command' });
  await server.stop();
  await expect(silence).rejects.toThrow('closed the connection');
});

test('the enlarged corpus repeats no message and no Message-ID', () => {
  const ids = new Set<string>();
  const hashes = new Set<string>();
  const original = corpus().take(20);
  const copies = enlargedCorpus(2).drop(6046).take(20);
  for (const { bytes } of [...original, ...copies]) {
    hashes.add(sha256(bytes));
    ids.add(/^message-id:\s*(.+)$/im.exec(bytes.toString('latin1'))?.[1] ?? '');
  }
  expect([hashes.size, ids.size]).toEqual([40, 40]);
});

test('mailbox names of every script arrive unchanged over IMAP', () => {
  for (const path of ['INBOX', 'R&D', 'Entwürfe/日本語', '🌊 tide', 'a-&-b']) {
    expect(decodeMailboxName(encodeMailboxName(path))).toBe(path);
  }
  expect(encodeMailboxName('~peter/mail/台北/日本語')).toBe('~peter/mail/&U,BTFw-/&ZeVnLIqe-');
});

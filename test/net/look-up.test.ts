import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { BROKEN, SILENT, startDnsServer } from '../../lab/servers/dns-server.ts';
import { lookUp } from '../../src/net/look-up.ts';
import { hostsFile, searchDomains } from '../../src/net/system-names.ts';

const nobody = async (): Promise<string[]> => [];

test('lookUp, a name with A and AAAA records, returns IPv4 addresses first', async () => {
  await using dns = await startDnsServer({
    'A mail.example.com': [['192.0.2.7'], ['192.0.2.8']],
    'AAAA mail.example.com': [['2001:db8::7']],
  });
  const options = { servers: [dns.address], hosts: nobody, search: [] };
  expect(await lookUp('mail.example.com', options)).toEqual(['192.0.2.7', '192.0.2.8', '2001:db8::7']);
});

test('lookUp, a name of the hosts file or localhost, asks no name server', async () => {
  await using dns = await startDnsServer({});
  await using folder = await mkdtempDisposable(`${tmpdir()}/mailtide-names-`);
  const path = `${folder.path}/hosts`;
  await writeFile(path, '# comment\n10.0.0.9\tMail.Internal alias # here\nnonsense here\n::9 alias\n');
  const options = { servers: [dns.address], hosts: hostsFile(path), search: [] };
  expect(await lookUp('mail.internal', options)).toEqual(['10.0.0.9']);
  expect(await lookUp('alias', options)).toEqual(['10.0.0.9', '::9']);
  expect(await lookUp('localhost', options)).toEqual(['127.0.0.1', '::1']);
  expect(dns.asked).toEqual([]);
  await writeFile(path, '10.0.0.10 mail.internal\n');
  expect(await lookUp('mail.internal', options)).toEqual(['10.0.0.10']);
});

test('lookUp, a short name, tries the search domains of the system first', async () => {
  await using dns = await startDnsServer({ 'A imap.mail.svc.cluster.local': [['10.1.2.3']] });
  const options = { servers: [dns.address], hosts: nobody, search: ['svc.cluster.local'] };
  expect(await lookUp('imap.mail', options)).toEqual(['10.1.2.3']);
});

test('searchDomains, a resolv.conf with several lines, returns those of the last', async () => {
  await using folder = await mkdtempDisposable(`${tmpdir()}/mailtide-names-`);
  const path = `${folder.path}/resolv.conf`;
  await writeFile(path, 'nameserver 10.0.0.1\ndomain old.example\nsearch a.example b.example.\noptions ndots:5\n');
  expect(await searchDomains(path)).toEqual(['a.example', 'b.example']);
  expect(await searchDomains(`${path}.missing`)).toEqual([]);
});

test('lookUp, a name without records, rejects with ENOTFOUND', async () => {
  await using dns = await startDnsServer({});
  const options = { servers: [dns.address], hosts: nobody, search: [] };
  await expect(lookUp('nowhere.example.com', options)).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

test('lookUp, name servers that answer nonsense, rejects with EAI_AGAIN', async () => {
  await using dns = await startDnsServer({ 'A broken.example.com': BROKEN, 'AAAA broken.example.com': BROKEN });
  const abort = new AbortController();
  const attempt = lookUp('broken.example.com', {
    servers: [dns.address],
    hosts: nobody,
    search: [],
    signal: abort.signal,
  });
  setTimeout(() => abort.abort(), 100);
  await expect(attempt).rejects.toMatchObject({ code: 'EAI_AGAIN' });
});

test('lookUp, forty names whose server is silent, delays no other name', async () => {
  const silent = Array.from({ length: 40 }, (_, i) => `slow${i}.example.com`);
  await using dns = await startDnsServer({
    ...Object.fromEntries(
      silent.flatMap((name) => [
        [`A ${name}`, SILENT],
        [`AAAA ${name}`, SILENT],
      ]),
    ),
    'A mail.example.com': [['192.0.2.7']],
  });
  const abort = new AbortController();
  const options = { servers: [dns.address], hosts: nobody, search: [], signal: abort.signal };
  const waiting = silent.map((name) => lookUp(name, options).catch((error: { code: string }) => error.code));
  // By now, getaddrinfo's threads would all be busy for seconds.
  expect(await lookUp('mail.example.com', options)).toEqual(['192.0.2.7']);
  expect(await Promise.race([...waiting, Promise.resolve('waiting')])).toBe('waiting');
  abort.abort();
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['EAI_AGAIN']));
});

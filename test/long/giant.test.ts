import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { startService } from '../../lab/service/service.ts';
import { connectAccount, sync } from '../../lab/service/sync.ts';

const MEBIBYTE = 1024 * 1024;

test('a message of 60 MiB is stored, with at most 200 MiB of additional memory', async () => {
  const user = 'giant';
  const databaseUrl = await postgres.createDatabase();
  const attachment = randomBytes(44 * MEBIBYTE)
    .toString('base64')
    .replace(/.{76}/g, '$&\r\n');
  const head = 'Subject: giant\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n';
  const part = 'Content-Disposition: attachment; filename=giant.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n';
  const bytes = Buffer.from(`${head}${part}${attachment}\r\n--b--\r\n`);
  expect(bytes.length).toBeGreaterThan(60 * MEBIBYTE);
  dovecot.addUser(user, { INBOX: mails(0, 1) });
  await using service = await startService({ databaseUrl });
  const account = await connectAccount(service, dovecot, user);
  // What a first sync loads does not count for the large message.
  await sync(service, account);
  dovecot.deliver(user, 'INBOX', [{ bytes }]);

  const status = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))![1]) /
    1024;
  // proc(5): 5 resets the peak to the present resident size.
  writeFileSync(`/proc/${service.pid}/clear_refs`, '5');
  const before = status('VmRSS');
  await sync(service, account);
  const grown = status('VmHWM') - before;
  console.log(`60 MiB message: resident ${before.toFixed(0)} MiB before, at most ${grown.toFixed(0)} MiB more`);
  expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));
  expect(grown).toBeLessThan(200);
}, 120_000);

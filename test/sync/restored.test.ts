import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { receiptOf } from '../../lab/assertions/receipt.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { mails } from '../../lab/mail/mails.ts';
import { CAPABILITY_LEVELS } from '../../lab/servers/capability-levels.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, eventsOf, sync } from '../../lab/service/sync.ts';

let service: Service;
let databaseUrl: string;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
});

afterAll(() => service?.stop());

describe.each(CAPABILITY_LEVELS)('a mailbox restored from a backup, on a server with %s', (level, capability) => {
  test('becomes equal again, even if UIDs now belong to other messages', async () => {
    await using server = await startDovecot(capability ? { capability } : {});
    const user = `restored-${level.toLowerCase()}`;
    server.addUser(user, { INBOX: mails(0, 20) });
    const folder = join(server.folder, 'mail', user);
    const account = await connectAccount(service, server, user);
    const isEqual = async () =>
      expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...server, user }));
    const log = async () => (await eventsOf(service, account)).map(({ type }) => type);
    await sync(service, account);

    execFileSync('cp', ['-a', folder, `${folder}.backup`]);
    server.deliver(user, 'INBOX', mails(20, 24));
    using actor = await RawImap.login({ ...server, user });
    await actor.select('INBOX');
    await actor.store('1:3', '+FLAGS', '\\Flagged');
    await actor.expunge('5');
    actor.close();
    await sync(service, account);
    await isEqual();

    execFileSync('rm', ['-rf', folder]);
    execFileSync('cp', ['-a', `${folder}.backup`, folder]);
    const back = await sync(service, account);
    expect(back.stats).toMatchObject({ messagesCreated: 0, messagesDeleted: 4 });
    await isEqual();
    expect(await log()).not.toContain('mailbox_reset');

    // New mail gets the UIDs of the lost messages.
    server.deliver(user, 'INBOX', mails(30, 32));
    expect((await sync(service, account)).stats.messagesCreated).toBe(2);
    await isEqual();

    // Once more, and the new mail arrives before the next sync. Only a full sync can notice that.
    execFileSync('rm', ['-rf', folder]);
    execFileSync('cp', ['-a', `${folder}.backup`, folder]);
    server.deliver(user, 'INBOX', mails(40, 43));
    const full = await sync(service, account, 'FULL');
    expect(full.stats).toMatchObject({ messagesFetched: 3, messagesDeleted: 2 });
    expect(await receiptOf(service, full.id)).toMatchObject({ complete: true });
    await isEqual();
    expect(await log()).toContain('mailbox_reset');
  });
});

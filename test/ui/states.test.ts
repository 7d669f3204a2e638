import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mails } from '../../lab/mail/mails.ts';
import type { ScriptedImap } from '../../lab/scripted-servers/scripted-imap.ts';
import { freePort } from '../../lab/servers/free-port.ts';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, startSync, sync } from '../../lab/service/sync.ts';
import { startScriptedMailbox } from '../imap/scripted-mailbox.ts';
import { accessFaults, launchBrowser, type Visitor, visit } from './browser.ts';
import { openSlowServer, type SlowServer } from './slow-server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let service: Service;
let browser: Browser;
let visitor: Visitor;
let slow: SlowServer;
let throttling: ScriptedImap;

beforeAll(async () => {
  // One slot: a running sync makes the others wait. Retries come later.
  const environment = { SYNC_CONCURRENCY: '1', SYNC_MAX_RETRIES: '3' };
  [service, browser, slow, throttling] = await Promise.all([
    startService({ environment }),
    launchBrowser(),
    openSlowServer(dovecot),
    startScriptedMailbox({
      exists: 0,
      reply: ({ tag, command }) =>
        command === 'SELECT'
          ? `${tag} BAD Request is throttled. Suggested Backoff Time: 7200000 milliseconds`
          : undefined,
    }),
  ]);
  visitor = await visit(browser, service);
});

afterAll(async () => {
  await visitor?.[Symbol.asyncDispose]();
  await browser?.close();
  await service?.stop();
  await throttling?.stop();
  await slow?.[Symbol.asyncDispose]();
});

const row = (user: string) => visitor.page.getByTestId('account').filter({ hasText: `${user}@` });
const stateOf = (user: string) => row(user).getByTestId('state');
const says = (user: string, label: string | RegExp) => stateOf(user).getByText(label, { exact: true }).waitFor();

/** A time of the service as a reader in Berlin sees it. */
const inBerlin = (at: string) =>
  new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'Europe/Berlin' }).format(new Date(at));

interface Status {
  state: string;
  throttledUntil: string | null;
  activeRun: { nextAttemptAt: string | null } | null;
}

async function statusOf(accountId: string): Promise<Status> {
  const { syncStatus } = await service.data<{ syncStatus: Status }>(
    'query ($id: ID!) { syncStatus(accountId: $id) { state throttledUntil activeRun { nextAttemptAt } } }',
    { id: accountId },
  );
  return syncStatus;
}

/** Connects an account and starts its sync. */
async function started(user: string, server: { host: string; port: number; password?: string }): Promise<string> {
  dovecot.addUser(user, { INBOX: mails(0, 20) });
  const account = await connectAccount(service, { password: dovecot.password, ...server }, user, { verify: false });
  await startSync(service, account);
  return account;
}

test('the list shows each state of an account, live', async () => {
  slow.bytesPerSecond = 0;
  await started('states-running', slow);
  await says('states-running', 'Syncing');
  await started('states-next', dovecot);
  await started('states-third', dovecot);
  await says('states-next', 'Queued, 1st');
  await says('states-third', 'Queued, 2nd');

  slow.bytesPerSecond = Infinity;
  for (const user of ['states-running', 'states-next', 'states-third']) {
    await says(user, 'Up to date');
    await row(user)
      .getByText(/^Complete as of (just now|\d+ minutes? ago)/)
      .waitFor();
  }

  const throttled = await started('states-throttled', throttling);
  await says('states-throttled', /^Paused by the provider until/);
  const until = (await statusOf(throttled)).throttledUntil!;
  expect(await stateOf('states-throttled').textContent()).toContain(inBerlin(until));
  await row('states-throttled').getByText('The provider asked Mailtide to slow down.').waitFor();

  const nobody = { host: dovecot.host, port: await freePort() };
  const waiting = await started('states-waiting', nobody);
  await says('states-waiting', /^Waiting until/);
  const again = (await statusOf(waiting)).activeRun!.nextAttemptAt!;
  expect(await stateOf('states-waiting').textContent()).toContain(inBerlin(again));

  await started('states-refused', { host: dovecot.host, port: dovecot.port, password: 'wrong' });
  await says('states-refused', 'Needs a new password');
  await row('states-refused')
    .getByText(/^Password rejected just now/)
    .waitFor();

  await row('states-third').getByRole('button', { name: /^More/ }).click();
  await visitor.page.getByRole('menuitem', { name: 'Pause' }).click();
  await says('states-third', 'Paused');
  expect(await accessFaults(visitor.page)).toEqual([]);
  expect(visitor.complaints).toEqual([]);
});

test('a quarantined message is reported in its mailbox, with a link to the reason', async () => {
  dovecot.addUser('states-aside', { INBOX: mails(0, 5), Archive: mails(5, 8) });
  const folder = join(dovecot.folder, 'mail', 'states-aside', 'cur');
  const file = join(folder, readdirSync(folder)[0]!);
  // Dovecot cannot read it, and closes the connection.
  chmodSync(file, 0);
  const account = await connectAccount(service, dovecot, 'states-aside');
  await sync(service, account);
  const { page } = visitor;
  await page.goto(`${service.url}/accounts/${account}/mailboxes`);
  await page
    .getByRole('row', { name: /^INBOX Inbox 4 of 5 stored/ })
    .getByText('1 quarantined')
    .waitFor();
  await page.getByRole('row', { name: /^Archive Archive 3/ }).waitFor();
  expect(await accessFaults(page)).toEqual([]);
  await page.getByRole('link', { name: '1 quarantined' }).click();
  await page.getByRole('region', { name: 'Receipt by mailbox' }).getByText('INBOX').waitFor();

  chmodSync(file, 0o600);
  await sync(service, account, 'FULL');
  await page.goto(`${service.url}/accounts/${account}/mailboxes`);
  await page.getByRole('row', { name: /^INBOX Inbox 5/ }).waitFor();
  expect(await page.getByText('quarantined').count()).toBe(0);
  expect(visitor.complaints).toEqual([]);
});

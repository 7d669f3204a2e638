import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openBlackHole } from '../../lab/proxies/black-hole.ts';
import { parseCaseScript } from '../../lab/scripted-servers/case-script.ts';
import { startCaseServer } from '../../lab/scripted-servers/case-server.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, startSync, sync } from '../../lab/service/sync.ts';
import { launchBrowser, visit } from './browser.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 });

let service: Service;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launchBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

const connect = (server: { host: string; port: number }, user: string): Promise<string> =>
  connectAccount(service, { ...server, password: 'secret' }, user, { verify: false });

test('an unreadable line of LIST makes the receipt incomplete, which shows the line', async () => {
  const script = `
mailbox INBOX
message 1 "inbox"
mailbox Lost uidvalidity=7
listed * LIST () "/" "lost
message 1 "hidden"
`;
  await using server = await startCaseServer(parseCaseScript(script));
  const account = await connect(server, 'unread-list');
  await sync(service, account);
  await using visitor = await visit(browser, service, { path: `/accounts/${account}/history` });
  const { page } = visitor;
  await page.getByRole('button', { name: /1 new/ }).click();
  await page.getByText('Not complete', { exact: true }).waitFor();
  await page.getByText('1 line of the server’s list of mailboxes could not be read', { exact: false }).waitFor();
  const lines = page.getByRole('list', { name: 'Lines that could not be read' });
  await page.getByText('Synced, not all confirmed').waitFor();
  expect(await lines.innerText()).toContain('LIST () "/" "lost');
  expect(visitor.complaints).toEqual([]);
});

test('before the server has answered, the page states nothing about its mailboxes', async () => {
  await using server = await openBlackHole();
  const account = await connect(server, 'silent');
  await startSync(service, account);
  await using visitor = await visit(browser, service, { path: `/accounts/${account}` });
  const { page } = visitor;
  await page.getByText('Syncing', { exact: true }).first().waitFor();
  await page.getByText('Not confirmed yet').waitFor();
  const words = await page.locator('main').innerText();
  expect(words).not.toMatch(/nothing (had )?changed|no mailbox|up to date|nothing new/i);
  expect(visitor.complaints).toEqual([]);
});

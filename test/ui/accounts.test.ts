import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { connectAccount, startSync } from '../../lab/service/sync.ts';
import { openDatabaseBeside } from '../../src/store/plumbing/database.ts';
import { addTenant } from '../../src/store/tenancy/tenants.ts';
import { visit } from './browser.ts';
import { MESSAGES, moved, rowOf, slowMailboxes, state } from './slow-mailboxes.ts';

const ui = slowMailboxes('ui-tabs');

test('the focus stays on the button that starts and cancels a sync', async () => {
  const { page, service, visitor } = ui;
  const user = ui.newUser();
  await ui.connected(user);
  await page.goto(service.url);
  const name = (what: string) => `${what}: ${user}@example.com`;
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  await page.getByRole('button', { name: name('Sync now') }).press('Enter');
  const row = rowOf(user, page);
  await state(row).getByText('Syncing').waitFor();
  await expect.poll(focused).toBe(name('Cancel'));
  // It ignores a second press while the first is under way.
  await page.locator(':focus:not([aria-disabled])').waitFor();
  await page.keyboard.press('Enter');
  await state(row).getByText('Cancelled').waitFor();
  await expect.poll(focused).toBe(name('Sync now'));
  expect(visitor.complaints).toEqual([]);
});

test('the focus moves on when a button is replaced, or its row disappears', async () => {
  const { page, server, service, visitor } = ui;
  const user = ui.newUser();
  const wrong = { host: server.host, port: server.port, password: 'wrong' };
  await connectAccount(service, wrong, user, { verify: false });
  await page.goto(service.url);
  const name = `${user}@example.com`;
  const row = page.getByTestId('account').filter({ hasText: name });
  await row.getByRole('button', { name: /^Sync now/ }).press('Enter');
  await state(row).getByText('Needs a new password').waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  await expect.poll(focused).toBe(`Enter password: ${name}`);

  await row.getByRole('button', { name: /^More/ }).press('Enter');
  await page.getByRole('menuitem', { name: 'Delete…' }).press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).press('Enter');
  await row.waitFor({ state: 'detached' });
  await page.locator('h1:focus').filter({ hasText: 'Accounts' }).waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('settings changed in one tab are not reverted by another tab', async () => {
  const { page, service, visitor } = ui;
  const account = await ui.connected(ui.newUser());
  const open = async (tab: Page) => {
    await tab.goto(`${service.url}/accounts/${account}/settings`);
    await tab.getByLabel('Display name').waitFor();
  };
  const other = await visitor.open('/');
  await Promise.all([open(page), open(other)]);
  await page.getByLabel('Display name').fill('Ann');
  const save = page.getByRole('button', { name: 'Save' });
  await save.press('Enter');
  await page.getByText('Saved.').waitFor();
  expect(await save.evaluate((button) => button === document.activeElement)).toBe(true);

  await expect.poll(() => other.getByLabel('Display name').inputValue()).toBe('Ann');
  await other.getByLabel('Minutes between two syncs').fill('30');
  await other.getByRole('button', { name: 'Save' }).click();
  await other.getByText('Saved.').waitFor();
  const { emailAccount } = await service.data<{ emailAccount: object }>(
    'query ($id: ID!) { emailAccount(id: $id) { displayName syncIntervalMinutes } }',
    { id: account },
  );
  expect(emailAccount).toEqual({ displayName: 'Ann', syncIntervalMinutes: 30 });
});

test('a typed value that was stored elsewhere meanwhile needs no saving', async () => {
  const { page, service, visitor } = ui;
  const id = await ui.connected(ui.newUser());
  await page.goto(`${service.url}/accounts/${id}/settings`);
  await page.getByLabel('Minutes between two syncs').fill('30');
  const save = (isIdle: boolean) => page.locator(`button[aria-disabled=${isIdle}]`, { hasText: 'Save' });
  await save(false).waitFor();
  await service.data(
    'mutation ($id: ID!, $input: UpdateEmailAccountInput!) { updateEmailAccount(id: $id, input: $input) { id } }',
    { id, input: { syncIntervalMinutes: 30 } },
  );
  await save(true).waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('a change in one tab appears in the other', async () => {
  const { page, service, visitor } = ui;
  const user = ui.newUser();
  const other = await visitor.open('/');
  const account = await ui.watched(user);
  const row = rowOf(user, other);
  await row.getByText('Syncing').waitFor();
  await moved(other);
  await ui.upToDate();
  await row.getByText('Up to date').waitFor();
  await row.getByText(`${MESSAGES} messages`).waitFor();

  await startSync(service, account);
  await row.getByRole('button', { name: /^More/ }).click();
  await other.getByRole('menuitem', { name: 'Pause' }).click();
  await row.getByText('Paused').waitFor();
  await page.bringToFront();
  await other.close();
  expect(visitor.complaints).toEqual([]);
});

test('an account added, renamed, paused or deleted elsewhere updates the page', async () => {
  const { page, service, visitor } = ui;
  const user = ui.newUser();
  await page.getByRole('heading', { name: 'Accounts' }).waitFor();
  const other = await visitor.open('/');
  await other.getByRole('heading', { name: 'Accounts' }).waitFor();
  const account = await ui.connected(user);
  const rows = [page, other].map((tab) => rowOf(user, tab));
  for (const row of rows) await row.getByText('Never synced').waitFor();
  const change = (input: object) =>
    service.data(
      'mutation ($id: ID!, $input: UpdateEmailAccountInput!) { updateEmailAccount(id: $id, input: $input) { id } }',
      {
        id: account,
        input,
      },
    );
  await change({ displayName: 'Harbour office' });
  for (const row of rows) await row.getByText('Harbour office').waitFor();
  await change({ isActive: false });
  for (const row of rows) await row.getByText('Paused').waitFor();
  await other.goto(`${service.url}/accounts/${account}`);
  await state(other).getByText('Paused').waitFor();
  await change({ isActive: true });
  await state(other).getByText('Never synced').waitFor();
  const messages = await visitor.open(`/accounts/${account}/messages`);
  await messages.getByRole('heading', { name: 'No messages yet' }).waitFor();

  await service.data('mutation ($id: ID!) { deleteEmailAccount(id: $id) }', { id: account });
  await rows[0]!.waitFor({ state: 'detached' });
  await other.getByRole('heading', { name: 'Not found' }).waitFor();
  await messages.getByRole('heading', { name: 'Not found' }).waitFor();
  expect(await messages.getByRole('navigation', { name: 'Account' }).count()).toBe(0);
  expect(await messages.getByRole('searchbox').count()).toBe(0);
  expect(visitor.complaints).toEqual([]);
});

test('deleting an account requires a confirmation', async () => {
  const { page, service } = ui;
  const user = ui.newUser();
  const account = await ui.connected(user);
  await page.goto(`${service.url}/accounts/${account}`);
  await page.getByRole('link', { name: 'History' }).click();
  await page.getByText('No sync yet').waitFor();
  await page.getByRole('button', { name: /^More/ }).click();
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: /^More/ }).click();
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('heading', { name: 'Accounts' }).waitFor();
  await expect.poll(() => page.getByText(`${user}@example.com`).count()).toBe(0);
  // The browser's back button does not lead to the deleted account, from any of its views.
  await page.goBack();
  await expect.poll(() => new URL(page.url()).pathname).toBe('/');
  await page.getByRole('heading', { name: 'Accounts' }).waitFor();
});

test("another tenant's account is not found", async () => {
  const { browser, dataDir, service } = ui;
  const account = await ui.connected(ui.newUser());
  const database = await openDatabaseBeside({ url: undefined, dataDir });
  const key = await addTenant(database.prisma, 'stranger');
  await database.close();
  await using stranger = await visit(browser, service, { key, path: `/accounts/${account}` });
  await stranger.page.getByRole('heading', { name: 'Not found' }).waitFor();
  await stranger.page.getByRole('link', { name: 'Go to your accounts' }).click();
  await stranger.page.getByText('No accounts yet').waitFor();
  expect(stranger.complaints).toEqual([]);
});

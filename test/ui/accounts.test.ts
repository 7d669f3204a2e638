import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openDatabaseBeside } from '../../src/store/database.ts';
import { addTenant } from '../../src/store/tenants.ts';
import { mails } from '../support/mails.ts';
import { newDataDir } from '../support/present-schema.ts';
import { dovecot } from '../support/servers.ts';
import { type Service, startService } from '../support/service.ts';
import { connectAccount, startSync } from '../support/sync.ts';
import { waitFor } from '../support/wait.ts';
import { launchBrowser, type Visitor, visit } from './browser.ts';
import { openSlowServer, type SlowServer } from './slow-server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

/** Slow enough that a run of this size has a middle, in which a test can do things. */
const WATCHABLE = 150_000;
const MESSAGES = 300;
/** What the browser itself says of a service that is not there. */
const isOfTheNetwork = (complaint: string) => /WebSocket connection to|Failed to load resource: net::/.test(complaint);

const dataDir = newDataDir();
let service: Service;
let browser: Browser;
let server: SlowServer;
let visitor: Visitor;
let page: Page;
let users = 0;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService({ dataDir }), launchBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

beforeEach(async () => {
  server = await openSlowServer(dovecot, WATCHABLE);
  visitor = await visit(browser, service);
  page = visitor.page;
});

afterEach(async () => {
  await visitor[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

function newUser(): string {
  const user = `ui-${++users}`;
  dovecot.addUser(user, { INBOX: mails(0, MESSAGES - 40), Archive: mails(MESSAGES - 40, MESSAGES) });
  return user;
}

const bar = (where: Page) => where.getByRole('progressbar').first();
const percentOf = async (where: Page) => Number(await bar(where).getAttribute('aria-valuenow'));
const state = (where: Page | Locator) => where.getByTestId('state');

/** The bar has come to more than `from`, and the run still goes on. */
const moved = (where: Page, from = 0) =>
  waitFor(
    async () => {
      const now = await percentOf(where);
      return now > from && now < 100 && now;
    },
    { what: `the bar to pass ${from} %`, timeoutMs: 30_000 },
  );

/** An account whose sync is in its middle before the eyes of the visitor. */
async function watched(): Promise<string> {
  const account = await connectAccount(service, { ...server, password: dovecot.password }, newUser());
  await page.goto(`${service.url}/accounts/${account}`);
  await page.getByRole('button', { name: /^Sync now/ }).click();
  await moved(page);
  return account;
}

async function upToDate(where: Page | Locator): Promise<void> {
  server.bytesPerSecond = Infinity;
  await state(where).getByText('Up to date').waitFor({ timeout: 60_000 });
}

test('from nothing to a running sync, with a wrong password first', async () => {
  const user = newUser();
  await page.getByRole('link', { name: 'Add the first' }).click();
  await page.getByLabel('Email address').fill(`${user}@example.com`);
  await page.getByLabel('IMAP server').fill(server.host);
  // Nothing is known of the domain, which opens what else has to be said.
  await page.getByLabel('Port').waitFor();
  await page.getByLabel('Port').fill(String(server.port));
  await page.getByRole('combobox', { name: 'Security' }).click();
  await page.getByRole('option', { name: /^None/ }).click();
  await page.getByLabel('Username').fill(user);
  await page.locator('input[type=password]').fill('wrong');
  await page.getByRole('button', { name: 'Connect and sync' }).click();
  await page
    .getByTestId('failure')
    .getByText(/refused the username or the password/)
    .waitFor();

  await page.locator('input[type=password]').fill(dovecot.password);
  await page.getByRole('button', { name: 'Connect and sync' }).click();
  await state(page).getByText('Syncing').waitFor();
  await moved(page, await moved(page));
  expect(await bar(page).getAttribute('aria-valuetext')).toMatch(/^[\d.]+\s?%, \d+ of \d+ messages$/);
  await upToDate(page);

  const receipt = page.getByRole('region', { name: 'Receipt', exact: true });
  await receipt.getByText('Complete', { exact: true }).waitFor();
  await receipt.getByRole('row', { name: `INBOX ${MESSAGES - 40} ${MESSAGES - 40} message by message` }).waitFor();
  await page.getByRole('navigation', { name: 'Account' }).getByRole('link', { name: 'Events' }).click();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByRole('dialog').getByText('Intact').waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('the address of a provider fills the server in and says what its logins need', async () => {
  await page.goto(`${service.url}/accounts/new`);
  await page.getByLabel('Email address').fill('ann@gmail.com');
  await expect.poll(() => page.getByLabel('IMAP server').inputValue()).toBe('imap.gmail.com');
  await page.getByText('Port 993, TLS').waitFor();
  expect(await page.getByRole('link', { name: 'myaccount.google.com/apppasswords' }).getAttribute('href')).toBe(
    'https://myaccount.google.com/apppasswords',
  );
  // A server that was filled in is of one address: the password for another one must not be tried there.
  await page.getByLabel('Email address').fill('ann@nowhere.invalid');
  await expect.poll(() => page.getByLabel('IMAP server').inputValue()).toBe('');
  await page.getByLabel('Email address').fill('ann@outlook.com');
  await page.getByText('Mailtide cannot get a token for you').waitFor();
  await page.getByLabel('IMAP server').fill('imap.example.org');
  await page.getByText('Mailtide cannot get a token for you').waitFor({ state: 'hidden' });
  await page.getByLabel('Email address').fill('ann@icloud.com');
  await page.getByLabel('Email address').blur();
  await page.getByText('As you have typed it. For this address imap.mail.me.com would be filled in.').waitFor();
  expect(await page.getByLabel('IMAP server').inputValue(), 'what was typed stays').toBe('imap.example.org');
  expect(await page.getByText('App password').count()).toBe(0);
});

test('an address that is connected already is said before a login is tried, and leads to its account', async () => {
  const account = await connectAccount(service, { ...server, password: dovecot.password }, newUser());
  await page.goto(`${service.url}/accounts/new`);
  await page.getByLabel('Email address').fill(`UI-${users}@example.com`);
  await page.getByLabel('IMAP server').fill(server.host);
  await page.locator('input[type=password]').fill('wrong');
  await page.getByRole('button', { name: 'Connect and sync' }).click();
  await page.getByRole('link', { name: `open ui-${users}@example.com` }).click();
  await page.waitForURL(`${service.url}/accounts/${account}`);
  expect(visitor.complaints).toEqual([]);
});

test('what is stored of an account, and of a mailbox, is told while it is not all', async () => {
  const account = await watched();
  const stored = page.getByText(new RegExp(`^\\d+ of ${MESSAGES} stored$`));
  const before = Number.parseInt((await stored.textContent())!, 10);
  await expect.poll(async () => Number.parseInt((await stored.textContent())!, 10)).toBeGreaterThan(before);
  await page.goto(`${service.url}/accounts/${account}/mailboxes`);
  await page.getByRole('cell', { name: new RegExp(`^\\d+ of ${MESSAGES - 40} stored$`) }).waitFor();
  await page.goto(service.url);
  const row = page.getByTestId('account').filter({ hasText: `ui-${users}@` });
  await row.getByText(new RegExp(`^\\d+ of ${MESSAGES} stored$`)).waitFor();
  await upToDate(row);
  await row.getByText(`${MESSAGES} messages`, { exact: true }).waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('a sync is cancelled where it is, and what it has stored stays', async () => {
  await watched();
  await page.getByRole('button', { name: /^Cancel/ }).click();
  await state(page).getByText('Cancelled').waitFor();
  await page.getByRole('region', { name: 'Last run' }).getByText('cancelled').waitFor();
  await page.getByRole('button', { name: /^Sync now/ }).click();
  await upToDate(page);
  expect(visitor.complaints).toEqual([]);
});

test('a double click begins a sync, and does not cancel it', async () => {
  const account = await connectAccount(service, { ...server, password: dovecot.password }, newUser());
  await page.goto(`${service.url}/accounts/${account}`);
  await page.getByRole('button', { name: /^Sync now/ }).dblclick();
  await moved(page);
  await upToDate(page);
  expect(visitor.complaints).toEqual([]);
});

test('the keyboard stays at the button that begins a sync and cancels it', async () => {
  await connectAccount(service, { ...server, password: dovecot.password }, newUser());
  await page.goto(service.url);
  const name = (what: string) => `${what}: ui-${users}@example.com`;
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  await page.getByRole('button', { name: name('Sync now') }).press('Enter');
  const row = page.getByTestId('account').filter({ hasText: `ui-${users}@` });
  await state(row).getByText('Syncing').waitFor();
  await expect.poll(focused).toBe(name('Cancel'));
  // It takes one press at a time.
  await page.locator(':focus:not([aria-disabled])').waitFor();
  await page.keyboard.press('Enter');
  await state(row).getByText('Cancelled').waitFor();
  await expect.poll(focused).toBe(name('Sync now'));
  expect(visitor.complaints).toEqual([]);
});

test('the keyboard goes on to the link that takes the place of the button, and to the title when its row is gone', async () => {
  const wrong = { host: server.host, port: server.port, password: 'wrong' };
  await connectAccount(service, wrong, newUser(), { verify: false });
  await page.goto(service.url);
  const name = `ui-${users}@example.com`;
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

test('a reload in the middle shows the same run, no less far', async () => {
  await watched();
  const before = await moved(page);
  await page.reload();
  expect(await moved(page)).toBeGreaterThanOrEqual(before);
  await upToDate(page);
  expect(visitor.complaints).toEqual([]);
});

test('the chart says since when it was watched, and a reload in the middle does not begin it anew', async () => {
  await watched();
  const chart = page.getByRole('img', { name: /^Messages per second since/ });
  await chart.waitFor();
  const since = async () => /since (.+?): /.exec((await chart.getAttribute('aria-label'))!)![1];
  const before = await since();
  await page.getByText(/^Messages per second, watched since \d\d:\d\d/).waitFor();
  await page.reload();
  await chart.waitFor();
  expect(await since()).toBe(before);
});

test('each mailbox of a run has a bar of its own that moves, also in the list of all', async () => {
  const account = await watched();
  const inbox = page.getByRole('progressbar', { name: 'Messages of INBOX' });
  const share = async () => Number(await inbox.getAttribute('aria-valuenow'));
  const grows = async (from: number) =>
    waitFor(async () => (await share()) > from && (await share()), { what: `the mailbox to pass ${from} %` });
  await grows(await grows(0));
  expect(await inbox.getAttribute('aria-valuetext')).toMatch(/^\d+ of 260 stored$/);
  await page.goto(`${service.url}/accounts/${account}/mailboxes`);
  const stored = page.getByRole('cell', { name: /^\d+ of 260 stored$/ });
  const count = async () => Number.parseInt((await stored.textContent())!, 10);
  const before = await count();
  await waitFor(async () => (await count()) > before, { what: 'the count to grow' });
  await upToDate(page);
  await stored.waitFor({ state: 'hidden' });
  expect(visitor.complaints).toEqual([]);
});

test('a restart of the service in the middle is said, and the run goes on without a reload', async () => {
  await watched();
  const before = await moved(page);
  await page.evaluate(() => Object.assign(globalThis, { wasNotReloaded: true }));
  await service.stop();
  await page.getByText('Offline, reconnecting').waitFor();
  await page.getByRole('button', { name: /^Cancel/ }).click();
  const notDone = page.getByRole('alert').getByText(/Whether this was still done is not known/);
  await notDone.waitFor();
  server.bytesPerSecond = WATCHABLE / 4;
  service = await startService({
    dataDir,
    port: Number(new URL(service.url).port),
    environment: { API_KEY: service.apiKey },
  });
  await page.getByText('Offline, reconnecting').waitFor({ state: 'hidden' });
  await notDone.waitFor({ state: 'hidden' });
  expect(await moved(page)).toBeGreaterThanOrEqual(Math.floor(before));
  await upToDate(page);
  expect(await page.evaluate(() => 'wasNotReloaded' in globalThis)).toBe(true);
  expect(visitor.complaints.filter((complaint) => !isOfTheNetwork(complaint))).toEqual([]);
});

test('a view that was not loaded when the service went away comes when it is back', async () => {
  await connectAccount(service, { ...server, password: dovecot.password }, newUser());
  await page.goto(service.url);
  const link = page.getByTestId('account').first().getByRole('link').first();
  await link.waitFor();
  await service.stop();
  await page.getByText('Offline, reconnecting').waitFor();
  await link.click();
  await page.getByText('The service cannot be reached').waitFor();
  service = await startService({
    dataDir,
    port: Number(new URL(service.url).port),
    environment: { API_KEY: service.apiKey },
  });
  await page.getByRole('navigation').getByText('Settings').waitFor();
  const isOfTheFile = (complaint: string) => complaint.includes('dynamically imported module');
  expect(visitor.complaints.filter((each) => !isOfTheNetwork(each) && !isOfTheFile(each))).toEqual([]);
});

test('settings that were changed in one tab are not taken back by another', async () => {
  const account = await connectAccount(service, { ...server, password: dovecot.password }, newUser());
  const open = async (tab: Page) => {
    await tab.goto(`${service.url}/accounts/${account}/settings`);
    await tab.getByLabel('Name to show').waitFor();
  };
  const other = await visitor.open('/');
  await Promise.all([open(page), open(other)]);
  await page.getByLabel('Name to show').fill('Ann');
  const save = page.getByRole('button', { name: 'Save' });
  await save.press('Enter');
  await page.getByText('Saved.').waitFor();
  expect(await save.evaluate((button) => button === document.activeElement)).toBe(true);

  await expect.poll(() => other.getByLabel('Name to show').inputValue()).toBe('Ann');
  await other.getByLabel('Minutes between two syncs').fill('30');
  await other.getByRole('button', { name: 'Save' }).click();
  await other.getByText('Saved.').waitFor();
  const { emailAccount } = await service.data<{ emailAccount: object }>(
    'query ($id: ID!) { emailAccount(id: $id) { displayName syncIntervalMinutes } }',
    { id: account },
  );
  expect(emailAccount).toEqual({ displayName: 'Ann', syncIntervalMinutes: 30 });
});

test('what is done in one tab is seen in the other', async () => {
  const other = await visitor.open('/');
  const account = await watched();
  const row = other.getByTestId('account').filter({ hasText: `ui-${users}@` });
  await row.getByText('Syncing').waitFor();
  await moved(other);
  await upToDate(page);
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

test('an account that is added, renamed, paused and deleted elsewhere is seen, without a sync', async () => {
  await page.getByRole('heading', { name: 'Accounts' }).waitFor();
  const other = await visitor.open('/');
  await other.getByRole('heading', { name: 'Accounts' }).waitFor();
  const account = await connectAccount(service, { ...server, password: dovecot.password }, newUser());
  const rows = [page, other].map((tab) => tab.getByTestId('account').filter({ hasText: `ui-${users}@` }));
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
  await other.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  await messages.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  expect(await messages.getByRole('navigation', { name: 'Account' }).count()).toBe(0);
  expect(await messages.getByRole('searchbox').count()).toBe(0);
  expect(visitor.complaints).toEqual([]);
});

test('an account is deleted only after asking', async () => {
  const account = await connectAccount(service, { ...server, password: dovecot.password }, newUser());
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
  await expect.poll(() => page.getByText(`ui-${users}@example.com`).count()).toBe(0);
  // The way back does not lead to what is gone, from whichever of its views it was deleted.
  await page.goBack();
  await expect.poll(() => new URL(page.url()).pathname).toBe('/');
  await page.getByRole('heading', { name: 'Accounts' }).waitFor();
});

test('a refused password asks for a new one, and the account goes on with it', async () => {
  const user = newUser();
  const wrong = { host: server.host, port: server.port, password: 'old' };
  const account = await connectAccount(service, wrong, user, { verify: false });
  await startSync(service, account);
  await page.goto(`${service.url}/accounts/${account}`);
  await state(page).getByText('Needs a new password').waitFor();
  await page.getByRole('link', { name: /^Enter password/ }).click();
  await page.getByLabel('New password').fill('also wrong');
  await page.getByRole('button', { name: 'Save' }).click();
  await page
    .getByRole('alert')
    .getByText(/refused the username or the password/)
    .waitFor();
  await page.getByLabel('New password').fill(dovecot.password);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await page.getByRole('button', { name: /^Sync now/ }).click();
  await upToDate(page);
});

test("another tenant's account is not there", async () => {
  const account = await connectAccount(service, { ...server, password: dovecot.password }, newUser());
  const database = await openDatabaseBeside({ url: undefined, dataDir });
  const key = await addTenant(database.prisma, 'stranger');
  await database.close();
  await using stranger = await visit(browser, service, { key, path: `/accounts/${account}` });
  await stranger.page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  await stranger.page.getByRole('link', { name: 'To your accounts' }).click();
  await stranger.page.getByText('No mailbox is connected yet').waitFor();
  expect(stranger.complaints).toEqual([]);
});

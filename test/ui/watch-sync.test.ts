import { expect, test } from 'vitest';
import { waitFor } from '../../lab/wait.ts';
import { IN_INBOX, isOfTheNetwork, MESSAGES, moved, rowOf, slowMailboxes, state, WATCHABLE } from './slow-mailboxes.ts';

const ui = slowMailboxes('ui-watch');

test('the stored part of an account, and of a mailbox, is shown until it is all', async () => {
  const { page, service, visitor } = ui;
  const user = ui.newUser();
  const account = await ui.watched(user);
  const stored = page.getByText(new RegExp(`^\\d+ of ${MESSAGES} stored$`));
  const before = Number.parseInt((await stored.textContent())!, 10);
  await expect.poll(async () => Number.parseInt((await stored.textContent())!, 10)).toBeGreaterThan(before);
  await page.goto(`${service.url}/accounts/${account}/mailboxes`);
  await page.getByRole('cell', { name: new RegExp(`^\\d+ of ${IN_INBOX} stored$`) }).waitFor();
  await page.goto(service.url);
  const row = rowOf(user, page);
  await row.getByText(new RegExp(`^\\d+ of ${MESSAGES} stored$`)).waitFor();
  await ui.upToDate(row);
  await row.getByText(`${MESSAGES} messages`, { exact: true }).waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('a cancelled sync keeps what it has stored', async () => {
  const { page, visitor } = ui;
  await ui.watched();
  await page.getByRole('button', { name: /^Cancel/ }).click();
  await state(page).getByText('Cancelled').waitFor();
  await page.getByRole('region', { name: 'Last run' }).getByText('cancelled').waitFor();
  await page.getByRole('button', { name: /^Sync now/ }).click();
  await ui.upToDate();
  expect(visitor.complaints).toEqual([]);
});

test('a double click starts a sync, and does not cancel it', async () => {
  const { page, service, visitor } = ui;
  const account = await ui.connected(ui.newUser());
  await page.goto(`${service.url}/accounts/${account}`);
  await page.getByRole('button', { name: /^Sync now/ }).dblclick();
  await moved(page);
  await ui.upToDate();
  expect(visitor.complaints).toEqual([]);
});

test('a reload during a sync shows the same run with no less progress', async () => {
  const { page, visitor } = ui;
  await ui.watched();
  const before = await moved(page);
  await page.reload();
  expect(await moved(page)).toBeGreaterThanOrEqual(before);
  await ui.upToDate();
  expect(visitor.complaints).toEqual([]);
});

test('the chart states since when it records, and a reload keeps it', async () => {
  const { page } = ui;
  await ui.watched();
  const chart = page.getByRole('img', { name: /^Messages per second since/ });
  await chart.waitFor();
  const since = async () => /since (.+?): /.exec((await chart.getAttribute('aria-label'))!)![1];
  const before = await since();
  await page.getByText(/^Messages per second, watched since \d\d:\d\d/).waitFor();
  await page.reload();
  await chart.waitFor();
  expect(await since()).toBe(before);
});

test('each mailbox of a run has its own moving bar, also in the list of mailboxes', async () => {
  const { page, service, visitor } = ui;
  const account = await ui.watched();
  const storedOfInbox = new RegExp(`^\\d+ of ${IN_INBOX} stored$`);
  const inbox = page.getByRole('progressbar', { name: 'Messages of INBOX' });
  const share = async () => Number(await inbox.getAttribute('aria-valuenow'));
  const grows = async (from: number) =>
    waitFor(async () => (await share()) > from && (await share()), { what: `the mailbox to pass ${from} %` });
  await grows(await grows(0));
  expect(await inbox.getAttribute('aria-valuetext')).toMatch(storedOfInbox);
  await page.goto(`${service.url}/accounts/${account}/mailboxes`);
  const stored = page.getByRole('cell', { name: storedOfInbox });
  const count = async () => Number.parseInt((await stored.textContent())!, 10);
  const before = await count();
  await waitFor(async () => (await count()) > before, { what: 'the count to grow' });
  await ui.upToDate();
  await stored.waitFor({ state: 'hidden' });
  expect(visitor.complaints).toEqual([]);
});

test('a restart of the service is shown, and the run continues without a reload', async () => {
  const { page, server, service, visitor } = ui;
  await ui.watched();
  const before = await moved(page);
  await page.evaluate(() => Object.assign(globalThis, { wasNotReloaded: true }));
  await service.stop();
  await page.getByText('Offline, reconnecting').waitFor();
  await page.getByRole('button', { name: /^Cancel/ }).click();
  const notDone = page.getByRole('alert').getByText(/unknown whether this went through/);
  await notDone.waitFor();
  server.bytesPerSecond = WATCHABLE / 4;
  await ui.startAgain();
  await page.getByText('Offline, reconnecting').waitFor({ state: 'hidden' });
  await notDone.waitFor({ state: 'hidden' });
  expect(await moved(page)).toBeGreaterThanOrEqual(Math.floor(before));
  await ui.upToDate();
  expect(await page.evaluate(() => 'wasNotReloaded' in globalThis)).toBe(true);
  expect(visitor.complaints.filter((complaint) => !isOfTheNetwork(complaint))).toEqual([]);
});

test('a view that could not load during an outage loads afterwards', async () => {
  const { page, service, visitor } = ui;
  await ui.connected(ui.newUser());
  await page.goto(service.url);
  const link = page.getByTestId('account').first().getByRole('link').first();
  await link.waitFor();
  await service.stop();
  await page.getByText('Offline, reconnecting').waitFor();
  await link.click();
  await page.getByText('The service cannot be reached').waitFor();
  await ui.startAgain();
  await page.getByRole('navigation').getByText('Settings').waitFor();
  const isOfTheFile = (complaint: string) => complaint.includes('dynamically imported module');
  expect(visitor.complaints.filter((each) => !isOfTheNetwork(each) && !isOfTheFile(each))).toEqual([]);
});

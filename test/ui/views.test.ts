import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, sync } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { accessFaults, launchBrowser, overflow, type Visitor, visit } from './browser.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let service: Service;
let browser: Browser;
let synced: string;
let refused: string;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launchBrowser()]);
  dovecot.addUser('ui-views', {
    INBOX: mails(0, 30),
    Work: [],
    'Work/Much longer name than others, which-does-not-end-where-a-window-does': mails(30, 35),
  });
  synced = await connectAccount(service, dovecot, 'ui-views');
  await sync(service, synced);
  refused = await connectAccount(service, { ...dovecot, password: 'wrong' }, 'ui-refused', { verify: false });
  await finishedRun(service, await startSync(service, refused));
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

/** Every view, with something that it shows once it has loaded. */
const VIEWS: [name: string, path: () => string, loaded: (page: Page) => Promise<unknown>][] = [
  ['accounts', () => '/', (page) => page.getByText('Needs a new password').waitFor()],
  ['add', () => '/accounts/new', (page) => page.getByLabel('Email address').waitFor()],
  ['overview', () => `/accounts/${synced}`, (page) => page.getByText('message by message').first().waitFor()],
  ['refused', () => `/accounts/${refused}`, (page) => page.getByText('Only runs that succeed').waitFor()],
  ['mailboxes', () => `/accounts/${synced}/mailboxes`, (page) => page.getByText('Much longer name').waitFor()],
  ['history', () => `/accounts/${synced}/history`, (page) => page.getByRole('button', { name: /Succeeded/i }).click()],
  [
    'events',
    () => `/accounts/${synced}/events`,
    (page) => page.getByRole('listitem').filter({ hasText: 'sync succeeded' }).waitFor(),
  ],
  ['settings', () => `/accounts/${refused}/settings`, (page) => page.getByText('The server rejected').waitFor()],
  [
    'provider',
    () => '/accounts/new',
    async (page) => {
      await page.getByLabel('Email address').fill('ann@gmail.com');
      await page.getByRole('link', { name: 'myaccount.google.com/apppasswords' }).waitFor();
    },
  ],
  [
    'known',
    () => '/accounts/new',
    async (page) => {
      await page.getByLabel('Email address').fill('ui-views@example.com');
      await page.getByRole('link', { name: 'open ui-views@example.com' }).waitFor();
    },
  ],
  [
    'token',
    () => '/accounts/new',
    async (page) => {
      await page.getByLabel('Email address').fill('ann@outlook.com');
      await page.getByText('Mailtide cannot request a token').waitFor();
    },
  ],
  ['nothing', () => '/accounts/nonsense', (page) => page.getByText('Not found').waitFor()],
];

for (const [device, options] of [
  ['a phone in the dark', { viewport: { width: 360, height: 740 }, colorScheme: 'dark', hasTouch: true }],
  ['a wide screen by day', { viewport: { width: 1600, height: 900 }, colorScheme: 'light' }],
] as const) {
  test.each(VIEWS)(`%s on ${device} fits, and axe finds nothing serious`, async (_name, path, loaded) => {
    await using visitor = await visit(browser, service, { path: path(), ...options });
    await loaded(visitor.page);
    expect(await accessFaults(visitor.page)).toEqual([]);
    expect(await overflow(visitor.page)).toBe(0);
    expect(visitor.complaints).toEqual([]);
  });
}

test.each(['/nonsense', '/a/b/c/d', '/accounts/x/nonsense'])(
  '%s: the page reports an unknown address, with a link home',
  async (path) => {
    await using visitor = await visit(browser, service, { path });
    await visitor.page.getByText('Not found').waitFor();
    expect(await accessFaults(visitor.page)).toEqual([]);
    await visitor.page.getByRole('link', { name: 'Go to your accounts' }).click();
    await visitor.page.getByText('ui-views@example.com').waitFor();
    // The browser itself reports the status.
    expect(visitor.complaints.filter((complaint) => !complaint.includes('status of 404'))).toEqual([]);
  },
);

/** The accessible name of the focused element. */
const focused = ({ page }: Visitor) =>
  page.evaluate(() => {
    const element = document.activeElement;
    return (
      element?.getAttribute('aria-label') ??
      (element as HTMLInputElement | null)?.labels?.[0]?.textContent ??
      element?.textContent
    );
  });

async function tabTo(visitor: Visitor, name: RegExp): Promise<void> {
  for (let steps = 0; steps < 40; steps++) {
    if (name.test((await focused(visitor)) ?? '')) return;
    await visitor.page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not come to ${name}`);
}

test('the keyboard alone can pause and resume an account, and leave a dialog', async () => {
  await using visitor = await visit(browser, service);
  const { page } = visitor;
  await page.getByText('ui-views@example.com').waitFor();
  await tabTo(visitor, /^Skip to the content/);
  await page.keyboard.press('Enter');
  await tabTo(visitor, /^More for ui-views/);
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Pause' }).waitFor();
  await tabOrArrowTo(visitor, /^Pause$/);
  await page.keyboard.press('Enter');
  const row = page.getByTestId('account').filter({ hasText: 'ui-views' });
  await row.getByText('Paused').waitFor();
  await tabTo(visitor, /^Resume: ui-views/);
  await page.keyboard.press('Enter');
  await row.getByText('Up to date').waitFor();
  await expect.poll(() => focused(visitor)).toBe('Sync now: ui-views@example.com');

  await tabTo(visitor, /^More for ui-views/);
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Delete…' }).waitFor();
  await tabOrArrowTo(visitor, /^Delete…$/);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await expect.poll(() => focused(visitor)).toBe('Keep it');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await expect.poll(() => focused(visitor)).toBe('More for ui-views@example.com');

  const started = page.waitForResponse((response) => response.request().postData()?.includes('StartAll') ?? false);
  await page.getByRole('button', { name: 'Sync all' }).press('Enter');
  await started;
  await page.locator(':focus:not([aria-disabled])').filter({ hasText: 'Sync all' }).waitFor();
});

async function tabOrArrowTo(visitor: Visitor, name: RegExp): Promise<void> {
  for (let steps = 0; steps < 10; steps++) {
    await visitor.page.keyboard.press('ArrowDown');
    if (name.test((await focused(visitor)) ?? '')) return;
  }
  throw new Error(`Arrow keys do not come to ${name}`);
}

test('the focus moves to a view that is opened, and stays when the page loads', async () => {
  await using visitor = await visit(browser, service);
  const { page } = visitor;
  const heading = (name: string) => page.getByRole('heading', { level: 1, name });
  const hasFocus = (name: string) =>
    waitFor(() => heading(name).evaluate((element) => element === document.activeElement), {
      what: `the focus on ${name}`,
    });
  const account = page.getByRole('link', { name: 'ui-views@example.com' });
  await account.waitFor();
  expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true);
  await account.press('Enter');
  await hasFocus('ui-views@example.com');
  // The pressed link also exists in the next part of the same view.
  await page.getByRole('link', { name: 'Mailboxes' }).press('Enter');
  await page.getByText('Much longer name').waitFor();
  await expect.poll(() => focused(visitor)).toBe('Mailboxes');
  await page.getByRole('link', { name: 'Messages' }).press('Enter');
  await hasFocus('Messages of ui-views@example.com');
  await page.getByRole('button', { name: /^Account ui-views/ }).press('Enter');
  await page.getByRole('menuitem', { name: 'All accounts' }).press('Enter');
  await hasFocus('Accounts');
  await page.getByRole('link', { name: 'Add an account' }).press('Enter');
  await expect.poll(() => focused(visitor)).toMatch(/^Email address/);
});

test('on a phone, the current tab, the counts and the state are visible', async () => {
  const viewport = { width: 360, height: 740 };
  await using visitor = await visit(browser, service, { path: `/accounts/${synced}/settings`, viewport });
  const { page } = visitor;
  const inSight = async (what: Locator) => {
    const box = (await what.boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(viewport.width);
  };
  await page.getByLabel('Display name').waitFor();
  await inSight(page.getByRole('link', { name: 'Settings' }));
  await page.goto(`${service.url}/accounts/${synced}/mailboxes`);
  const row = page.getByRole('row').filter({ hasText: 'name than others' });
  await inSight(row.getByRole('cell').nth(1));
  await inSight(row.getByRole('cell').nth(2));
  await page.goto(`${service.url}/accounts/${synced}/messages`);
  const state = page.getByTestId('state');
  await state.getByText('Up to date').waitFor();
  await inSight(state);
  await state.click();
  await page.waitForURL(`${service.url}/accounts/${synced}`);
});

test('on a phone, the page shows that it is offline', async () => {
  await using visitor = await visit(browser, service, { viewport: { width: 360, height: 740 } });
  await visitor.context.routeWebSocket('**/graphql', (socket) => socket.close());
  const page = await visitor.open(`/accounts/${synced}`);
  const label = page.getByRole('status').getByText('Offline, reconnecting');
  await page.getByRole('button', { name: /^Account ui-views/ }).waitFor();
  expect(await label.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
  const box = (await label.boundingBox())!;
  const next = (await page.getByRole('link', { name: 'Show the query of this view' }).boundingBox())!;
  expect(box.x + box.width).toBeLessThanOrEqual(next.x);
  expect(await overflow(page)).toBe(0);
});

test("times use the reader's time zone, and numbers their locale", async () => {
  const path = `/accounts/${synced}/history`;
  for (const [locale, timezoneId, pattern] of [
    ['de-DE', 'Europe/Berlin', /^\d\d\.\d\d\.\d{4}, \d\d:\d\d:\d\d$/],
    ['en-US', 'America/New_York', /^[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d\s[AP]M$/],
  ] as const) {
    await using visitor = await visit(browser, service, { path, locale, timezoneId });
    const time = visitor.page.locator('time').first();
    await time.waitFor();
    const [shown, at] = [await time.getAttribute('title'), await time.getAttribute('datetime')];
    expect(shown).toMatch(pattern);
    expect(shown).toBe(
      new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium', timeZone: timezoneId }).format(
        new Date(at!),
      ),
    );
  }
});

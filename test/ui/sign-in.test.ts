import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount } from '../../lab/service/sync.ts';
import { accessFaults, launchBrowser, visit } from './browser.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let service: Service;
let browser: Browser;
let account: string;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launchBrowser()]);
  account = await connectAccount(service, { host: '127.0.0.1', port: 1, password: 'x' }, 'ann', { verify: false });
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

test('the form signs in, and reports an invalid key', async () => {
  await using visitor = await visit(browser, service, { key: null, path: `/accounts/${account}/history` });
  const { page } = visitor;
  const key = page.locator('input[name=key]');
  await key.fill('nonsense');
  expect(await accessFaults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('This API key is not valid.').waitFor();

  await key.fill(service.apiKey);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'ann@example.com' }).waitFor();
  expect(new URL(page.url()).pathname).toBe(`/accounts/${account}/history`);
  expect(visitor.complaints).toEqual([]);
});

test('a link with an invalid key leads a signed-in user on, with a notice', async () => {
  await using visitor = await visit(browser, service);
  const { page } = visitor;
  const next = encodeURIComponent(`/accounts/${account}/history`);
  await page.goto(`${service.url}/sign-in?key=nonsense&next=${next}`);
  await page.getByRole('alert').getByText('The key of this sign-in link is not valid.').waitFor();
  await page.getByText('No sync yet').waitFor();
  expect(page.url()).toBe(`${service.url}/accounts/${account}/history`);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('alert').waitFor({ state: 'hidden' });
  // A link without a key leads on without a notice.
  await page.goto(`${service.url}/sign-in?next=//example.com/`);
  await page.getByRole('heading', { name: 'Accounts' }).waitFor();
  await expect.poll(() => page.url()).toBe(`${service.url}/`);
  expect(visitor.complaints).toEqual([]);
});

test('signing out ends the session', async () => {
  await using visitor = await visit(browser, service);
  const { page } = visitor;
  await page.getByRole('button', { name: 'Your session' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to Mailtide' }).waitFor();
  await page.goto(`${service.url}/accounts/${account}`);
  await page.getByRole('heading', { name: 'Sign in to Mailtide' }).waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('an expired session shows the form at once, without a rejected request', async () => {
  await using visitor = await visit(browser, service);
  const { page, context } = visitor;
  await page.goto('about:blank');
  const cookies = await context.cookies();
  await context.request.post(`${service.url}/sign-out`, { headers: { origin: service.url } });
  // Like an expired session: the browser still has the cookie, and the service no longer knows it.
  await context.addCookies(cookies);
  await page.goto(`${service.url}/accounts/${account}`);
  await page.getByRole('heading', { name: 'Sign in to Mailtide' }).waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('a session that ends while its page is open asks for the key and continues', async () => {
  await using visitor = await visit(browser, service, { path: `/accounts/${account}/history` });
  const { page, context } = visitor;
  await page.getByText('No sync yet').waitFor();
  // Like an expired session: the service closes the socket, which is all that the page learns.
  await context.request.post(`${service.url}/sign-out`, { headers: { origin: service.url } });
  await page.getByRole('heading', { name: 'Sign in to Mailtide' }).waitFor();
  await page.locator('input[name=key]').fill(service.apiKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('No sync yet').waitFor();
  expect(new URL(page.url()).pathname).toBe(`/accounts/${account}/history`);
});

test("the link to GraphiQL opens the view's operation with its variables", async () => {
  await using visitor = await visit(browser, service, { path: `/accounts/${account}` });
  const { page, context } = visitor;
  const [graphiql] = await Promise.all([
    context.waitForEvent('page'),
    page.getByRole('link', { name: 'Show the query of this view' }).click(),
  ]);
  await graphiql.getByText('query EmailAccount(').first().waitFor();
  await graphiql.getByRole('button', { name: /^Execute/ }).click();
  await graphiql.getByText('"ann@example.com"').first().waitFor();
});

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { addSecondTenant } from '../../lab/service/second-tenant.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, sync } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { accessFaults, launchBrowser, type Visitor, visit } from './browser.ts';
import { type Canary, startCanary } from './canary.ts';
import { hostileHtml, hostileMail } from './hostile-html.ts';
import { TURNED_SUBJECT, turnedMails } from './turned-mail.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 240_000 });

const FILE = randomBytes(50_000);

let databaseUrl: string;
let service: Service;
let browser: Browser;
let canary: Canary;
let path: string;
let messageId: string;
let visitor: Visitor;
let page: Page;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  [service, browser, canary] = await Promise.all([startService({ databaseUrl }), launchBrowser(), startCanary()]);
  dovecot.addUser('lured', { INBOX: [{ bytes: hostileMail(canary.url, FILE) }] });
  const accountId = await connectAccount(service, dovecot, 'lured');
  await sync(service, accountId);
  const { messages } = await service.data<{ messages: { edges: { node: { id: string } }[] } }>(
    'query ($id: ID!) { messages(accountId: $id) { edges { node { id } } } }',
    { id: accountId },
  );
  messageId = messages.edges[0]!.node.id;
  path = `/accounts/${accountId}/messages/${messageId}`;
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
  await canary?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  canary.asked.length = 0;
  visitor = await visit(browser, service, { path });
  // On a busy machine, a new thread takes a while before it shows anything.
  visitor.context.setDefaultTimeout(40_000);
  page = visitor.page;
});

afterEach(() => visitor?.[Symbol.asyncDispose]());

/** The mail's document, once it is loaded. */
async function mail() {
  const frame = page.frameLocator('iframe');
  await frame.locator('#hello').waitFor({ state: 'attached' });
  return frame;
}

/**
 * Waits for a while after the mail has loaded, because a successful defence leaves no condition to wait for.
 * "networkidle" does not work: for its counter, a request that a policy blocks may never end.
 */
const settled = async () => {
  await page.frame({ url: /\/html/ })?.waitForLoadState('load');
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 500))));
};

test('a hostile mail runs no script, sends no request, and stays in its frame', async () => {
  await page.locator('iframe').waitFor();
  await settled();
  expect(visitor.complaints).toEqual([]);
  const frame = await mail();
  for (const id of ['js', 'data', 'tabbed', 'own', 'hello']) {
    await frame.locator(`#${id}`).dispatchEvent('click');
  }
  await settled();

  expect(canary.asked).toEqual([]);
  expect(visitor.context.pages()).toHaveLength(1);
  expect(page.url()).toBe(service.url + path);
  expect(await page.title()).toBe('Messages – Mailtide');
  expect(await frame.locator('script, form, input, button, iframe, object, embed, svg, link, base').count()).toBe(0);
  expect(await frame.locator('meta[http-equiv]').count()).toBe(0);
  expect(await frame.locator('a[href]').evaluateAll((all) => all.map((a) => a.getAttribute('href')))).toEqual([
    expect.stringContaining('/clobber'),
    'https://example.com/out',
  ]);
  expect(
    await frame
      .locator('#out')
      .evaluate((a) => [...a.attributes].map(({ name, value }) => `${name}=${value}`).toSorted()),
  ).toEqual(['href=https://example.com/out', 'id=out', 'rel=noopener noreferrer nofollow', 'target=_blank']);
  // What covers the window covers the frame only: the page around it still reacts.
  await page.getByRole('button', { name: 'Show images' }).click({ trial: true });
  await page.getByRole('heading', { name: '<script>document.title="owned"</script> Hostile & proud' }).waitFor();
});

test('the frame has no origin: no scripts and no access to the cookie', async () => {
  await mail();
  const frame = page.frames().find((one) => one.url().includes('/html'))!;
  // Evaluated through the debugger, which the sandbox does not restrict.
  expect(await frame.evaluate(() => self.origin)).toBe('null');
  await expect(frame.evaluate(() => document.cookie)).rejects.toThrow(/sandboxed/);
  expect(await page.locator('iframe').getAttribute('sandbox')).toBe('allow-popups allow-popups-to-escape-sandbox');
});

test('own images are shown; remote images, and nothing else, only on request', async () => {
  const frame = await mail();
  const loaded = (alt: string) =>
    frame.locator(`img[alt="${alt}"]`).evaluate((image) => (image as HTMLImageElement).naturalWidth > 0);
  await waitFor(() => loaded('The logo'), { what: 'the image of the mail itself' });
  expect(await loaded('A photo')).toBe(false);

  await page.getByRole('button', { name: 'Show images' }).click();
  await waitFor(() => loaded('A photo'), { what: 'the image of another server' });
  await settled();
  expect(canary.asked.toSorted()).toEqual(['/css.png', '/image.png', '/inline.png', '/picture.png']);
  expect(await page.title()).toBe('Messages – Mailtide');

  // This once only.
  canary.asked.length = 0;
  await page.reload();
  await mail();
  await settled();
  expect(canary.asked).toEqual([]);
});

test.each(['the sanitiser', 'the policy of the document'])('without %s, the other walls hold', async (what) => {
  await page.route('**/html', async (route) => {
    const response = await route.fetch();
    if (what === 'the sanitiser') return route.fulfill({ response, body: hostileHtml(canary.url) });
    const { 'content-security-policy': _, ...headers } = response.headers();
    return route.fulfill({ response, headers });
  });
  await page.reload();
  const frame = await mail();
  await settled();
  // A script of the mail would run when it is called like this, if it were allowed.
  await frame.locator('#hello').dispatchEvent('click');
  await settled();
  expect(canary.asked).toEqual([]);
  expect(await page.title()).toBe('Messages – Mailtide');
  expect(page.url()).toBe(service.url + path);
});

test('the document outside the frame is as harmless', async () => {
  const tab = await visitor.open(`/messages/${messageId}/html`);
  await tab.getByText('Hello from a stranger').waitFor({ state: 'attached' });
  await settled();
  expect(await tab.evaluate(() => self.origin)).toBe('null');
  expect(await tab.title()).toBe('Message');
  expect(canary.asked).toEqual([]);
});

test('an attachment is downloaded unchanged, under a harmless name', async () => {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('list', { name: 'Attachments' }).getByRole('link').click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^[^/\\]*evil\.html$/);
  expect(readFileSync(await download.path()).equals(FILE)).toBe(true);
});

test("another tenant's message is not found by any route", async () => {
  const key = await addSecondTenant(databaseUrl);
  await using stranger = await visit(browser, service, { key, path: `/messages/${messageId}` });
  await stranger.page.getByRole('heading', { name: 'Not found' }).waitFor();
  for (const part of ['html', 'source']) {
    const answer = await stranger.context.request.get(`${service.url}/messages/${messageId}/${part}`);
    expect(answer.status()).toBe(404);
  }
  await stranger.page.goto(service.url + path);
  await stranger.page.getByText('Not found').first().waitFor();
});

test('the view of a hostile mail is accessible', async () => {
  await mail();
  expect(await accessFaults(page)).toEqual([]);
});

/** The positions of the first and the last letter of a text, from the left. */
const lettersOf = (where: Locator, text: string): Promise<[first: number, last: number]> =>
  where.first().evaluate((element, text) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode as Text;
      const at = node.data.indexOf(text);
      if (at < 0) continue;
      const leftOf = (place: number) => {
        const range = new Range();
        range.setStart(node, place);
        range.setEnd(node, place + 1);
        return range.getBoundingClientRect().left;
      };
      return [leftOf(at), leftOf(at + text.length - 1)] as [number, number];
    }
    throw new Error(`${text} is not there`);
  }, text);

async function expectInOrder(where: Locator, text: string): Promise<void> {
  const [first, last] = await lettersOf(where, text);
  expect(first, `${text} goes from left to right`).toBeLessThan(last);
}

test('bidi marks affect only the words that contain them, and disguise no file name', async () => {
  const work = 'العمل';
  dovecot.addUser('turned', {
    INBOX: [],
    [work]: turnedMails().map((bytes) => ({ bytes, flags: ['\\Seen'] as const })),
  });
  const account = await connectAccount(service, dovecot, 'turned');
  await sync(service, account);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`${service.url}/accounts/${account}/messages`);
  const row = page.getByRole('listbox', { name: 'Messages' }).getByRole('option');
  await row.getByText('evil name').waitFor();
  await expectInOrder(row, 'Ben Lee');
  await row.click();
  const article = page.getByRole('article');
  await article.getByText('eve@example.org').waitFor();
  await expectInOrder(article, 'eve@example.org');
  await article.getByText('All fields').click();
  await expectInOrder(article.getByText('From', { exact: true }).locator('..'), 'eve@example.org');

  const file = article.getByRole('list', { name: 'Attachments' }).getByRole('link');
  expect(await file.textContent()).toMatch(/^invoice\uFFFDfdp\.exe/);
  expect(await file.getAttribute('title')).not.toMatch(/\u202E/);
  await expectInOrder(file, 'fdp.exe');

  const title = article.getByRole('heading', { name: TURNED_SUBJECT.replaceAll(/[\s\u202E]+/g, ' ').trim() });
  const height = async () => (await title.boundingBox())!.height;
  const cut = await height();
  await article.getByRole('button', { name: 'Show all' }).click();
  await expect.poll(height).toBeGreaterThan(cut * 1.5);
  expect(visitor.complaints).toEqual([]);
});

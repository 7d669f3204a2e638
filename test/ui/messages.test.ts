import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { CORPUS_SIZE, corpus } from '../../lab/mail/corpus.ts';
import type { SystemFlag } from '../../lab/mail/maildir.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, sync } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { newId } from '../../src/domain/ids.ts';
import { accessFaults, launchBrowser, overflow, type Visitor, visit } from './browser.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 240_000 });

const HOUR_MS = 3_600_000;
const mail = (subject: string, text = 'Nothing more.', more = '') =>
  Buffer.from(
    `From: Ann Lee <ann@example.com>\r\nTo: bob@example.com\r\nSubject: ${subject}\r\n${more}\r\n${text}\r\n`,
  );
const seen: readonly SystemFlag[] = ['\\Seen'];

let service: Service;
let browser: Browser;
let account: string;
let visitor: Visitor;
let page: Page;

beforeAll(async () => {
  const databaseUrl = await postgres.createDatabase();
  [service, browser] = await Promise.all([startService({ databaseUrl }), launchBrowser()]);
  const start = Date.now() - (CORPUS_SIZE + 100) * HOUR_MS;
  const all = [...corpus()].map(({ bytes }, i) => ({
    bytes,
    flags: seen,
    internalDate: new Date(start + i * HOUR_MS),
  }));
  const root = 'Message-ID: <wattenmeer@example.com>\r\n';
  dovecot.addUser('reader', {
    INBOX: [
      ...all,
      { bytes: mail('Wattenmeer plans', 'The ferries moor at the Wattenquay.', root), flags: ['\\Flagged'] },
      {
        bytes: mail(
          'Re: Wattenmeer plans',
          '> The ferries\n\nhttps://example.com/map.',
          'In-Reply-To: <wattenmeer@example.com>\r\n',
        ),
      },
    ],
    Archive: [{ bytes: mail('An old lighthouse'), flags: seen, internalDate: new Date(start) }],
  });
  account = await connectAccount(service, dovecot, 'reader');
  await sync(service, account);
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

beforeEach(async () => {
  visitor = await visit(browser, service, { path: `/accounts/${account}/messages` });
  page = visitor.page;
  await rows().first().waitFor();
});

afterEach(async () => {
  await visitor?.[Symbol.asyncDispose]();
});

const list = () => page.getByRole('listbox', { name: 'Messages' });
const rows = () => list().getByRole('option');
const searchField = () => page.getByRole('searchbox', { name: 'Search messages' });
const article = () => page.getByRole('article');
const marks = () => list().locator('mark').allTextContents();

describe('the list', () => {
  test('scrolls through thousands of messages with few rows in the page', async () => {
    const stored = await threadsOf();
    const total = async () => Number(await rows().last().getAttribute('aria-setsize'));
    await waitFor(
      async () => {
        await list().evaluate((element) => element.scrollTo(0, element.scrollHeight));
        return (await total()) > 0;
      },
      { what: 'the end of the list', timeoutMs: 60_000 },
    );
    expect(await total()).toBe(stored.length);
    expect(await rows().count()).toBeLessThan(60);
    await list().press('End');
    await page.locator(`[id="message-${stored.at(-1)}"]`).waitFor();
    await list().press('Home');
    await page.getByText('Re: Wattenmeer plans').first().waitFor();
    expect(visitor.complaints).toEqual([]);
  });

  test('searches while the user types, and marks the matches', async () => {
    await searchField().pressSequentially('ferries watten');
    await waitFor(async () => (await rows().count()) === 2, { what: 'the messages that are found' });
    expect(await marks()).toEqual(['Wattenmeer', 'ferries', 'Wattenmeer', 'ferries', 'Wattenquay']);
    await searchField().pressSequentially('x');
    await page.getByRole('heading', { name: 'No matches' }).waitFor();
    await page.getByText('Try again with fewer words.').waitFor();
    expect(new URL(page.url()).searchParams.get('search')).toBe('ferries wattenx');
    await page.getByRole('button', { name: 'Clear the search' }).click();
    await waitFor(async () => (await rows().count()) > 5, { what: 'all messages again' });
    expect(visitor.complaints).toEqual([]);
  });

  test('filters by mailbox, unread and flagged, also after a reload', async () => {
    await page.getByRole('combobox', { name: 'Mailbox' }).selectOption({ label: 'Archive (1)' });
    await waitFor(async () => (await rows().count()) === 1, { what: 'the archive' });
    await rows().getByText('An old lighthouse').waitFor();
    await page.reload();
    await rows().getByText('An old lighthouse').waitFor();
    expect(await rows().count()).toBe(1);
    await page.getByRole('combobox', { name: 'Mailbox' }).selectOption({ label: 'All mailboxes' });
    await page.locator('label', { hasText: 'Unread' }).click();
    await waitFor(async () => (await rows().count()) === 1, { what: 'the thread that is unread' });
    await rows().getByText('Re: Wattenmeer plans').waitFor();
    await page.locator('label', { hasText: 'Flagged' }).click();
    await rows().getByText('Wattenmeer plans', { exact: true }).waitFor();
    expect(await rows().count()).toBe(1);
    await rows().getByRole('img', { name: 'Flagged' }).waitFor();
    await rows().getByText('2 messages in this thread').waitFor({ state: 'attached' });
  });

  test('inserts new mail without moving what the user reads', async () => {
    await list().evaluate((element) => element.scrollTo(0, 76 * 60 + 10));
    const first = () =>
      list().evaluate((element) => {
        const top = element.getBoundingClientRect().top;
        return [...element.querySelectorAll('[role=option]')]
          .map((row) => ({ id: row.id, y: Math.round(row.getBoundingClientRect().top - top) }))
          .find(({ y }) => y >= 0);
      });
    await waitFor(async () => ((await first())?.y ?? 0) > 60, { what: 'the place in the list' });
    const before = await first();
    const position = async () => Number(await page.locator(`[id="${before!.id}"]`).getAttribute('aria-posinset'));
    const at = await position();
    dovecot.deliver('reader', 'INBOX', [{ bytes: mail('Tide one') }, { bytes: mail('Tide two') }]);
    await sync(service, account);
    await waitFor(async () => (await position()) === at + 2, { what: 'the new messages above' });
    expect(await first()).toEqual(before);

    await list().evaluate((element) => element.scrollTo(0, 0));
    await rows().getByText('Tide two').waitFor();
    // At the top, the user sees new mail arrive.
    dovecot.deliver('reader', 'INBOX', [{ bytes: mail('Tide three') }]);
    await sync(service, account);
    await rows().first().getByText('Tide three').waitFor();
    expect(visitor.complaints).toEqual([]);
  });

  test('stays at the top when mail arrives before the scroll event', async () => {
    const top = () => list().evaluate((element) => element.scrollTop);
    await list().evaluate((element) => element.scrollTo(0, 76 * 60));
    const row = rows().nth(12);
    await waitFor(async () => Number(await row.getAttribute('aria-posinset')) > 60, { what: 'the place in the list' });
    const [id, at] = [await row.getAttribute('id'), Number(await row.getAttribute('aria-posinset'))];
    await list().evaluate((element) => {
      window.addEventListener('scroll', (event) => event.stopImmediatePropagation(), { capture: true });
      element.scrollTo(0, 0);
    });
    dovecot.deliver('reader', 'INBOX', [{ bytes: mail('Tide four') }]);
    await sync(service, account);
    // The scroll position of the list decides which of the two appears.
    const atTop = rows().getByText('Tide four');
    const below = page.locator(`[id="${id}"][aria-posinset="${at + 1}"]`);
    await atTop.or(below).first().waitFor({ state: 'attached' });
    expect(await top()).toBe(0);
  });
});

describe('a thread', () => {
  const subject = 'Lighthouse rota';
  let time = 0;
  const reply = (n: number, from: string) =>
    Buffer.from(
      `From: ${from}\r\nTo: ann@example.com\r\nSubject: Re: ${subject}\r\nMessage-ID: <rota-${n}@example.com>\r\n` +
        `References: <rota-0@example.com>\r\n\r\nAnswer number ${n}.\r\n`,
    );
  const deliver = async (messages: readonly Buffer[], flags: readonly SystemFlag[] = seen) => {
    // Servers have a resolution of seconds, and the order should be that of the numbers.
    time = Math.max(time, Date.now());
    const news = messages.map((bytes, i) => ({ bytes, flags, internalDate: new Date(time + i * 1000) }));
    time += messages.length * 1000;
    dovecot.deliver('reader', 'INBOX', news);
    await sync(service, account);
  };
  const thread = () => rows().filter({ hasText: subject });
  const line = (n: number) => article().getByRole('button', { name: new RegExp(`Answer number ${n}\\.`) });

  test('is one row that moves to the top with each reply, and opens as a conversation', async () => {
    const first = mail(subject, 'Who takes the first night?', 'Message-ID: <rota-0@example.com>\r\n');
    await deliver([first, ...[1, 2, 3, 4, 5].map((n) => reply(n, 'Ben <ben@example.com>'))]);
    await rows().first().getByText('6 messages in this thread').waitFor({ state: 'attached' });
    expect(await thread().count()).toBe(1);
    expect(await thread().getByText('Ben, Ann Lee').count()).toBe(1);
    expect(await thread().getByRole('img', { name: 'Unread' }).count()).toBe(0);

    await deliver([mail('Something in between')]);
    await rows().first().getByText('Something in between').waitFor();
    await thread().click();
    await article().getByText('Answer number 5.').waitFor();
    expect(await line(1).count()).toBe(0);
    await article().getByRole('button', { name: '2 more messages' }).press('Enter');
    await line(1).press('Enter');
    await article().getByText('Answer number 1.').last().waitFor();
    expect(await article().getByRole('list', { name: 'Later in this thread' }).getByRole('button').count()).toBe(4);
    // Whichever of its messages is open, the list selects the thread.
    expect(await thread().getAttribute('aria-selected')).toBe('true');
    expect(await accessFaults(page)).toEqual([]);

    await deliver([reply(6, 'Cleo <cleo@example.com>')], []);
    await rows().first().getByText('Answer number 6.').waitFor();
    await thread().getByText('7 messages in this thread').waitFor({ state: 'attached' });
    expect(await thread().count()).toBe(1);
    expect(await thread().getByText('Cleo, Ben, Ann Lee').count()).toBe(1);
    expect(await thread().getByRole('img', { name: 'Unread' }).count()).toBe(1);
    expect(await thread().getAttribute('aria-selected')).toBe('true');
    await line(6).waitFor();

    // A search matches single messages, so each of them is shown.
    await searchField().fill(`"${subject}"`);
    await waitFor(async () => (await rows().count()) === 7, { what: 'the messages of the thread' });
    expect(visitor.complaints).toEqual([]);
  });
});

test('earlier pages of a conversation update live', async () => {
  const long = (n: number) =>
    Buffer.from(
      `From: Dora <dora@example.com>\r\nSubject: Re: Long watch\r\nMessage-ID: <watch-${n}@example.com>\r\n` +
        `References: <watch-0@example.com>\r\n\r\nWatch number ${n}.\r\n`,
    );
  const end = Date.now();
  const mails = Array.from({ length: 70 }, (_, n) => ({
    bytes: long(n),
    flags: seen,
    internalDate: new Date(end - (70 - n) * 60_000),
  }));
  dovecot.deliver('reader', 'INBOX', mails);
  await sync(service, account);
  await rows().filter({ hasText: 'Long watch' }).click();
  const earlier = article().getByRole('list', { name: 'Earlier in this thread' });
  const line = (n: number) => earlier.getByRole('button', { name: new RegExp(`Watch number ${n}\\.`) });
  await earlier.getByRole('button', { name: '66 more messages' }).click();
  await earlier.getByRole('button', { name: '20 more messages' }).click();
  await line(0).waitFor();
  dovecot.deliver('reader', 'INBOX', [{ bytes: long(99), flags: seen, internalDate: new Date(end - 68.5 * 60_000) }]);
  await sync(service, account);
  await line(99).waitFor();
  expect(visitor.complaints).toEqual([]);
});

describe('the keyboard', () => {
  test('searches, moves, opens and closes', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('wattenmee');
    await waitFor(async () => (await rows().count()) === 2, { what: 'the search results' });
    await page.keyboard.press('Enter');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await article().getByRole('heading', { name: 'Wattenmeer plans', exact: true }).waitFor();
    await page.keyboard.press('k');
    await article().getByRole('heading', { name: 'Re: Wattenmeer plans' }).waitFor();
    await page.keyboard.press('Escape');
    await article().waitFor({ state: 'detached' });
    expect(await list().evaluate((element) => element === document.activeElement)).toBe(true);
    const active = await list().getAttribute('aria-activedescendant');
    expect(await page.locator(`[id="${active}"]`).textContent()).toContain('Re: Wattenmeer plans');
  });
});

describe('the keyboard in a message', () => {
  test.each(['Source', 'Unread'])('moves and closes from the %s switch, and types into fields', async (name) => {
    await searchField().pressSequentially('jk');
    expect(await searchField().inputValue()).toBe('jk');
    await searchField().fill('wattenmeer');
    await waitFor(async () => (await rows().count()) === 2, { what: 'the search results' });
    await rows().first().click();
    await article().getByRole('heading', { name: 'Re: Wattenmeer plans' }).waitFor();
    const switched = page.getByRole(name === 'Source' ? 'radio' : 'checkbox', { name });
    await switched.focus();
    await page.keyboard.press('j');
    await article().getByRole('heading', { name: 'Wattenmeer plans', exact: true }).waitFor();
    await switched.focus();
    await page.keyboard.press('Escape');
    await article().waitFor({ state: 'detached' });
    expect(await list().evaluate((element) => element === document.activeElement)).toBe(true);
  });
});

describe('a message', () => {
  beforeEach(async () => {
    await searchField().fill('"re wattenmeer plans"');
    await waitFor(async () => (await rows().count()) === 1, { what: 'the search results' });
    await rows().first().click();
    await article().waitFor();
  });

  test('shows header, text, thread, source and history', async () => {
    await article().getByText('Ann Lee').first().waitFor();
    await article().getByText('All fields').click();
    await article().getByText('<wattenmeer@example.com>').waitFor({ state: 'detached' });
    await article().getByText('bob@example.com').last().waitFor();
    const link = article().getByRole('link', { name: 'https://example.com/map' });
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer nofollow');

    await article().getByText('Source', { exact: true }).click();
    await article().getByText('In-Reply-To: <wattenmeer@example.com>').waitFor();
    await article().getByText('History', { exact: true }).click();
    await article().getByText('Fetched and stored').waitFor();

    await article()
      .getByRole('list', { name: 'Earlier in this thread' })
      .getByRole('button', { name: /The ferries moor/ })
      .click();
    await article().getByRole('heading', { name: 'Wattenmeer plans', exact: true }).waitFor();
    await page.goBack();
    await article().getByRole('heading', { name: 'Re: Wattenmeer plans' }).waitFor();
    expect(visitor.complaints).toEqual([]);
  });

  test('links to the query behind it, like the list', async () => {
    const query = async () => {
      const href = await page.getByRole('link', { name: 'Show the query of this view' }).getAttribute('href');
      return new URL(href!, service.url).searchParams.get('query');
    };
    expect(await query()).toMatch(/^query Message\(/);
    await page.keyboard.press('Escape');
    await waitFor(async () => (await query())!.startsWith('query Messages('), { what: 'the query of the list' });
  });
});

describe.each(['light', 'dark'] as const)('the messages are readable, %s', (colorScheme) => {
  test.each([
    ['wide', 1360],
    ['narrow', 360],
  ])('on a %s screen', async (_what, width) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 740 });
    await searchField().fill('wattenmeer');
    await waitFor(async () => (await rows().count()) === 2, { what: 'the search results' });
    expect(await accessFaults(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await rows().first().click();
    await article().waitFor();
    expect(await list().isVisible()).toBe(width > 800);
    expect(await accessFaults(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    if (width < 800) {
      await page.getByRole('button', { name: 'Back to the list' }).click();
      await list().waitFor();
    }
    expect(visitor.complaints).toEqual([]);
  });
});

test('on a phone, a missing message has a link back to the list', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${service.url}/accounts/${account}/messages/${newId()}`);
  await page.getByText('Not found').waitFor();
  await page.getByRole('button', { name: 'Back to the list' }).click();
  await list().waitFor();
  expect(visitor.complaints).toEqual([]);
});

interface PageOfIds {
  messages: { edges: { node: { id: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
}

/** The newest message of each thread of the account, newest first. */
async function threadsOf(): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  do {
    const { messages }: PageOfIds = await service.data<PageOfIds>(
      `query ($id: ID!, $after: String) { messages(accountId: $id, collapseThreads: true, first: 100, after: $after) {
        edges { node { id } } pageInfo { hasNextPage endCursor } } }`,
      { id: account, after },
    );
    ids.push(...messages.edges.map(({ node }) => node.id));
    after = messages.pageInfo.hasNextPage ? messages.pageInfo.endCursor : null;
  } while (after);
  return ids;
}

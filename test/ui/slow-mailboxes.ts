import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { launchBrowser, type Visitor, visit } from './browser.ts';
import { openSlowServer, type SlowServer } from './slow-server.ts';

/** Slow enough that a test can act in the middle of a run of this size, in bytes per second. */
export const WATCHABLE = 150_000;
export const MESSAGES = 300;
export const IN_INBOX = 260;

/** A service, and for each test a visitor of its page and a slow mail server. */
export interface SlowMailboxes {
  readonly dataDir: string;
  service: Service;
  browser: Browser;
  server: SlowServer;
  visitor: Visitor;
  /** The visitor's first tab. */
  page: Page;
  /** Creates a mailbox, and returns its user name. */
  newUser(): string;
  /** Connects an account for it, without a sync. */
  connected(user: string): Promise<string>;
  /** Connects an account whose sync is in its middle while the visitor watches. */
  watched(user?: string): Promise<string>;
  /** Makes the server fast, and waits for the end of the sync. */
  upToDate(where?: Page | Locator): Promise<void>;
  /** Restarts the service at the same address. */
  startAgain(): Promise<void>;
}

/** Call it at the top of a test file. All files share the mail server, so `prefix` keeps their users apart. */
export function slowMailboxes(prefix: string): SlowMailboxes {
  vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });
  let users = 0;
  const ui = {
    dataDir: newDataDir(),
    newUser() {
      const user = `${prefix}-${++users}`;
      dovecot.addUser(user, { INBOX: mails(0, IN_INBOX), Archive: mails(IN_INBOX, MESSAGES) });
      return user;
    },
    connected: (user) => connectAccount(ui.service, { ...ui.server, password: dovecot.password }, user),
    async watched(user = ui.newUser()) {
      const account = await ui.connected(user);
      await ui.page.goto(`${ui.service.url}/accounts/${account}`);
      await ui.page.getByRole('button', { name: /^Sync now/ }).click();
      await moved(ui.page);
      return account;
    },
    async upToDate(where = ui.page) {
      ui.server.bytesPerSecond = Infinity;
      await state(where).getByText('Up to date').waitFor({ timeout: 60_000 });
    },
    async startAgain() {
      const { url, apiKey } = ui.service;
      const environment = { API_KEY: apiKey };
      ui.service = await startService({ dataDir: ui.dataDir, port: Number(new URL(url).port), environment });
    },
  } as SlowMailboxes;

  beforeAll(async () => {
    [ui.service, ui.browser] = await Promise.all([startService({ dataDir: ui.dataDir }), launchBrowser()]);
  });

  afterAll(async () => {
    await ui.browser?.close();
    await ui.service?.stop();
  });

  beforeEach(async () => {
    ui.server = await openSlowServer(dovecot, WATCHABLE);
    ui.visitor = await visit(ui.browser, ui.service);
    ui.page = ui.visitor.page;
  });

  afterEach(async () => {
    await ui.visitor[Symbol.asyncDispose]();
    await ui.server[Symbol.asyncDispose]();
  });

  return ui;
}

export const bar = (where: Page) => where.getByRole('progressbar').first();
export const state = (where: Page | Locator) => where.getByTestId('state');
export const rowOf = (user: string, where: Page) => where.getByTestId('account').filter({ hasText: `${user}@` });

/** Waits until the bar is above `from` while the run continues. */
export const moved = (where: Page, from = 0) =>
  waitFor(
    async () => {
      const now = Number(await bar(where).getAttribute('aria-valuenow'));
      return now > from && now < 100 && now;
    },
    { what: `the bar to pass ${from} %`, timeoutMs: 30_000 },
  );

/** Whether the browser itself reports that the service is unreachable. */
export const isOfTheNetwork = (complaint: string) =>
  /WebSocket connection to|Failed to load resource: net::/.test(complaint);

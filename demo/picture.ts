import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import {
  CreateEmailAccountDocument,
  StartEmailSyncDocument,
  SyncProgressDocument,
} from '../src/generated/gql/graphql.ts';
import type { Api } from './api.ts';
import { Children } from './children.ts';
import { type Stage, setUpStage, signInLink } from './stage.ts';

/**
 * `npm run screenshots` renders docs/images: the page and GraphiQL while the demo's mailbox is synced. The browser is
 * the program that CHROMIUM names, or Debian's. No test renders them, because they contain times.
 */
const IMAGES = join(import.meta.dirname, '../docs/images');
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];
const SUBSCRIPTION = `subscription {
  syncActivity {
    status
    phase
    mailbox
    messagesProcessed
    messagesTotal
    percent
    messagesPerSecond
    etaSeconds
  }
}`;

const children = new Children();
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: FLAGS,
});
try {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1200, height: 720 } });
  await Promise.race([takePictures(context), children.failure]);
} finally {
  await browser.close();
  await children.stop();
}

async function takePictures(context: BrowserContext): Promise<void> {
  const stage = await setUpStage(children);
  const { api, accountId } = stage;
  const ann = await addOthers(stage);
  await followed(api, ann, 100);

  const page = await context.newPage();
  const graphiql = await context.newPage();
  await graphiql.setViewportSize({ width: 1100, height: 460 });
  await page.goto(signInLink(api));
  await graphiql.goto(`${api.url}/graphql?query=${encodeURIComponent(SUBSCRIPTION)}`);
  await graphiql.getByRole('button', { name: /^Execute/ }).click();

  // Browsers suspend background tabs.
  await page.bringToFront();
  await page.getByRole('link', { name: 'sample@example.com' }).click();
  await api.ask(StartEmailSyncDocument, { accountId });
  await followed(api, accountId, 55);
  await picture(page, 'account');
  await page.getByRole('link', { name: 'Mailtide: your accounts' }).click();
  await page.getByRole('progressbar').waitFor();
  await page.setViewportSize({ width: 1200, height: 430 });
  await picture(page, 'accounts');
  await graphiql.bringToFront();
  await graphiql.screenshot({ path: join(IMAGES, 'graphiql.png') });
  await followed(api, accountId, 100);

  await page.bringToFront();
  await page.setViewportSize({ width: 1200, height: 640 });
  await page.goto(`${api.url}/accounts/${ann}/messages?search=linux`);
  await page.getByRole('listbox', { name: 'Messages' }).getByRole('option').first().click();
  await page.waitForURL(/\/messages\/[^?]+/);
  await picture(page, 'messages');

  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 360, height: 700 });
  await page.goto(`${api.url}/accounts/${ann}`);
  await page.getByText('Complete', { exact: true }).waitFor();
  await picture(page, 'phone');
}

/**
 * Adds accounts in other states beside the demo's own: synced, paused, with a refused password. Returns the synced one.
 */
async function addOthers({ api, imap: { password: right, ...imap } }: Stage): Promise<string> {
  const add = async (emailAddress: string, password: string, isActive = true): Promise<string> => {
    const input = { emailAddress, imap, credentials: { password }, isActive, verify: false };
    return (await api.ask(CreateEmailAccountDocument, { input })).createEmailAccount.id;
  };
  const ann = await add('ann@example.org', right);
  const bob = await add('bob@example.net', 'the old password');
  await add('archive@example.org', right, false);
  await api.ask(StartEmailSyncDocument, { accountId: bob });
  await api.ask(StartEmailSyncDocument, { accountId: ann });
  return ann;
}

/** Resolves when the sync of an account has reached this percentage; at 100, when it has ended. */
async function followed(api: Api, accountId: string, percent: number): Promise<void> {
  for await (const { syncProgress } of api.subscribe(SyncProgressDocument, { accountId })) {
    if (percent < 100 ? (syncProgress.percent ?? 0) >= percent : syncProgress.status === 'SUCCEEDED') return;
  }
}

async function picture(page: Page, name: string): Promise<void> {
  await page.waitForLoadState('networkidle');
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: join(IMAGES, `${name}.png`), animations: 'disabled' });
}

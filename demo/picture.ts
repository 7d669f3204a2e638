import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { StartEmailSyncDocument, SyncProgressDocument } from '../src/generated/gql/graphql.ts';
import { Children } from './children.ts';
import { setUpStage, signInLink } from './stage.ts';

/**
 * `node demo/picture.ts` makes the pictures of docs/images: the page and GraphiQL in the middle of the demo's sync.
 * The browser is the program that CHROMIUM names, or Debian's.
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
  await Promise.race([takePictures(await browser.newContext()), children.failure]);
} finally {
  await browser.close();
  await children.stop();
}

async function takePictures(context: BrowserContext): Promise<void> {
  const { api, accountId } = await setUpStage(children);
  const page = await context.newPage();
  await page.setViewportSize({ width: 800, height: 310 });
  await page.goto(signInLink(api));
  const graphiql = await context.newPage();
  await graphiql.setViewportSize({ width: 1100, height: 460 });
  await graphiql.goto(`${api.url}/graphql?query=${encodeURIComponent(SUBSCRIPTION)}`);
  await graphiql.getByRole('button', { name: /^Execute/ }).click();

  await api.ask(StartEmailSyncDocument, { accountId });
  for await (const { syncProgress } of api.subscribe(SyncProgressDocument, { accountId })) {
    if ((syncProgress.percent ?? 0) < 40) continue;
    await graphiql.screenshot({ path: join(IMAGES, 'graphiql.png') });
    // A browser lets the tab in the background sleep.
    await page.bringToFront();
    await page.screenshot({ path: join(IMAGES, 'page.png') });
    return;
  }
}

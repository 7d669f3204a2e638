import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Service } from '../../lab/service/service.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Debian's Chromium, or the program that CHROMIUM names. It makes no requests of its own. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** A user with their own browser: cookies, tabs, and what the console of any of them reports. */
export interface Visitor extends AsyncDisposable {
  readonly context: BrowserContext;
  /** The first tab. */
  readonly page: Page;
  /** Console errors, exceptions and requests to other origins, over all tabs. Should be empty. */
  readonly complaints: string[];
  /** Opens another tab at a path. */
  open(path: string): Promise<Page>;
}

export interface VisitOptions extends BrowserContextOptions {
  /** The path to open; `/` if absent. */
  readonly path?: string;
  /** The key to sign in with: the service's first if absent, none if null. */
  readonly key?: string | null;
}

/** Opens the page as a user who followed the link that the service prints. */
export async function visit(browser: Browser, service: Service, options: VisitOptions = {}): Promise<Visitor> {
  const { path = '/', key = service.apiKey, ...contextOptions } = options;
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...contextOptions });
  // On a machine that runs other tests, the browser is slow.
  context.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  context.on('page', (page) => {
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`);
    });
  });
  context.on('request', (request) => {
    if (!request.url().startsWith(service.url)) complaints.push(`request to ${request.url()}`);
  });

  const open = async (to: string): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(service.url + to);
    return page;
  };
  const page = await open(key === null ? path : `/sign-in?key=${key}&next=${encodeURIComponent(path)}`);
  return { context, page, complaints, open, [Symbol.asyncDispose]: () => context.close() };
}

/** The rule and place of what axe finds serious or worse in the current view. Should be empty. */
export async function accessFaults(page: Page): Promise<string[]> {
  await page.evaluate(`${AXE};0`);
  // Colours are final only after fading in.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => undefined))),
  );
  return page.evaluate(async () => {
    const axe = (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe;
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary}`),
      );
  });
}

interface AxeResults {
  readonly violations: {
    readonly id: string;
    readonly impact: string;
    readonly nodes: { readonly target: string[]; readonly failureSummary: string }[];
  }[];
}

/** How many pixels of the page are to the right of the window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Service } from '../../lab/service/service.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Debian's, or the one that CHROMIUM names. It asks nobody outside for anything. */
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

/** Somebody with a browser of their own: cookies, tabs, and what the console said in any of them. */
export interface Visitor extends AsyncDisposable {
  readonly context: BrowserContext;
  /** The first tab. */
  readonly page: Page;
  /** Errors of the console, exceptions, and requests to elsewhere, over all tabs: there should be none. */
  readonly complaints: string[];
  /** A further tab at a path. */
  open(path: string): Promise<Page>;
}

export interface VisitOptions extends BrowserContextOptions {
  /** Where to go; `/` when absent. */
  readonly path?: string;
  /** Whose key signs in; the service's first when absent, nobody's when null. */
  readonly key?: string | null;
}

/** Opens the page as somebody who followed the link that the service prints. */
export async function visit(browser: Browser, service: Service, options: VisitOptions = {}): Promise<Visitor> {
  const { path = '/', key = service.apiKey, ...contextOptions } = options;
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...contextOptions });
  // A machine that works on other tests beside it gives a browser little time.
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

/** What axe finds serious or worse in what is shown now: the rule and where. Empty is good. */
export async function accessFaults(page: Page): Promise<string[]> {
  await page.evaluate(`${AXE};0`);
  // What fades in has not its colours yet.
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

// A real Chromium for tests of the console, without a network: pages that record what they load and what goes wrong.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Longest wait for anything in a page, ms. */
const timeoutMs = 30_000;
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const screenshots = join(import.meta.dirname, '../../screenshots');

const found = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((dir) => names.map((name) => join(dir, name)))
  .find((path) => existsSync(path));

export const whyNoChromium = (): string | undefined =>
  found === undefined ? `no Chromium on the path (${names.join(', ')})` : undefined;

/** What .ci/run says where there is no Chromium to install: then the tests are skipped even with RAFKA_REQUIRE=1. */
export const noChromiumToInstall = process.env.RAFKA_NO_CHROMIUM;

export type Theme = 'light' | 'dark';

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: found!, args: flags, timeout: timeoutMs });

/** A window on the console of one process. */
export class ConsoleWindow {
  readonly page: Page;
  /** What must stay empty: requests to other hosts, errors of the script, what the content security policy refused. */
  readonly faults: string[] = [];
  readonly #context: BrowserContext;
  readonly #base: string;

  private constructor(base: string, context: BrowserContext, page: Page) {
    this.#base = base;
    this.#context = context;
    this.page = page;
    page.on('request', (request) => {
      if (!request.url().startsWith(`${base}/`) && !request.url().startsWith('data:'))
        this.faults.push(`request to ${request.url()}`);
    });
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) this.faults.push(message.text());
    });
  }

  /** @param base `http://127.0.0.1:19094` @param mayInject for axe, which the console's policy would refuse */
  static async open(browser: Browser, base: string, theme: Theme = 'light', mayInject = false): Promise<ConsoleWindow> {
    const viewport = { width: 1280, height: 900 };
    const context = await browser.newContext({ colorScheme: theme, bypassCSP: mayInject, viewport });
    context.setDefaultTimeout(timeoutMs);
    return new ConsoleWindow(base, context, await context.newPage());
  }

  /** Opens a screen by its address; of one that is open already only the address changes. */
  async show(screen: string): Promise<void> {
    await this.page.goto(`${this.#base}/console/#/${screen}`);
  }

  async logIn(name: string, password: string): Promise<void> {
    await this.page.getByLabel('User').fill(name);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Log in' }).click();
  }

  /** Waits until a text stands in a part of the page. @param part a CSS selector */
  async sees(text: string | RegExp, part = 'main'): Promise<void> {
    await this.page.locator(part).filter({ hasText: text }).first().waitFor();
  }

  /** WCAG 2 A and AA, and axe's best practices, as `rule: element`. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate<axe.AxeResults>('axe.run()');
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 150)}`));
  }

  /** Keeps a picture in build/screenshots; nothing may stand outside of a narrow window. */
  async picture(name: string, width: number): Promise<void> {
    mkdirSync(screenshots, { recursive: true });
    await this.page.setViewportSize({ width, height: 900 });
    // The chart follows the window's width a moment later.
    const fits = await this.page.waitForFunction('document.documentElement.scrollWidth <= innerWidth').then(
      () => true,
      () => false,
    );
    await this.page.screenshot({ path: join(screenshots, `${name}-${width}.png`), fullPage: true });
    assert.ok(fits, `${name} is wider than a window of ${width} px`);
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}

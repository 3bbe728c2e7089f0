import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { PASSWORD } from './actors.js';

/** Its path; set in jest.config.js. */
declare const CHROMIUM: string;

const SCREENSHOTS = join(__dirname, '../../docs/screenshots');
/** What a page is given to become what a test waits for. */
const PATIENCE_MS = 15_000;

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

/** A person at a browser: a window of their own, with cookies of its own, and all that has gone wrong in it so far. */
export interface Visitor {
  readonly page: Page;
  /** Errors on the console (a breach of the page's policy is one), uncaught exceptions, and calls to other hosts. */
  readonly problems: string[];
  close(): Promise<void>;
}

/** @param args to Chromium */
export function launchBrowser(...args: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    // Chromium's sandbox refuses to run as root, as in a container.
    args: process.getuid?.() === 0 ? ['--no-sandbox', ...args] : args,
  });
}

/**
 * @param url the server's; pages are then named by their path
 * @param allowed console errors that the test provokes: a browser reports every answer from 400 up
 */
export async function visit(
  browser: Browser,
  url: string,
  { allowed, ...options }: BrowserContextOptions & { allowed?: RegExp } = {},
): Promise<Visitor> {
  const context = await browser.newContext({ baseURL: url, viewport: DESKTOP, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !allowed?.test(message.text())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== url) problems.push(`a call to ${origin}`);
  });
  return { page, problems, close: () => context.close() };
}

/** A further window on what the first one's visitor has: a tab that is not in front would be drawn once a second. */
export async function anotherWindow(page: Page): Promise<Page> {
  const [opened] = await Promise.all([
    page.context().waitForEvent('page'),
    page.evaluate("void open('about:blank', '_blank', 'popup,noopener')"),
  ]);
  return opened;
}

/** Asks for a page of the dashboard as nobody, and signs in at the form that comes instead; resolves when that is done. */
export async function signInTo(
  page: Page,
  path: string,
  { email, password = PASSWORD }: { email: string; password?: string },
): Promise<void> {
  await page.goto(`/dashboard/${path}`);
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).waitFor();
}

/** What axe finds wrong, a line each: the rule, and the elements that break it. */
export async function axeViolations(page: Page): Promise<string[]> {
  // What was read out a moment ago names its button, also when that is gone: React Aria clears it away seconds later.
  const { violations } = await new AxeBuilder({ page })
    .exclude('[data-live-announcer]')
    // Else all that holds is listed too, which takes longer than looking; and frames, which there are none of, get a page.
    .options({ resultTypes: ['violations'] })
    .setLegacyMode()
    .analyze();
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`,
  );
}

/** Nothing has to be scrolled sideways. */
export function fitsItsWidth(page: Page): Promise<boolean> {
  // As text: the types of a page are not those of these tests.
  return page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth');
}

/** For the README and docs/, with `WRITE_SCREENSHOTS=true`: a test shows the state, and this keeps how it looks. */
export async function screenshot(page: Page, name: string): Promise<void> {
  if (process.env['WRITE_SCREENSHOTS'] !== 'true') return;
  const path = join(SCREENSHOTS, `${name}.png`);
  mkdirSync(dirname(path), { recursive: true });
  await page.screenshot({ path, animations: 'disabled' });
}

import type { Browser } from 'playwright-core';
import { axeViolations, launchBrowser, visit } from '../support/browser.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

describe('pages in a browser', () => {
  let server: ServerProcess;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await server.remove();
  });

  it('/docs shows every operation, and nothing goes wrong there', async () => {
    const { page, problems, close } = await visit(browser, server.url);
    await page.goto('/docs');
    await page.getByRole('heading', { name: /^Watchlist API/ }).waitFor();
    expect(await page.locator('.opblock').count()).toBeGreaterThan(30);
    expect(problems).toEqual([]);
    await close();
  });

  it('/dashboard loads under its policy', async () => {
    const { page, problems, close } = await visit(browser, server.url);
    await page.goto('/dashboard');
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    expect(problems).toEqual([]);
    await close();
  });
});

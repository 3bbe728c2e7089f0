import type { Browser, Page } from 'playwright-core';
import { PASSWORD, randomEmail } from '../support/actors.js';
import {
  anotherWindow,
  axeViolations,
  fitsItsWidth,
  launchBrowser,
  PHONE,
  screenshot,
  visit,
} from '../support/browser.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });

describe('signing in, in a browser', () => {
  let server: ServerProcess;
  let browser: Browser;
  beforeAll(async () => {
    // These tests sign in more often than the limit allows.
    const env = { RATE_LIMIT_LOGIN: '0' };
    [server, browser] = await Promise.all([startServer({ env }), launchBrowser()]);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await server.remove();
  });

  async function register(page: Page, email = randomEmail()): Promise<string> {
    await page.goto('/dashboard/register');
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    await heading(page, 'My list').waitFor();
    return email;
  }

  it('lasts over a reload and in a new tab, and ends in all of them; no token is in reach of a script', async () => {
    const { page, problems, close } = await visit(browser, server.url, { allowed: /status of 401/ });
    const email = await register(page);
    await page.reload();
    await heading(page, 'My list').waitFor();
    const other = await anotherWindow(page);
    await other.goto('/dashboard/account');
    await heading(other, 'Account').waitFor();
    const kept = await page.evaluate<string>(
      'JSON.stringify([localStorage, sessionStorage, document.cookie])',
    );
    expect(kept).not.toMatch(/eyJ|[A-Za-z0-9_-]{20}/);
    const cookies = await page.context().cookies();
    expect(cookies).toMatchObject([
      { name: '__Host-wl_refresh', httpOnly: true, secure: true, sameSite: 'Strict' },
    ]);
    await other.getByRole('button', { name: 'Sign out' }).click();
    await heading(other, 'Sign in').waitFor();
    await heading(page, 'Sign in').waitFor();
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await heading(page, 'My list').waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  it('leads to the page that was asked for', async () => {
    const { page, close } = await visit(browser, server.url);
    const email = await register(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.goto('/dashboard/account');
    await heading(page, 'Sign in').waitFor();
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading(page, 'Account').waitFor();
    expect(new URL(page.url()).pathname).toBe('/dashboard/account');
    await close();
  });

  it.each([
    ['sign-in', 'Sign in'],
    ['register', 'Create an account'],
  ])('/dashboard/%s has no barriers, on a phone and in the dark neither', async (path, name) => {
    for (const options of [
      { colorScheme: 'light' },
      { colorScheme: 'dark', viewport: PHONE, hasTouch: true },
    ] as const) {
      const { page, problems, close } = await visit(browser, server.url, options);
      await page.goto(`/dashboard/${path}`);
      await heading(page, name).waitFor();
      expect(await axeViolations(page)).toEqual([]);
      expect(await fitsItsWidth(page)).toBe(true);
      await screenshot(page, `${path}-${options.colorScheme}`);
      expect(problems).toEqual([]);
      await close();
    }
  });

  it('says what was wrong: with a field beside it, with both above the button', async () => {
    const { page, close } = await visit(browser, server.url);
    await page.goto('/dashboard/register');
    await page.getByLabel('E-mail').fill('ada@example');
    await page.getByLabel('Password').fill('password1');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page
      .getByText(/^This must/)
      .first()
      .waitFor();
    await page.goto('/dashboard/sign-in');
    await page.getByLabel('E-mail').fill('ada@example.com');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await page.getByRole('alert').innerText()).toMatch(/password/);
    await close();
  });

  it.each([
    ['the browser', 'nobody', /@/],
    ['the server', 'ada@example', /^This must/],
  ])(
    'hides the message of %s while the field is corrected, so that a press of the button sends',
    async (_who, wrong, message) => {
      const { page, problems, close } = await visit(browser, server.url, { allowed: /status of 422/ });
      await page.goto('/dashboard/register');
      await page.getByLabel('E-mail').fill(wrong);
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Create account' }).click();
      await page.locator('.field-error').getByText(message).waitFor();
      await page.getByLabel('E-mail').fill(randomEmail());
      await page.locator('.field-error').waitFor({ state: 'hidden' });
      // A press takes time. A button that moves under the pointer meanwhile is not clicked.
      await page.getByRole('button', { name: 'Create account' }).click({ delay: 80 });
      await heading(page, 'My list').waitFor();
      expect(problems).toEqual([]);
      await close();
    },
  );
});

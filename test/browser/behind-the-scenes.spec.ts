import type { Browser, Locator, Page } from 'playwright-core';
import {
  axeViolations,
  fitsItsWidth,
  launchBrowser,
  PHONE,
  screenshot,
  signInTo,
  visit,
} from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { GithubStub } from '../support/github-stub.js';
import { ROOMY, type Member, signUp } from '../support/server-client.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

const LIST_LIMIT = 12;

describe('behind the scenes, in a browser', () => {
  let github: GithubStub;
  let server: ServerProcess;
  let browser: Browser;
  let ada: Member;
  beforeAll(async () => {
    github = await GithubStub.start();
    const env = {
      ...ROOMY,
      GITHUB_API_URL: github.url,
      RATE_LIMIT_LOGIN: '5/60',
      RATE_LIMIT_LIST: `${LIST_LIMIT}/60`,
      RATE_LIMIT_DEFAULT: '300/60',
    };
    [server, browser] = await Promise.all([startServer({ env }), launchBrowser()]);
    ada = await signUp(server.url);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await server.remove();
    await github.close();
  });

  const toggle = (page: Page) => page.getByRole('button', { name: 'Behind the scenes', exact: true });
  const scene = (page: Page, name: string): Locator => page.getByRole('region', { name, exact: true });
  const gauge = (page: Page, policy: string) =>
    scene(page, 'Rate limits').getByRole('meter', { name: `policy ${policy}` });

  async function isWithoutBarriers(page: Page, name: string): Promise<void> {
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await axeViolations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await axeViolations(page)).toEqual([]);
    expect(await fitsItsWidth(page)).toBe(true);
    await screenshot(page, name);
  }

  it('shows every call, what is left of the limits, and what the cache saves', async () => {
    const { page, problems, close } = await visit(browser, server.url, {
      allowed: /status of 4(01|29)/,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.setViewportSize({ width: 1280, height: 1100 });
    const left = async () => Number(await gauge(page, 'list').getAttribute('aria-valuenow'));
    const countsDown = async (ask: () => Promise<void>) => {
      const before = await left();
      await ask();
      await gauge(page, 'list')
        .and(page.locator(`:not([aria-valuenow="${before}"])`))
        .waitFor();
    };
    await signInTo(page, '', ada);
    await toggle(page).press('Enter');
    const panel = page.getByRole('complementary', { name: 'Behind the scenes' });
    await panel.and(page.locator(':focus')).waitFor();

    const calls = scene(page, 'Calls').getByRole('listitem');
    const login = calls.filter({ hasText: 'POST/v1/auth/login' });
    expect(await login.innerText()).toMatch(/200 OK\s+[\d.]+ ms/);
    await login.getByRole('button', { name: 'Copy the request id' }).click();
    await page.getByText('The request id is copied.').waitFor();
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    await eventually(() => expect(server.logs().map((line) => line['request_id'])).toContain(copied));
    expect(await gauge(page, 'login').getAttribute('aria-valuetext')).toMatch(/^[0-4] of 5 left; /);

    const cache = scene(page, 'Cache');
    // While it is asking it can be pressed, but does nothing.
    const ask = cache
      .getByRole('button', { name: 'Ask for my list twice' })
      .and(page.locator(':not([data-pending])'));
    await ask.click();
    expect(await cache.getByRole('status').innerText()).toMatch(
      /First\s+MISS\s+[\d.]+ ms\s+Second\s+HIT\s+[\d.]+ ms/,
    );
    // Asked again it is another question, which nobody has asked yet.
    await countsDown(() => ask.click());
    await ask.waitFor();
    expect(await cache.getByRole('status').innerText()).toMatch(/MISS[\s\S]*HIT/);
    expect(await calls.first().innerText()).toMatch(
      /GET\s*\/v1\/watchlists\?limit=\d+[\s\S]*200 OK[\s\S]*HIT/,
    );
    await scene(page, 'Health').getByText('All that is configured answers.').waitFor();
    await isWithoutBarriers(page, 'behind-the-scenes');

    // Until there is nothing left.
    while ((await left()) > 0) await countsDown(() => ask.click());
    await ask.click();
    await scene(page, 'Rate limits')
      .getByText(/^Refused \(429\): wait \d+ s$/)
      .waitFor();
    expect(await gauge(page, 'list').getAttribute('aria-valuetext')).toMatch(/^0 of 12 left; Refused/);
    expect(await cache.getByRole('alert').innerText()).toMatch(/try again in \d+ s/);
    expect(await calls.first().innerText()).toMatch(/429 Too Many Requests[\s\S]*Retry-After: \d+ s/);
    await isWithoutBarriers(page, 'behind-the-scenes-refused');

    await scene(page, 'Calls').getByRole('button', { name: 'Clear the calls' }).click();
    await scene(page, 'Calls').getByText('None so far.').waitFor();
    expect(await gauge(page, 'list').count()).toBe(1);

    // Whoever comes next sees nothing of it.
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    expect(await gauge(page, 'list').count()).toBe(0);
    await panel.getByRole('button', { name: 'Close behind the scenes' }).press('Enter');
    expect(await panel.count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  }, 90_000);

  it('is a sheet on a phone, also for who is not signed in; tells of GitHub and of health as they are', async () => {
    const { page, problems, close } = await visit(browser, server.url, {
      allowed: /status of 50[234]/,
      viewport: PHONE,
      hasTouch: true,
    });
    await page.goto('/dashboard/sign-in');
    await toggle(page).click();
    const sheet = page.getByRole('dialog', { name: 'Behind the scenes' });
    await scene(page, 'Cache').getByText('Sign in to see what that saves.').waitFor();

    const answer = scene(page, 'GitHub');
    const askGithub = answer
      .getByRole('button', { name: 'Ask GitHub' })
      .and(page.locator(':not([data-pending])'));
    github.answer('forbidden');
    await askGithub.click();
    await answer.getByText('UPSTREAM_ERROR').waitFor();
    // Five in a row are enough for the server.
    while (github.requests.length < 5) await askGithub.click();
    await askGithub.click();
    await answer.getByText('UPSTREAM_CIRCUIT_OPEN').waitFor();
    await answer.getByText(/^It is left alone for \d+ s\.$/).waitFor();
    await isWithoutBarriers(page, 'behind-the-scenes-phone');

    // Down, as the server would say it; and then not even that.
    const down = { status: 'down', dependencies: { database: 'down', redis: 'disabled' } };
    await page.route('**/v1/health/detailed', (route) => route.fulfill({ status: 503, json: down }));
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    await toggle(page).and(page.locator(':focus')).waitFor();
    await toggle(page).click();
    await scene(page, 'Health').getByText('Down: without its database').waitFor();
    expect(await scene(page, 'Health').getByRole('list').innerText()).toMatch(
      /Database\s+down\s+Redis\s+disabled/,
    );
    expect(problems).toEqual([]);
    await close();
  }, 90_000);

  it('counts a press during which answers arrive', async () => {
    const other = await startServer({ env: { ...ROOMY, GITHUB_API_URL: github.url } });
    github.answer('ok');
    const { page, problems, close } = await visit(browser, other.url, { viewport: PHONE });
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const isHeld = (url: URL) => ['/v1/watchlists', '/v1/health/detailed'].includes(url.pathname);
    await page.route(isHeld, async (route) => {
      await released;
      await route.continue();
    });
    await signInTo(page, '', await signUp(other.url));
    await toggle(page).click();
    const ask = scene(page, 'GitHub').getByRole('button');
    await ask.hover();
    await page.mouse.down();
    release();
    await scene(page, 'Health').getByText('All that is configured answers.').waitFor();
    await scene(page, 'Calls').getByText('/v1/watchlists').waitFor();
    await page.mouse.up();
    await scene(page, 'GitHub').getByText('https://api.github.com/rate_limit').waitFor();
    expect(problems).toEqual([]);
    await close();
    await other.remove();
  }, 90_000);

  it('says so when the cache is off, what GitHub answers, and that the server is away', async () => {
    const env = { ...ROOMY, GITHUB_API_URL: github.url, CACHE_TTL_SECONDS: '0' };
    const other = await startServer({ env });
    github.answer('ok');
    const { page, close } = await visit(browser, other.url);
    await signInTo(page, '', await signUp(other.url));
    await toggle(page).click();
    await scene(page, 'Rate limits').getByText('No answer has told of one so far.').waitFor();
    await scene(page, 'Cache').getByRole('button').click();
    const proof = await scene(page, 'Cache').getByRole('status').innerText();
    expect(proof).toMatch(/First\s+BYPASS[\s\S]*Second\s+BYPASS[\s\S]*the cache is off/);
    await scene(page, 'GitHub').getByRole('button').click();
    await scene(page, 'GitHub').getByText('https://api.github.com/rate_limit').waitFor();
    await other.remove();
    await scene(page, 'Cache').getByRole('button').click();
    await scene(page, 'Cache').getByText('The server cannot be reached.').waitFor();
    await scene(page, 'Calls').getByText('No answer').first().waitFor();
    await toggle(page).click();
    await toggle(page).click();
    await scene(page, 'Health').getByText('The server cannot be reached.').waitFor();
    await close();
  }, 90_000);
});

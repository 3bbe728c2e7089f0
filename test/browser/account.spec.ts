import type { Browser, Locator, Page } from 'playwright-core';
import { PASSWORD, randomEmail } from '../support/actors.js';
import {
  anotherWindow,
  axeViolations,
  DESKTOP,
  fitsItsWidth,
  launchBrowser,
  PHONE,
  screenshot,
  signInTo,
  visit,
  type Visitor,
} from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { MailServer } from '../support/mail-server.js';
import { call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

const NEW_PASSWORD = 'nine lives of a paper cat';
const ADMIN = { email: 'admin@example.com', password: PASSWORD };
/** A host that is not this machine, as far as the browser can tell. */
const INSECURE_HOST = 'app.test';
/** With each SIGUSR2 the server's clock goes two minutes ahead. With SIGWINCH it is right again. */
const CLOCK_AHEAD = `data:text/javascript,${encodeURIComponent(
  `const RealDate = Date;
  let ahead = 0;
  globalThis.Date = class Date extends RealDate {
    constructor(...parts) { parts.length === 0 ? super(RealDate.now() + ahead) : super(...parts); }
    static now() { return RealDate.now() + ahead; }
  };
  process.on('SIGUSR2', () => { ahead += 120_000; });
  process.on('SIGWINCH', () => { ahead = 0; });`,
)}`;

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name });
const button = (page: Page | Locator, name: string | RegExp) => page.getByRole('button', { name });
const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const header = (page: Page) => page.getByRole('banner');

describe('an account, in a browser', () => {
  let mail: MailServer;
  let server: ServerProcess;
  /** Without mail. */
  let plain: ServerProcess;
  let browser: Browser;
  beforeAll(async () => {
    mail = await MailServer.start();
    [server, plain, browser] = await Promise.all([
      startServer({
        env: {
          ...ROOMY,
          ...mail.env,
          JWT_EXPIRE_MINUTES: '1',
          ADMIN_EMAIL: ADMIN.email,
          ADMIN_PASSWORD: ADMIN.password,
        },
        nodeOptions: ['--import', CLOCK_AHEAD],
      }),
      startServer({ env: ROOMY }),
      launchBrowser(`--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`),
    ]);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await Promise.all([server.remove(), plain.remove(), mail.close()]);
  });

  const post = (path: string, token: string | undefined, body: object) =>
    call(server.url, { path, token, body });
  const get = (path: string, token: string) => call(server.url, { path, token });
  const logIn = (email: string, password = PASSWORD) =>
    post('/v1/auth/login', undefined, { email, password });

  async function fill(page: Page | Locator, values: Record<string, string>): Promise<void> {
    for (const [label, value] of Object.entries(values))
      await page.getByLabel(label, { exact: true }).fill(value);
  }

  /** Somebody with a browser, signed in, on that page. */
  async function asMember(path: string, allowed = /status of 4\d\d/): Promise<Visitor & { member: Member }> {
    const member = await signUp(server.url);
    const visitor = await visit(browser, server.url, { allowed });
    await signInTo(visitor.page, path, member);
    return { ...visitor, member };
  }

  /** In light on a large screen. */
  async function expectNoBarriers(page: Page, name?: string): Promise<void> {
    expect(await axeViolations(page)).toEqual([]);
    expect(await fitsItsWidth(page)).toBe(true);
    if (name !== undefined) await screenshot(page, name);
  }

  /** For whole pages: in the dark on a phone, too. */
  async function expectNoBarriersInAnyLook(page: Page, name: string): Promise<void> {
    await expectNoBarriers(page, `${name}-light`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize(PHONE);
    await expectNoBarriers(page, `${name}-dark`);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(DESKTOP);
  }

  /** Where a link leads here: the server is told another address than it has. */
  const here = (link: string) => `/dashboard/reset${new URL(link, server.url).hash}`;
  async function linkFor(email: string): Promise<string> {
    const admin = (await logIn(ADMIN.email)).body.access_token;
    const { users } = (await get(`/v1/admin/users?q=${encodeURIComponent(email)}`, admin)).body;
    const { body } = await post(`/v1/admin/users/${users[0].id}/password-reset`, admin, {});
    return here(body.reset_url);
  }

  describe('whose password is forgotten', () => {
    it('is sent a link; it is good once, whoever asks is told the same, and the token is nowhere to be found', async () => {
      const { email } = await signUp(server.url);
      const { page, problems, close } = await visit(browser, server.url, { allowed: /status of 4\d\d/ });
      const told: string[] = [];
      for (const address of [randomEmail('nobody'), email]) {
        await page.goto('/dashboard/forgot');
        await page.getByLabel('E-mail').fill(address);
        await button(page, 'Send me a link').click();
        await heading(page, 'Look into your mail').waitFor();
        told.push((await page.getByRole('main').innerText()).replace(address, '…'));
      }
      expect(told[0]).toBe(told[1]);
      await expectNoBarriers(page, 'forgot-light');
      const text = await eventually(() => mail.mailsTo(email)[0]!.text!);
      const link = here(/https:\S+/.exec(text)![0]);
      const token = link.split('token=')[1]!;

      await page.goto(link);
      await page.getByLabel('New password').waitFor();
      expect(page.url()).toBe(`${server.url}/dashboard/reset`);
      await expectNoBarriers(page, 'reset-light');
      await page.getByLabel('New password').fill('password1');
      await button(page, 'Set password').click();
      await page.getByText(/^This must not be .*common/).waitFor();
      await button(page, 'Show characters').click();
      expect(await page.getByLabel('New password').getAttribute('type')).toBe('text');
      await button(page, 'Behind the scenes').click();
      await page.getByLabel('New password').fill(NEW_PASSWORD);
      await button(page, 'Set password').click();
      await page.getByText('The password is set').waitFor();
      expect(await page.getByRole('complementary').innerText()).toContain('/v1/auth/password/reset');
      const kept = await page.evaluate<string>(
        'JSON.stringify([localStorage, sessionStorage, history.state, document.documentElement.outerHTML])',
      );
      expect(kept).not.toContain(token.slice(0, 22));
      await fill(page, { 'E-mail': email, Password: NEW_PASSWORD });
      await button(page, 'Sign in').click();
      await heading(page, 'My list').waitFor();

      await page.goto(link);
      await page.getByLabel('New password').fill('yet another password');
      await button(page, 'Set password').click();
      await heading(page, 'This link is not valid').waitFor();
      expect(await page.getByLabel('New password').count()).toBe(0);
      await page.goBack();
      await page.goForward();
      expect(page.url()).not.toContain('token');
      expect(problems).toEqual([]);
      await close();
    }, 90_000);

    it('is told that this server sends no mail', async () => {
      const { page, close } = await visit(browser, plain.url);
      await page.goto('/dashboard/forgot');
      await page.getByLabel('E-mail').fill(randomEmail());
      await button(page, 'Send me a link').click();
      expect(await page.getByRole('alert').innerText()).toMatch('An administrator can make a link');
      await close();
    });

    it('chooses one by an invitation, too', async () => {
      const admin = (await logIn(ADMIN.email)).body.access_token;
      const email = randomEmail('invited');
      const { body } = await post('/v1/admin/users', admin, { email, role: 'user' });
      const { page, close } = await visit(browser, server.url);
      await page.goto(here(body.invitation_url));
      await page.getByLabel('New password').fill(NEW_PASSWORD);
      await button(page, 'Set password').click();
      await page.getByText('The password is set').waitFor();
      expect((await logIn(email, NEW_PASSWORD)).status).toBe(200);
      await close();
    });
  });

  describe('a link that sets a password', () => {
    it('must be whole', async () => {
      const { page, close } = await visit(browser, server.url);
      for (const end of ['', '#', '#token=', '#token=abc', '#other=x']) {
        // Otherwise only the fragment would change, and the page would not load again.
        await page.goto('about:blank');
        await page.goto(`/dashboard/reset${end}`);
        expect(await page.getByRole('alert').innerText()).toMatch('This is not a whole link');
        expect(page.url()).not.toContain('token');
        expect(await page.getByLabel('New password').count()).toBe(0);
      }
      await close();
    });

    it('may be opened where another was; is sent once, however often one presses; waits for the server', async () => {
      const { email } = await signUp(server.url);
      const { page, close } = await visit(browser, server.url, { allowed: /ERR_FAILED/ });
      await page.goto('/dashboard/reset#token=abc');
      await page.getByRole('alert').waitFor();
      const entries = await page.evaluate<number>('history.length');
      await page.evaluate(`location.href = ${JSON.stringify(await linkFor(email))}`);
      await page.getByLabel('New password').fill(NEW_PASSWORD);
      expect(page.url()).toBe(`${server.url}/dashboard/reset`);
      expect(await page.evaluate<number>('history.length')).toBe(entries + 1);
      // Behind the link to the content is no token, and nothing that takes one away.
      await page.evaluate("location.hash = 'content'");
      await page.route('**/v1/auth/password/reset', (route) => route.abort());
      await button(page, 'Set password').click();
      expect(await page.getByRole('alert').innerText()).toBe('The server cannot be reached.');
      await page.unroute('**/v1/auth/password/reset');
      let requests = 0;
      page.on('request', (request) => (requests += Number(request.url().endsWith('/password/reset'))));
      await button(page, 'Set password').dblclick();
      await page.getByText('The password is set').waitFor();
      expect(requests).toBe(1);
      expect((await logIn(email, NEW_PASSWORD)).status).toBe(200);
      await page.goto('/dashboard/reset');
      await page.getByRole('alert').waitFor();
      await close();
    });

    it("leaves somebody else's session alone, and ends one's own in every tab", async () => {
      const { page, member, problems, close } = await asMember('');
      const other = await signUp(server.url);
      await page.goto(await linkFor(other.email));
      await page.getByText(`${member.email} is signed in here`).waitFor();
      await page.getByLabel('New password').fill(NEW_PASSWORD);
      await button(page, 'Set password').click();
      await page.getByText(`${member.email} stays so`).waitFor();
      await page.getByRole('link', { name: 'Account' }).click();
      await section(page, 'Profile').getByText(member.email).waitFor();

      const tab = await anotherWindow(page);
      await tab.goto(await linkFor(member.email));
      await tab.getByLabel('New password').fill(NEW_PASSWORD);
      await button(tab, 'Set password').click();
      await tab.getByText('The password is set').waitFor();
      await heading(tab, 'Sign in').waitFor();
      await heading(page, 'Sign in').waitFor();
      await fill(tab, { 'E-mail': member.email, Password: NEW_PASSWORD });
      await button(tab, 'Sign in').click();
      await button(header(page), 'Sign out').waitFor();
      expect(problems).toEqual([]);
      await close();
    }, 60_000);
  });

  describe('its profile', () => {
    it('shows who it is; address and password change with the current password, and a wrong one signs nobody out', async () => {
      const { page, member, problems, close } = await asMember('account');
      const elsewhere = (await logIn(member.email)).body.access_token;
      const tab = await anotherWindow(page);
      await tab.goto('/dashboard');
      await header(tab).getByText(member.email).waitFor();
      expect(await section(page, 'Profile').innerText()).toMatch(/E-mail\s+user-.*\s+Role\s+User\s/);

      const email = section(page, 'Change e-mail address');
      const taken = (await signUp(server.url)).email;
      const fresh = randomEmail('renamed');
      await fill(email, { 'New e-mail': taken, 'Current password': 'wrong' });
      await button(email, 'Change e-mail').click();
      await email.getByText('This is not your current password.').waitFor();
      await fill(email, { 'Current password': PASSWORD });
      await button(email, 'Change e-mail').click();
      await email.getByText('This address is registered already.').waitFor();
      await expectNoBarriers(page);
      await fill(email, { 'New e-mail': fresh });
      await button(email, 'Change e-mail').click();
      await page.getByText(`Your e-mail address is now ${fresh}.`).waitFor();
      for (const shown of [page, tab]) await header(shown).getByText(fresh).waitFor();
      expect(await email.getByLabel('Current password').inputValue()).toBe('');

      const password = section(page, 'Change password');
      await fill(password, { 'Current password': 'wrong', 'New password': NEW_PASSWORD });
      await button(password, 'Change password').click();
      await password.getByText('This is not your current password.').waitFor();
      await fill(password, { 'Current password': PASSWORD, 'New password': 'password1' });
      await button(password, 'Change password').click();
      await password.getByText(/^This must not be .*common/).waitFor();
      await fill(password, { 'New password': NEW_PASSWORD });
      await button(password, 'Change password').click();
      await page.getByText('Your password is changed.').waitFor();
      await page.reload();
      await section(page, 'Profile').getByText(fresh).waitFor();
      expect((await get('/v1/auth/me', elsewhere)).status).toBe(401);
      expect((await logIn(fresh, NEW_PASSWORD)).status).toBe(200);
      await expectNoBarriersInAnyLook(page, 'profile');
      expect(problems).toEqual([]);
      await close();
    }, 90_000);

    it('is erased with the password and the address typed in; the last administrator stays', async () => {
      const { page, member, problems, close } = await asMember('account');
      const dialog = page.getByRole('alertdialog');
      await button(page, 'Erase my account').click();
      await fill(dialog, { 'Type your e-mail address': 'no', 'Current password': 'wrong' });
      await button(dialog, 'Erase for good').click();
      await dialog.getByText('This must be the e-mail address of this account.').waitFor();
      await fill(dialog, { 'Type your e-mail address': member.email });
      await button(dialog, 'Erase for good').click();
      await dialog.getByText('This is not your current password.').waitFor();
      await expectNoBarriers(page);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await eventually(async () =>
        expect(await page.evaluate('document.activeElement.textContent')).toBe('Erase my account…'),
      );
      await button(page, 'Erase my account').click();
      await fill(dialog, { 'Type your e-mail address': member.email, 'Current password': PASSWORD });
      await button(dialog, 'Erase for good').click();
      await page.getByText('Your account and all that belonged to it are erased.').waitFor();
      expect((await logIn(member.email)).status).toBe(401);
      expect(await page.context().cookies()).toEqual([]);

      await signInTo(page, 'account', ADMIN);
      await button(page, 'Erase my account').click();
      await fill(dialog, { 'Type your e-mail address': ADMIN.email, 'Current password': PASSWORD });
      await button(dialog, 'Erase for good').click();
      await dialog.getByText('You are the only active administrator.').waitFor();
      expect(problems).toEqual([]);
      await close();
    }, 60_000);
  });

  it('says so when the page cannot be loaded, and can be gone away from', async () => {
    const { page, close } = await asMember('', /ERR_FAILED|dynamically imported/);
    await page.route('**/assets/account-*.js', (route) => route.abort());
    await page.getByRole('link', { name: 'Account' }).click();
    await heading(page, 'This page could not be shown').waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('link', { name: 'My list' }).click();
    await heading(page, 'My list').waitFor();
    await page.unroute('**/assets/account-*.js');
    await page.getByRole('link', { name: 'Account' }).click();
    await button(page, 'Reload').click();
    await heading(page, 'Profile').waitFor();
    await close();
  });

  describe('its sessions', () => {
    afterEach(() => server.signal('SIGWINCH'));

    const DEVICES = {
      'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0': 'Firefox on Linux',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1':
        'Safari on iPhone',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0':
        'Edge on Windows',
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36':
        'Chrome on Android',
      'curl/8.5.0': 'curl',
      'PostmanRuntime/7.43.0': 'PostmanRuntime',
    };

    it('are named as people would, and end one by one or all but this one', async () => {
      const member = await signUp(server.url);
      const tokens: string[] = [];
      for (const userAgent of Object.keys(DEVICES)) {
        const answer = await fetch(`${server.url}/v1/auth/login`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'user-agent': userAgent },
          body: JSON.stringify({ email: member.email, password: PASSWORD }),
        });
        tokens.push(((await answer.json()) as { access_token: string }).access_token);
      }
      const { page, problems, close } = await visit(browser, server.url, { allowed: /status of 40\d/ });
      await signInTo(page, 'account/sessions', member);
      const rows = page.getByRole('main').getByRole('listitem');
      const names = ['Chrome on Linux', ...Object.values(DEVICES).reverse(), 'Unknown device'];
      await eventually(async () => expect(await rows.locator('strong').allInnerTexts()).toEqual(names));
      expect(await rows.first().innerText()).toMatch(
        /This one[^]*127\.0\.0\.1 · used just now · signed in on/,
      );
      await expectNoBarriersInAnyLook(page, 'sessions');

      await button(page, 'Sign out Firefox on Linux').click();
      await page.getByText('Signed out: Firefox on Linux.').waitFor();
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Where you are signed in');
      expect((await get('/v1/auth/me', tokens[0]!)).status).toBe(401);
      await call(server.url, { method: 'POST', path: '/v1/auth/logout', token: tokens[1], body: {} });
      await button(page, 'Sign out Safari on iPhone').click();
      await page.getByText('It had ended already: Safari on iPhone.').waitFor();
      expect((await get('/v1/auth/me', tokens[2]!)).status).toBe(200);
      await button(page, 'Sign out everywhere else').click();
      await page.getByText('Nowhere else but here.').waitFor();
      expect(await rows.count()).toBe(1);
      expect((await get('/v1/auth/me', tokens[2]!)).status).toBe(401);

      // And from elsewhere this one.
      const elsewhere = (await logIn(member.email)).body.access_token;
      await call(server.url, { method: 'DELETE', path: '/v1/auth/sessions', token: elsewhere });
      await page.getByRole('link', { name: 'Personal tokens' }).click();
      await page.getByText('Your session has ended').waitFor();
      await fill(page, { 'E-mail': member.email, Password: PASSWORD });
      await button(page, 'Sign in').click();
      await heading(page, 'Personal tokens').waitFor();
      expect(problems).toEqual([]);
      await close();
    }, 90_000);

    it('outlive their access tokens: on a page that stays open, after a sleep, in two tabs at once', async () => {
      const { page, problems, close } = await asMember('account/sessions', /status of 401/);
      const rows = page.getByRole('main').getByRole('listitem');
      await rows.first().waitFor();
      const exchanges: string[] = [];
      page
        .context()
        .on(
          'response',
          (answer) => answer.url().endsWith('/refresh') && exchanges.push(`${answer.status()}`),
        );
      const go = async (tab: Page, link: string, shown: string) => {
        await tab.getByRole('link', { name: link }).click();
        await heading(tab, shown).waitFor();
      };
      for (const hasLocks of [true, false]) {
        const tab = await anotherWindow(page);
        if (!hasLocks)
          for (const each of [page, tab]) {
            await each.addInitScript('delete Navigator.prototype.locks');
            await each.goto('/dashboard/account');
          }
        await tab.goto('/dashboard/account');
        await heading(tab, 'Profile').waitFor();
        exchanges.length = 0;
        // The server's time goes on, while the pages think that their tokens are good.
        server.signal('SIGUSR2');
        await Promise.all([
          go(page, 'Personal tokens', 'No tokens yet'),
          go(tab, 'Personal tokens', 'No tokens yet'),
        ]);
        await Promise.all([go(page, 'Sessions', 'Where you'), go(tab, 'Sessions', 'Where you')]);
        await Promise.all([page, tab].map((each) => each.getByRole('listitem').first().waitFor()));
        await eventually(() => expect(exchanges).toEqual(['200', '200']));
        await tab.close();
      }
      await page.clock.install();
      await page.goto('/dashboard/account');
      await heading(page, 'Profile').waitFor();
      exchanges.length = 0;
      await page.clock.fastForward(55_000);
      await go(page, 'Sessions', 'Where you');
      await rows.first().waitFor();
      // It knew by itself: nothing was refused.
      expect(exchanges).toEqual(['200']);
      expect(problems.filter((problem) => !/40\d/.test(problem))).toEqual([]);
      await close();
    }, 90_000);

    it('last while the server cannot say whether they do, and over an answer that is lost', async () => {
      const { page, close } = await asMember('account', /status of (401|503)|ERR_FAILED/);
      await heading(page, 'Profile').waitFor();
      server.signal('SIGUSR2');
      const problem = { code: 'OVERLOADED', detail: 'Too much to do at the moment.', status: 503 };
      await page.route('**/v1/auth/refresh', (route) =>
        route.fulfill({
          status: 503,
          contentType: 'application/problem+json',
          headers: { 'retry-after': '1' },
          body: JSON.stringify(problem),
        }),
      );
      await page.getByRole('link', { name: 'Sessions' }).click();
      expect(await page.getByRole('alert').innerText()).toMatch(
        'Too much to do at the moment. Try again in 1 s.',
      );
      await button(header(page), 'Sign out').waitFor();
      await page.unroute('**/v1/auth/refresh');
      await button(page, 'Try again').click();
      await page.getByRole('listitem').first().waitFor();

      await page.route('**/v1/auth/refresh', (route) => route.abort(), { times: 1 });
      await page.reload();
      await page.getByRole('listitem').first().waitFor();
      await page.route('**/v1/auth/refresh', (route) => route.abort(), { times: 2 });
      await page.reload();
      await page.getByText('could not be asked').waitFor();
      await expectNoBarriers(page);
      await button(page, 'Try again').click();
      await page.getByRole('listitem').first().waitFor();
      await close();
    }, 60_000);

    it('end on this page when the server is away, and there when it is back', async () => {
      const { page, member, close } = await asMember('account', /ERR_FAILED/);
      const { length: before } = (await get('/v1/auth/sessions', member.token)).body.sessions;
      await page.route('**/v1/auth/logout', (route) => route.abort());
      await button(header(page), 'Sign out').click();
      await page.getByText('the server could not be told').waitFor();
      await page.unroute('**/v1/auth/logout');
      await page.reload();
      await page.getByText('You are signed out.').waitFor();
      expect((await get('/v1/auth/sessions', member.token)).body.sessions).toHaveLength(before - 1);
      await page.reload();
      await heading(page, 'Sign in').waitFor();
      await close();
    }, 60_000);
  });

  describe('its personal tokens', () => {
    it('are shown once, good for what they name, seen in the list, and revoked', async () => {
      const { page, member, problems, close } = await asMember('account/tokens');
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await heading(page, 'No tokens yet').waitFor();
      await button(page, 'New token').click();
      const dialog = page.getByRole('dialog', { name: 'New personal token' });
      await fill(dialog, { Name: 'Backup script' });
      // By keyboard: the scopes, and how long.
      await dialog.getByLabel('Read the list').focus();
      await page.keyboard.press('Space');
      await button(dialog, 'Make token').click();
      expect(await dialog.isVisible()).toBe(true);
      await page.keyboard.press('Space');
      await dialog.getByLabel('Read e-mail address and role').check({ force: true });
      await button(dialog, 'Good for how long').click();
      await page.getByRole('option', { name: '30 days' }).click();
      await expectNoBarriers(page);
      await button(dialog, 'Make token').dblclick();
      const shown = page.getByRole('alertdialog');
      const token = await shown.getByLabel('Token', { exact: true }).inputValue();
      await page.keyboard.press('Escape');
      await page.mouse.click(5, 5);
      await expectNoBarriersInAnyLook(page, 'token-shown-once');
      await button(shown, 'Copy').click();
      await shown.getByText('Copied.').waitFor();
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe(token);
      await button(shown, 'Done').click();
      expect((await get('/v1/auth/me', token)).body.email).toBe(member.email);
      expect((await post('/v1/watchlists/items', token, { title: 'Heat', type: 'movie' })).status).toBe(403);

      const { body } = await get('/v1/auth/tokens', (await logIn(member.email)).body.access_token);
      expect(body.tokens).toMatchObject([{ name: 'Backup script', scopes: ['items:read', 'profile:read'] }]);
      const row = page.getByRole('listitem', { name: 'Backup script' });
      await eventually(async () => {
        await page.reload();
        await row.waitFor();
        expect(await row.innerText()).toMatch(
          /items:read\s*profile:read[^]*used just now from 127\.0\.0\.1 · made on .* · expires in 30 days/,
        );
      });
      expect(await page.content()).not.toContain(token.slice(3));
      await expectNoBarriersInAnyLook(page, 'tokens');
      await button(row, 'Revoke').click();
      await page.getByRole('alertdialog').getByText('refused from its next request on').waitFor();
      await expectNoBarriers(page);
      await button(page.getByRole('alertdialog'), 'Revoke').click();
      await heading(page, 'No tokens yet').waitFor();
      await eventually(async () =>
        expect(await page.evaluate('document.activeElement.textContent')).toBe('Personal tokens'),
      );
      expect((await get('/v1/auth/me', token)).status).toBe(401);
      expect(problems).toEqual([]);
      await close();
    }, 90_000);

    it('are twenty at most; one that is gone already is as good as revoked', async () => {
      const { page, member, close } = await asMember('account/tokens');
      const session = (await logIn(member.email)).body.access_token;
      for (let n = 1; n <= 20; n++)
        await post('/v1/auth/tokens', session, { name: `Token ${n}`, scopes: ['items:read'] });
      await page.reload();
      await page.getByRole('listitem').nth(19).waitFor();
      await button(page, 'New token').click();
      const dialog = page.getByRole('dialog');
      await fill(dialog, { Name: 'One more' });
      await button(dialog, 'Make token').click();
      await dialog.getByText('You can have at most 20 personal tokens. Revoke one first.').waitFor();
      await button(dialog, 'Cancel').click();
      const [{ id, name }] = (await get('/v1/auth/tokens', session)).body.tokens;
      await call(server.url, { method: 'DELETE', path: `/v1/auth/tokens/${id}`, token: session });
      await button(page.getByRole('listitem', { name, exact: true }), 'Revoke').click();
      await button(page.getByRole('alertdialog'), 'Revoke').click();
      await page.getByText(`Revoked: ${name}.`).waitFor();
      expect(await page.getByRole('listitem').filter({ hasText: 'items:read' }).count()).toBe(19);
      await close();
    }, 60_000);
  });

  describe('over plain http', () => {
    it('says before that a session is not kept, and after a reload that it was not; other tabs are left alone', async () => {
      const { email } = await signUp(plain.url);
      const url = plain.url.replace('127.0.0.1', INSECURE_HOST);
      const { page, problems, close } = await visit(browser, url, { allowed: /status of 401/ });
      await page.goto('/dashboard/sign-in');
      await page.getByText('This page came over plain http').waitFor();
      await expectNoBarriers(page, 'plain-http-light');
      await signInTo(page, 'account/tokens', { email });
      expect(await page.context().cookies()).toEqual([]);
      await button(page, 'New token').click();
      await fill(page.getByRole('dialog'), { Name: 'Try it' });
      await button(page, 'Make token').click();
      await button(page.getByRole('alertdialog'), 'Copy').click();
      await page.getByText('It is selected: copy it yourself.').waitFor();
      expect(await page.evaluate('getSelection().toString()')).toMatch(/^wl_\w{36}$/);
      await button(page, 'Done').click();
      const tab = await anotherWindow(page);
      await tab.goto('/dashboard');
      await heading(tab, 'Sign in').waitFor();
      await page.getByRole('link', { name: 'Sessions' }).click();
      await page.getByText('This one').waitFor();
      await page.reload();
      await page.getByText('over plain http your browser keeps no session').waitFor();
      expect(problems).toEqual([]);
      await close();
    }, 60_000);
  });

  describe('that is tried too often', () => {
    it('has to wait, and is told how long, every second', async () => {
      // Its own server, because the sign-ins of other tests would count too and shorten the wait.
      const limited = await startServer({ env: { ...ROOMY, RATE_LIMIT_LOGIN: '10/60' } });
      const { page, close } = await visit(browser, limited.url, { allowed: /status of 4/ });
      await page.clock.install();
      await page.goto('/dashboard/sign-in');
      await fill(page, { 'E-mail': randomEmail(), Password: 'wrong' });
      const alert = page.getByRole('alert');
      await eventually(async () => {
        await button(page, 'Sign in').click();
        expect(await alert.innerText()).toMatch('Too many tries');
      });
      const seconds = async () => Number(/Try again in (\d+) s/.exec(await alert.innerText())![1]);
      const first = await seconds();
      expect(first).toBeGreaterThan(20);
      await expectNoBarriers(page, 'sign-in-wait-light');
      await page.clock.fastForward(10_000);
      await eventually(async () => expect(await seconds()).toBeLessThanOrEqual(first - 10));
      await page.clock.fastForward(60_000);
      await alert.getByText('You can try again now.').waitFor();
      await close();
      await limited.remove();
    }, 60_000);
  });
});

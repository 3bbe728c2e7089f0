import type { Browser, Locator, Page } from 'playwright-core';
import { PASSWORD } from '../support/actors.js';
import {
  axeViolations,
  DESKTOP,
  fitsItsWidth,
  launchBrowser,
  PHONE,
  screenshot,
  signInTo,
  visit,
} from '../support/browser.js';
import { call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

const ADMIN = 'admin@example.com';
const TITLES = ['Parasite', 'Okja', 'Mother', 'Memories of Murder'];

describe('administration, in a browser', () => {
  let server: ServerProcess;
  let browser: Browser;
  let admin: Member;
  let ada: Member;
  let others: Member[];
  beforeAll(async () => {
    const env = { ...ROOMY, ADMIN_EMAIL: ADMIN, ADMIN_PASSWORD: PASSWORD };
    [server, browser] = await Promise.all([startServer({ env }), launchBrowser()]);
    const credentials = { email: ADMIN, password: PASSWORD };
    const signedIn = await call(server.url, { path: '/v1/auth/login', body: credentials });
    admin = { id: 1, email: ADMIN, token: signedIn.body.access_token };
    // One after the other, so that Ada's id comes first.
    ada = await signUp(server.url);
    others = await Promise.all([signUp(server.url), signUp(server.url), signUp(server.url)]);
    // More than one page has; not so many at once that hashing their passwords is too much.
    for (let invited = 0; invited < 19; invited++)
      await asAdmin('POST', '/v1/admin/users', { email: `guest-${invited}@example.com` });
    for (const title of TITLES) await add(ada, title, 'movie');
    await add(ada, 'Severance', 'show');
    await disable(others[0]!);
  }, 90_000);
  afterAll(async () => {
    await browser.close();
    await server.remove();
  });

  const asAdmin = (method: string, path: string, body?: object) =>
    call(server.url, { method, path, token: admin.token, ...(body && { body }) });
  const add = ({ token }: Member, title: string, type: string) =>
    call(server.url, { path: '/v1/watchlists/items', token, body: { title, type } });
  const disable = ({ id }: Member) => asAdmin('PATCH', `/v1/admin/users/${id}`, { disabled: true });

  const rowOf = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text });
  const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true });
  const says = (page: Page, text: string) =>
    page.getByRole('alertdialog').filter({ hasText: text }).waitFor();
  const dialog = (page: Page) => page.getByRole('dialog').or(page.getByRole('alertdialog')).last();

  async function choose(page: Page, label: string, option: string, within: Page | Locator = page) {
    await within.getByRole('button', { name: label }).click();
    await page.getByRole('option', { name: option, exact: true }).click();
  }

  async function act(page: Page, { email }: { email: string }, action: string): Promise<void> {
    await page.getByRole('button', { name: `Actions for ${email}` }).click();
    await page.getByRole('menuitem', { name: action }).click();
  }

  async function openAs(email: string, path: string, allowed?: RegExp) {
    const visitor = await visit(browser, server.url, {
      permissions: ['clipboard-read', 'clipboard-write'],
      timezoneId: 'Asia/Kolkata',
      ...(allowed && { allowed }),
    });
    const { page } = visitor;
    await signInTo(page, path, { email });
    return visitor;
  }

  /** In light on a large screen. */
  async function isWithoutBarriers(page: Page, name: string): Promise<void> {
    expect(await axeViolations(page)).toEqual([]);
    await screenshot(page, name);
  }

  /** For whole pages: in the dark on a phone, too. */
  async function isWithoutBarriersInAnyLook(page: Page, name: string): Promise<void> {
    await isWithoutBarriers(page, name);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize(PHONE);
    expect(await axeViolations(page)).toEqual([]);
    expect(await fitsItsWidth(page)).toBe(true);
    await page.evaluate('document.querySelector(".table")?.scrollIntoView()');
    await screenshot(page, `${name}-phone`);
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: 'light' });
  }

  it('shows how many users and items there are, as drawings and as tables', async () => {
    const { page, problems, close } = await openAs(ADMIN, 'admin');
    const users = page.getByRole('region', { name: 'Users' });
    await users.locator('.chart-bar').first().waitFor();
    expect(await users.getByRole('row').allInnerTexts()).toEqual([
      expect.stringMatching(/Users\s+Number\s+Share/),
      expect.stringMatching(/Active\s+23\s+96 %/),
      expect.stringMatching(/Disabled\s+1\s+4 %/),
      expect.stringMatching(/Administrators\s+1\s+4 %/),
    ]);
    const items = page.getByRole('region', { name: 'Items' });
    expect(await items.getByRole('row').allInnerTexts()).toEqual([
      expect.stringMatching(/Items/),
      expect.stringMatching(/Movies\s+4\s+80 %/),
      expect.stringMatching(/Shows\s+1\s+20 %/),
    ]);
    await isWithoutBarriersInAnyLook(page, 'admin-overview');
    expect(problems).toEqual([]);
    await close();
  }, 90_000);

  it('finds users, and changes what they may do', async () => {
    const { page, problems, close } = await openAs(ADMIN, 'admin/users', /status of 409/);
    await page.getByText('24 users').waitFor();
    expect(await rowOf(page, ADMIN).innerText()).toMatch(/you[\s\S]*admin/);
    await isWithoutBarriersInAnyLook(page, 'admin-users');
    // By keyboard: a table is one stop, and the arrows lead through it.
    await page.getByRole('button', { name: /^All\s*Role$/ }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowLeft');
    await page
      .getByRole('button', { name: `Actions for ${ADMIN}` })
      .and(page.locator(':focus'))
      .waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Make a user…' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('21–24 of 24').waitFor();
    expect(new URL(page.url()).searchParams.get('skip')).toBe('20');

    await page.getByLabel('E-mail contains').fill(ada.email.slice(0, 12).toUpperCase());
    await page.getByText('1 user', { exact: true }).waitFor();
    expect([...new URL(page.url()).searchParams.keys()]).toEqual(['q']);
    await act(page, ada, 'Make an administrator…');
    await dialog(page).getByRole('button', { name: 'Make an administrator' }).click();
    await says(page, `${ada.email} is an administrator now.`);
    await rowOf(page, ada.email).getByText('admin', { exact: true }).waitFor();
    // The focus is where it was, for who goes on by keyboard.
    await page
      .getByRole('button', { name: `Actions for ${ada.email}` })
      .and(page.locator(':focus'))
      .waitFor();
    await act(page, ada, 'Make a user…');
    await dialog(page).getByRole('button', { name: 'Make a user' }).click();
    await says(page, `${ada.email} is a user now.`);

    await act(page, ada, 'Disable…');
    expect(await axeViolations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await act(page, ada, 'Disable…');
    await dialog(page).getByRole('button', { name: 'Disable' }).click();
    await rowOf(page, ada.email).getByText('disabled').waitFor();
    expect((await call(server.url, { path: '/v1/auth/me', token: ada.token })).status).toBe(401);
    await act(page, ada, 'Enable…');
    await dialog(page).getByRole('button', { name: 'Enable' }).click();
    await rowOf(page, ada.email).getByText('active').waitFor();

    await act(page, ada, 'Link to a new password…');
    await dialog(page).getByRole('button', { name: 'Make the link' }).click();
    await dialog(page).getByRole('button', { name: 'Copy' }).click();
    await dialog(page).getByText('Copied.').waitFor();
    // It would be lost: only its own button closes it.
    await page.keyboard.press('Escape');
    await page.mouse.click(5, 5);
    const link = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(link).toMatch(new RegExp(`^${server.url}/dashboard/reset#token=`));
    expect(await dialog(page).getByRole('textbox', { name: 'Link' }).inputValue()).toBe(link);
    expect(await axeViolations(page)).toEqual([]);
    await dialog(page).getByRole('button', { name: 'Done' }).click();
    await act(page, ada, 'Their items');
    await page.getByText('5 items', { exact: true }).waitFor();
    await page.goBack();

    await page.getByLabel('E-mail contains').fill('');
    await choose(page, 'Role', 'Administrators');
    await page.getByText('1 user', { exact: true }).waitFor();
    await act(page, { email: ADMIN }, 'Disable…');
    await dialog(page).getByText('This is you.').waitFor();
    await dialog(page).getByRole('button', { name: 'Disable' }).click();
    await dialog(page).getByRole('alert').waitFor();
    expect(await dialog(page).getByRole('alert').innerText()).toMatch(/last/);
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();
    expect(problems).toEqual([]);
    await close();
  }, 120_000);

  it('invites, with a link that is shown once; who is no administrator any more is out at once', async () => {
    const { page, problems, close } = await openAs(ADMIN, 'admin/users', /status of 409/);
    await page.getByRole('button', { name: 'Invite…' }).click();
    await dialog(page).getByLabel('E-mail').fill(ADMIN);
    await dialog(page).getByRole('button', { name: 'Invite' }).click();
    await dialog(page).getByRole('alert').waitFor();
    await dialog(page).getByLabel('E-mail').fill('grace@example.com');
    await choose(page, 'Role', 'Administrator', dialog(page));
    await dialog(page).getByRole('button', { name: 'Invite' }).click();
    const link = await dialog(page).getByRole('textbox', { name: 'Link' }).inputValue();
    await isWithoutBarriers(page, 'admin-invited');
    await dialog(page).getByRole('button', { name: 'Done' }).click();
    expect(await page.getByText(link).count()).toBe(0);
    await page.getByText('25 users').waitFor();

    const token = decodeURIComponent(new URL(link).hash.replace('#token=', ''));
    const reset = await call(server.url, {
      path: '/v1/auth/password/reset',
      body: { token, new_password: PASSWORD },
    });
    expect(reset.status).toBe(204);
    const grace = await openAs('grace@example.com', 'admin/users?role=admin', /status of 403/);
    await grace.page.getByText('2 users').waitFor();
    await act(grace.page, { email: 'grace@example.com' }, 'Make a user…');
    await dialog(grace.page).getByRole('button', { name: 'Make a user' }).click();
    await heading(grace.page, 'For administrators').waitFor();
    expect(await grace.page.getByRole('link', { name: 'Admin' }).count()).toBe(0);
    expect(grace.problems).toEqual([]);
    await grace.close();

    // Demoted by somebody else: by the next answer it is known.
    const found = await asAdmin('GET', '/v1/admin/users?q=grace');
    const { id } = found.body.users[0];
    await asAdmin('PATCH', `/v1/admin/users/${id}`, { role: 'admin' });
    const again = await openAs('grace@example.com', 'admin', /status of 403/);
    await heading(again.page, 'Users').waitFor();
    await asAdmin('PATCH', `/v1/admin/users/${id}`, { role: 'user' });
    await again.page.getByRole('link', { name: 'Audit log' }).click();
    await heading(again.page, 'For administrators').waitFor();
    await again.close();
    expect(problems).toEqual([]);
    await close();
  }, 120_000);

  it("changes anyone's items, and overwrites nothing unseen", async () => {
    const { page, problems, close } = await openAs(ADMIN, 'admin/items', /status of 4(04|12)/);
    await page.getByText('5 items', { exact: true }).waitFor();
    await isWithoutBarriers(page, 'admin-items');
    await page.getByRole('button', { name: 'Add for a user…' }).click();
    await dialog(page).getByRole('combobox', { name: 'For' }).fill(ada.email.slice(0, 12));
    await page.getByRole('option', { name: ada.email }).click();
    await dialog(page).getByLabel('Title').fill('The Host');
    await dialog(page).getByRole('button', { name: 'Add', exact: true }).click();
    await says(page, `On the list of ${ada.email}: The Host.`);
    await page.getByText('6 items', { exact: true }).waitFor();
    await choose(page, 'Order', 'Title, A to Z');
    await choose(page, 'Type', 'Movies');
    await page.getByText('5 items', { exact: true }).waitFor();
    expect(new URL(page.url()).search).toBe('?sort=title_asc&type=movie');

    await page.getByRole('button', { name: 'Edit The Host' }).click();
    await dialog(page).getByLabel('Title').fill('The Host (2006)');
    const { id } = (await asAdmin('GET', '/v1/admin/watchlists?limit=1')).body.watchlist[0];
    const change = { title: 'The Host (2013)' };
    const path = `/v1/watchlists/items/${id}`;
    await call(server.url, { method: 'PATCH', path, token: await tokenOf(ada), body: change });
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await dialog(page).getByText('Now it is “The Host (2013)”').waitFor();
    expect(await dialog(page).getByLabel('Title').inputValue()).toBe('The Host (2006)');
    expect(await axeViolations(page)).toEqual([]);
    await screenshot(page, 'admin-overtaken');
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await says(page, 'Saved: The Host (2006).');
    await page.getByRole('button', { name: 'Edit The Host (2006)' }).and(page.locator(':focus')).waitFor();

    await page.getByRole('button', { name: 'Delete The Host (2006)' }).click();
    await dialog(page).getByRole('button', { name: 'Delete' }).click();
    await says(page, 'Deleted: The Host (2006).');
    await page.getByText('4 items', { exact: true }).waitFor();
    await heading(page, 'Anyone’s items').and(page.locator(':focus')).waitFor();
    // Gone before it could be edited.
    await asAdmin('DELETE', `/v1/admin/watchlists/items/${await idOf('Okja')}`);
    await page.getByRole('button', { name: 'Edit Okja' }).click();
    await dialog(page).getByRole('alert').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Owner' }).fill(others[1]!.email);
    await page.getByRole('option', { name: others[1]!.email }).click();
    await heading(page, 'No items found').waitFor();
    await page.getByRole('button', { name: 'Everybody’s items' }).click();
    await page.getByText('3 items', { exact: true }).waitFor();
    expect(problems).toEqual([]);
    await close();
  }, 120_000);

  it('tells who did what, as it is asked', async () => {
    const title = await asAdmin('GET', '/v1/admin/watchlists?sort=title_asc&limit=1');
    const { id } = title.body.watchlist[0];
    await asAdmin('PATCH', `/v1/admin/watchlists/items/${id}`, { title: 'Memories of Murder (2003)' });
    const { page, problems, close } = await openAs(ADMIN, 'admin/users', /status of 422/);
    await act(page, ada, 'What they did');
    await page
      .getByLabel('Actor id')
      .and(page.locator(`[value="${ada.id}"]`))
      .waitFor();
    await rowOf(page, 'auth.login_succeeded').first().waitFor();
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    const newest = page.getByRole('row').nth(1);
    await newest.getByText('auth.login_succeeded').waitFor();
    await isWithoutBarriersInAnyLook(page, 'admin-audit');
    await choose(page, 'Action', 'watchlist_item.updated');
    const row = rowOf(page, 'Memories of Murder (2003)');
    expect(await row.innerText()).toMatch(
      /title: “Memories of Murder” →\s+has become\s+“Memories of Murder \(2003\)”/,
    );
    await row.getByRole('button', { name: 'Copy the request id' }).click();
    await says(page, 'The request id is copied.');
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toMatch(/^[0-9a-f-]{36}$/);
    await row.getByRole('link', { name: `watchlist_item ${id}` }).click();
    await page.getByText('2 entries').waitFor();
    expect(new URL(page.url()).search).toBe(`?resource_type=watchlist_item&resource_id=${id}`);

    // What is typed is the time of whoever types it, five and a half hours ahead of the server's.
    await page.getByLabel('Before').fill('2020-01-01T05:30');
    await heading(page, 'No entries found').waitFor();
    expect(new URL(page.url()).searchParams.get('to')).toBe('2020-01-01T00:00:00.000Z');
    await page.reload();
    await heading(page, 'No entries found').waitFor();
    expect(await page.getByLabel('Before').inputValue()).toBe('2020-01-01T05:30');
    await page.getByLabel('Actor id').fill('ada');
    await page.getByRole('alert').filter({ hasText: 'actor_id must be a whole number' }).waitFor();
    expect(problems).toEqual([]);
    await close();
  }, 120_000);

  it('is for administrators only, and says so when the server is away', async () => {
    const visitor = await openAs(others[2]!.email, 'admin/users');
    await heading(visitor.page, 'For administrators').waitFor();
    expect(await visitor.page.getByRole('link', { name: 'Admin' }).count()).toBe(0);
    expect(visitor.problems).toEqual([]);
    await visitor.close();

    const { page, close } = await openAs(ADMIN, 'admin/users');
    await page.getByText(/^\d+ users$/).waitFor();
    await page.route('**/v1/admin/**', (route) => route.abort());
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.unroute('**/v1/admin/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText(/^\d+ entries$/).waitFor();
    await close();
  }, 90_000);

  async function tokenOf({ email }: Member): Promise<string> {
    const body = { email, password: PASSWORD };
    return (await call(server.url, { path: '/v1/auth/login', body })).body.access_token;
  }

  async function idOf(title: string): Promise<number> {
    const { body } = await asAdmin('GET', '/v1/admin/watchlists?limit=100');
    return body.watchlist.find((item: { title: string }) => item.title === title).id;
  }
});

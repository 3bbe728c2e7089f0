import type { Browser, Page } from 'playwright-core';
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
import { call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

jest.setTimeout(90_000);

const ITEMS = '/v1/watchlists/items';
const LOOKS = [
  { name: 'light', viewport: DESKTOP, colorScheme: 'light' },
  { name: 'phone', viewport: PHONE, colorScheme: 'dark' },
] as const;

describe('the list, in a browser', () => {
  let server: ServerProcess;
  let browser: Browser;
  let ada: Member;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer({ env: ROOMY }), launchBrowser()]);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await server.remove();
  });
  beforeEach(async () => {
    ada = await signUp(server.url);
  });

  async function add(title: string, type = 'movie'): Promise<number> {
    const body = { title, type };
    const answer = await call(server.url, { path: ITEMS, token: ada.token, body });
    return (answer.body as { item: { id: number } }).item.id;
  }

  /** One after the other, so that the last one is the newest. */
  async function addAll(...titles: string[]): Promise<void> {
    for (const title of titles) await add(title);
  }

  async function stored(): Promise<string[]> {
    const path = '/v1/watchlists?limit=100&sort=title_asc';
    const { body } = await call(server.url, { path, token: ada.token });
    return (body as { watchlist: { title: string }[] }).watchlist.map(({ title }) => title);
  }

  async function signIn(path = '', options: Parameters<typeof visit>[2] = {}): Promise<Visitor> {
    const visitor = await visit(browser, server.url, options);
    await signInTo(visitor.page, path, ada);
    await visitor.page.getByRole('heading', { level: 1, name: 'My list' }).waitFor();
    return visitor;
  }

  const cards = (page: Page) => page.getByRole('list', { name: 'Titles' }).getByRole('listitem');
  const titles = (page: Page) => cards(page).getByRole('heading').allInnerTexts();
  const shows = (page: Page, expected: string[]) =>
    eventually(async () => expect(await titles(page)).toEqual(expected));
  const choose = async (page: Page, label: string, option: string) => {
    await page.getByRole('button', { name: label }).click();
    await page.getByRole('option', { name: option, exact: true }).click();
  };
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

  it.each(LOOKS)('looks as it should, empty, filled and while something is edited: $name', async (look) => {
    const { name, ...options } = look;
    const { page, problems, close } = await signIn('', options);
    const isFine = async (state: string) => {
      expect(await axeViolations(page)).toEqual([]);
      expect(await fitsItsWidth(page)).toBe(true);
      await screenshot(page, `list-${state}-${name}`);
    };
    await page.getByRole('heading', { name: 'Nothing on your list yet' }).waitFor();
    await isFine('empty');
    await button(page, '+ Severance').click();
    await shows(page, ['Severance']);
    // The newest come first. README shows them, so the titles that are hard to show are not among them.
    await addAll('千と千尋の神隠し', `${'Donaudampfschiff'.repeat(12)}!`);
    await addAll(
      'Past Lives',
      'Okja',
      'La Haine',
      'The Third Man',
      'Amélie',
      'Parasite',
      'Stalker',
      'Aftersun',
    );
    await page.reload();
    await eventually(async () => expect(await cards(page).count()).toBe(11));
    await isFine('filled');
    await button(page, 'Edit Amélie').click();
    await page.getByRole('group', { name: 'Edit Amélie' }).getByLabel('Title').waitFor();
    await isFine('editing');
    expect(problems).toEqual([]);
    await close();
  });

  it('is added to by keyboard, one after the other, and once however often Enter is pressed', async () => {
    const { page, problems, close } = await signIn();
    const title = page.getByRole('region', { name: 'Add to the list' }).getByLabel('Title');
    await title.fill('  Amélie ');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await shows(page, ['Amélie']);
    expect(await title.inputValue()).toBe('');
    await page.keyboard.type('Severance');
    await choose(page, 'Type', 'Show');
    await button(page, 'Add').click();
    await shows(page, ['Severance', 'Amélie']);
    expect(await cards(page).first().getByText('Show', { exact: true }).count()).toBe(1);
    expect(await stored()).toEqual(['Amélie', 'Severance']);
    expect(problems).toEqual([]);
    await close();
  });

  it('is filtered, sorted and paged, as its address says; back goes back', async () => {
    for (let n = 1; n <= 14; n++) await add(`Film ${String(n).padStart(2, '0')}`);
    await add('Severance', 'show');
    const { page, close } = await signIn('?sort=title_asc&page=2');
    await shows(page, ['Film 13', 'Film 14', 'Severance']);
    await button(page, 'Previous').click();
    await eventually(async () => expect((await titles(page))[0]).toBe('Film 01'));
    await choose(page, 'Show', 'Shows');
    await shows(page, ['Severance']);
    expect(new URL(page.url()).search).toBe('?type=show&sort=title_asc');
    await page.goBack();
    await eventually(async () => expect(await cards(page).count()).toBe(12));
    await choose(page, 'Sort by', 'Newest first');
    await eventually(async () => expect((await titles(page)).slice(0, 2)).toEqual(['Severance', 'Film 14']));
    await page.goto('/dashboard/?type=book&sort=%00&page=-1e9');
    await eventually(async () => expect((await titles(page))[0]).toBe('Severance'));
    // Beyond the end is the end.
    await page.goto('/dashboard/?page=99');
    await eventually(async () => expect(await cards(page).count()).toBe(3));
    expect(new URL(page.url()).search).toBe('?page=2');
    // It does not stand in the way back.
    await page.goBack();
    await eventually(async () => expect(new URL(page.url()).search).toContain('type=book'));
    await close();
  });

  it('is edited in place, by keyboard too; Escape leaves it as it was', async () => {
    await addAll('Parasit', 'Okja');
    const { page, close } = await signIn();
    await button(page, 'Edit Okja').press('Enter');
    const field = page.getByRole('group', { name: 'Edit Okja' }).getByLabel('Title');
    await field.fill('Mother');
    await field.press('Escape');
    await shows(page, ['Okja', 'Parasit']);
    await eventually(async () =>
      expect(await page.evaluate<string>('document.activeElement.ariaLabel')).toBe('Edit Okja'),
    );
    await button(page, 'Edit Parasit').click();
    await page.getByRole('group', { name: 'Edit Parasit' }).getByLabel('Title').fill('Parasite');
    await page.keyboard.press('Enter');
    await shows(page, ['Okja', 'Parasite']);
    expect(await stored()).toEqual(['Okja', 'Parasite']);
    await close();
  });

  it('cannot be overwritten by another tab unseen', async () => {
    const id = await add('Okja');
    const { page, close } = await signIn('', { allowed: /status of 412/ });
    const other = await anotherWindow(page);
    await other.goto('/dashboard');
    for (const tab of [page, other]) await button(tab, 'Edit Okja').click();
    const fieldIn = (tab: Page) => tab.getByRole('group', { name: 'Edit Okja' }).getByLabel('Title');
    await fieldIn(page).fill('from one');
    await fieldIn(other).fill('from the other');
    await button(page, 'Save').click();
    await shows(page, ['from one']);
    await button(other, 'Save').click();
    await other.getByRole('alert').filter({ hasText: 'from one' }).waitFor();
    expect(await stored()).toEqual(['from one']);
    expect(await axeViolations(other)).toEqual([]);
    await screenshot(other, 'list-conflict');
    await button(other, 'Keep mine').click();
    await shows(other, ['from the other']);

    // Once more, and this time it is theirs that stays.
    await button(other, 'Edit from the other').click();
    await other.getByRole('group', { name: /^Edit/ }).getByLabel('Title').fill('never');
    await call(server.url, {
      method: 'PATCH',
      path: `${ITEMS}/${id}`,
      token: ada.token,
      body: { title: 'by a script' },
    });
    await button(other, 'Save').click();
    await button(other, 'Take theirs').click();
    await shows(other, ['by a script']);
    expect(await stored()).toEqual(['by a script']);
    await close();
  });

  it('loses nothing that was deleted by mistake, and keeps nothing that was deleted', async () => {
    await addAll('one', 'two', 'three');
    const { page, problems, close } = await signIn();
    await button(page, 'Delete two').click();
    await shows(page, ['three', 'one']);
    // It stays as long as somebody points at it.
    await page.getByText('“two” is deleted.').hover();
    await page.getByText('2 titles', { exact: true }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await screenshot(page, 'list-deleted');
    await button(page, 'Undo').click();
    await shows(page, ['three', 'two', 'one']);
    expect(await stored()).toEqual(['one', 'three', 'two']);

    // The next deletion sends the one before; leaving the page sends the last.
    await button(page, 'Delete two').click();
    await button(page, 'Delete one').click();
    await page.getByText('“one” is deleted.').hover();
    await eventually(async () => expect(await stored()).toEqual(['one', 'three']));
    await page.getByRole('link', { name: 'Account' }).click();
    await eventually(async () => expect(await stored()).toEqual(['three']));
    await page.getByRole('link', { name: 'My list' }).click();
    // Not before it is known what is to be deleted: whoever leaves sooner keeps it.
    const known = page.waitForResponse(/\/items\/\d+$/);
    await button(page, 'Delete three').click();
    await (await known).finished();
    await page.getByText('“three” is deleted.').waitFor();
    await page.goto('about:blank');
    await eventually(async () => expect(await stored()).toEqual([]));
    expect(problems).toEqual([]);
    await close();
  });

  it('does not delete what somebody has changed in between, and sends what is left at sign-out', async () => {
    const id = await add('mine');
    const { page, close } = await signIn('', { allowed: /status of 412/ });
    await shows(page, ['mine']);
    const body = { title: 'changed' };
    await call(server.url, { method: 'PATCH', path: `${ITEMS}/${id}`, token: ada.token, body });
    await button(page, 'Delete mine').click();
    await button(page, 'Close the message').click();
    await page.getByText('“mine” has been changed meanwhile, so it was not deleted.').waitFor();
    await shows(page, ['changed']);
    await button(page, 'Delete changed').click();
    await button(page, 'Sign out').click();
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    expect(await stored()).toEqual([]);
    await close();
  });

  it('says when the server is away or busy, and goes on where it was', async () => {
    await addAll('Okja');
    const { page, close } = await signIn('', { allowed: /status of (429|503)|ERR_/ });
    await shows(page, ['Okja']);
    const title = page.getByRole('region', { name: 'Add to the list' }).getByLabel('Title');
    await page.route(`**${ITEMS}`, (route) => route.abort());
    await title.fill('Mother');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'cannot be reached' }).waitFor();
    expect(await title.inputValue()).toBe('Mother');
    await page.unroute(`**${ITEMS}`);
    await page.route('**/v1/watchlists?*', (route) =>
      route.fulfill({
        status: 429,
        headers: { 'retry-after': '7', 'content-type': 'application/problem+json' },
        body: JSON.stringify({ status: 429, code: 'RATE_LIMITED', detail: 'Too many requests.' }),
      }),
    );
    await page.reload();
    await page.getByRole('alert').filter({ hasText: 'Try again in 7 s.' }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await screenshot(page, 'list-failed');
    await page.unroute('**/v1/watchlists?*');
    await button(page, 'Try again').click();
    await shows(page, ['Okja']);
    await close();
  });

  it('counts what is being deleted as gone: the page fills up from the next, and an empty last page is left', async () => {
    for (let n = 1; n <= 14; n++) await add(`Film ${String(n).padStart(2, '0')}`);
    const { page, problems, close } = await signIn('?sort=title_asc');
    await eventually(async () => expect(await cards(page).count()).toBe(12));
    await button(page, 'Delete Film 01').click();
    await page.getByText('“Film 01” is deleted.').hover();
    await eventually(async () => expect((await titles(page)).at(-1)).toBe('Film 13'));
    await page.getByText('1–12 of 13').waitFor();
    await button(page, 'Next').click();
    await page.getByText('13–13 of 13').waitFor();
    await page.getByText('13 titles', { exact: true }).waitFor();
    await shows(page, ['Film 14']);
    await button(page, 'Delete Film 14').click();
    await page.getByText('“Film 14” is deleted.').hover();
    await eventually(async () => expect((await titles(page)).at(-1)).toBe('Film 13'));
    expect(new URL(page.url()).search).toBe('?sort=title_asc');
    await page.getByText('12 titles', { exact: true }).waitFor();
    await eventually(async () => expect(await stored()).not.toContain('Film 01'));
    expect(await stored()).toContain('Film 14');
    await button(page, 'Undo').click();
    await page.getByText('1–12 of 13').waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  it('says so when what is edited was deleted elsewhere, even between two answers', async () => {
    const id = await add('Okja');
    const { page, close } = await signIn('', { allowed: /status of 4(04|12|22)/ });
    await button(page, 'Edit Okja').click();
    const form = page.getByRole('group', { name: 'Edit Okja' });
    await form.getByLabel('Title').fill(' ');
    await button(page, 'Save').click();
    await form.getByText(/^This .*/).waitFor();
    await form.getByLabel('Title').fill('Mother');
    await page.route(`**${ITEMS}/${id}`, (route) => {
      if (route.request().method() !== 'PATCH') return route.fallback();
      const remove = { method: 'DELETE', path: `${ITEMS}/${id}`, token: ada.token };
      return call(server.url, remove).then(() =>
        route.fulfill({
          status: 412,
          headers: { 'content-type': 'application/problem+json' },
          body: JSON.stringify({ status: 412, code: 'PRECONDITION_FAILED', detail: 'It has been changed.' }),
        }),
      );
    });
    await button(page, 'Save').click();
    await page.getByText('“Okja” was deleted meanwhile.').waitFor();
    await page.getByRole('heading', { name: 'Nothing on your list yet' }).waitFor();

    // Or before it is opened.
    const other = await add('Mother');
    await page.reload();
    await shows(page, ['Mother']);
    await call(server.url, { method: 'DELETE', path: `${ITEMS}/${other}`, token: ada.token });
    await button(page, 'Edit Mother').click();
    await page.getByText('It was deleted meanwhile.').waitFor();
    await button(page, 'Close').click();
    await page.getByRole('heading', { name: 'Nothing on your list yet' }).waitFor();
    expect(await stored()).toEqual([]);
    await close();
  });

  it('brings back what could not be deleted, and says why', async () => {
    await add('Okja');
    const { page, close } = await signIn('', { allowed: /ERR_/ });
    await page.route(`**${ITEMS}/*`, (route) =>
      route.request().method() === 'DELETE' ? route.abort() : route.fallback(),
    );
    await button(page, 'Delete Okja').click();
    await button(page, 'Close the message').click();
    await page.getByText('“Okja” could not be deleted. The server cannot be reached.').waitFor();
    await shows(page, ['Okja']);
    expect(await stored()).toEqual(['Okja']);
    await close();
  });

  it('is gone through with the arrow keys; Enter edits and Delete deletes, as the page says', async () => {
    await addAll('Parasite', 'Okja', 'Mother');
    const { page, problems, close } = await signIn();
    const focused = () => page.evaluate<string>('document.activeElement.innerText');
    const isOn = (title: string) => eventually(async () => expect(await focused()).toContain(title));
    await page.getByText('Arrow keys').waitFor();
    await button(page, 'Edit Mother').focus();
    await page.keyboard.press('ArrowRight');
    await isOn('Okja');
    await page.keyboard.press('End');
    await isOn('Parasite');
    await page.keyboard.press('ArrowLeft');
    await isOn('Okja');
    await page.keyboard.press('Enter');
    const field = page.getByRole('group', { name: 'Edit Okja' }).getByLabel('Title');
    await field.fill('Okja 2');
    // In the field, keys are the field's.
    for (const key of ['ArrowLeft', 'Delete', 'ArrowRight']) await field.press(key);
    await field.press('Enter');
    await shows(page, ['Mother', 'Okja', 'Parasite']);
    await button(page, 'Edit Okja').press('ArrowLeft');
    await isOn('Mother');
    // Held down, it repeats, and by then the focus is on the next one.
    await page.keyboard.down('Delete');
    await isOn('Okja');
    await page.keyboard.down('Delete');
    await page.keyboard.up('Delete');
    await shows(page, ['Okja', 'Parasite']);
    await page.setViewportSize(PHONE);
    await page.keyboard.press('ArrowDown');
    await isOn('Parasite');
    await page.keyboard.press('ArrowUp');
    await isOn('Okja');
    expect(await axeViolations(page)).toEqual([]);
    expect(problems).toEqual([]);
    await close();
  });
});

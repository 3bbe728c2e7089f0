import { createHash } from 'node:crypto';
import { createContext, runInContext } from 'node:vm';
import fastify from 'fastify';
import type { Response } from 'supertest';
import { serveDashboard } from '../src/dashboard/dashboard-files.js';
import { type Actor, asAdmin, asUser, PASSWORD, signIn } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectCommonHeaders, expectProblem } from './support/expected.js';

const NEW_PASSWORD = 'nine lives of a paper cat';

describe('GET /dashboard/reset', () => {
  let server: TestApp;
  let admin: Actor;
  beforeAll(async () => {
    server = await createTestApp();
    admin = await asAdmin(server);
  });
  afterAll(() => server.close());

  const getPage = () => server.request().get('/dashboard/reset').expect(200);
  const contents = (html: string, tag: string) =>
    [...html.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))].map(([, content]) => content!);
  const linkFor = async ({ id }: Actor): Promise<string> =>
    (await admin.post(`/v1/admin/users/${id}/password-reset`).expect(201)).body.reset_url;

  describe('is a page', () => {
    let page: Response;
    beforeAll(async () => {
      page = await getPage();
    });

    it('for everybody, the same at either spelling, that nobody keeps', async () => {
      expect(page.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      });
      expectCommonHeaders(page);
      const withSlash = await server.request().get('/dashboard/reset/?token=x').expect(200);
      expect(withSlash.text).toBe(page.text);
      await server.request().post('/dashboard/reset').expect(405);
    });

    it('on which nothing runs, is styled or is called but its own', () => {
      const sources = (tag: string) =>
        contents(page.text, tag).map(
          (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
        );
      expect([sources('script'), sources('style')].map(({ length }) => length)).toEqual([1, 1]);
      expect(page.headers['content-security-policy']!.split('; ').sort()).toEqual(
        [
          "base-uri 'none'",
          "connect-src 'self'",
          "default-src 'none'",
          "form-action 'none'",
          "frame-ancestors 'none'",
          `script-src ${sources('script')[0]}`,
          `style-src ${sources('style')[0]}`,
        ].sort(),
      );
      expect(page.text.match(/<script\b/g)).toHaveLength(1);
      expect(page.text.match(/<style\b/g)).toHaveLength(1);
      expect(page.text).not.toMatch(/\s(on\w+|style|src|href)=/);
    });

    it('that a screen reader, a phone and a password manager can do something with', () => {
      const html = page.text;
      expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
      expect(html).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
      expect(contents(html, 'title')).toEqual([expect.stringMatching(/\w/)]);
      const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id!);
      expect(new Set(ids).size).toBe(ids.length);
      const inputs = [...html.matchAll(/<input\b[^>]*>/g)].map(([input]) => input);
      expect(inputs).toHaveLength(2);
      for (const input of inputs) {
        expect(input).toContain('type="password"');
        expect(input).toContain('autocomplete="new-password"');
        expect(input).toContain('required');
        expect(html).toContain(`<label for="${/\sid="([^"]+)"/.exec(input)![1]}">`);
      }
      for (const [, named] of html.matchAll(/aria-describedby="([^"]+)"/g))
        for (const id of named!.split(' ')) expect(ids).toContain(id);
      expect(html).toContain('role="alert"');
      // Without its script a form must not put a password into an address.
      expect(html).toMatch(/<form\b[^>]*method="post"/);
    });

    it('is counted with everything else that an address sends', async () => {
      const other = await createTestApp({ env: { RATE_LIMIT_ADDRESS: '2/3600' } });
      const statuses: number[] = [];
      for (let n = 0; n < 3; n++) statuses.push((await other.request().get('/dashboard/reset')).status);
      await other.close();
      expect(statuses).toEqual([200, 200, 429]);
    });
  });

  describe('has a script that', () => {
    /** As much of an element as the script uses. */
    class FakeElement {
      textContent = '';
      value = '';
      disabled = false;
      focused = false;
      readonly listeners: ((event: { preventDefault(): void }) => void)[] = [];
      constructor(public hidden: boolean) {}
      focus(): void {
        this.focused = true;
      }
      reset(): void {
        this.value = '';
      }
      addEventListener(_type: string, listener: (event: { preventDefault(): void }) => void): void {
        this.listeners.push(listener);
      }
    }

    interface Tab {
      readonly elements: Record<string, FakeElement>;
      /** What the address bar shows. */
      address(): string;
      /** Follows another link to this page. */
      open(link: string): void;
      submit(password: string, again?: string): boolean;
      /** What it has asked for. */
      readonly requests: string[];
      isOnline: boolean;
    }

    /** A browser's tab, as far as the page can tell. */
    async function open(link: string): Promise<Tab> {
      const { text } = await getPage();
      const elements = Object.fromEntries(
        [...text.matchAll(/<[^>]*\sid="([^"]+)"[^>]*>/g)].map(([tag, id]) => [
          id!,
          new FakeElement(/\shidden[\s>]/.test(tag)),
        ]),
      );
      const location = new URL(link, server.url);
      const onHashChange: (() => void)[] = [];
      const requests: string[] = [];
      const tab: Tab = {
        elements,
        requests,
        isOnline: true,
        address: () => location.href,
        open: (other) => {
          location.hash = new URL(other, server.url).hash;
          for (const listener of onHashChange) listener();
        },
        submit: (password, again = password) => {
          elements['password']!.value = password;
          elements['again']!.value = again;
          let isPrevented = false;
          for (const listener of elements['form']!.listeners)
            listener({ preventDefault: () => (isPrevented = true) });
          return isPrevented;
        },
      };
      const context = createContext({
        document: { getElementById: (id: string) => elements[id] },
        location,
        history: {
          replaceState: (_state: unknown, _title: string, path: string) => {
            location.href = new URL(path, location.href).href;
          },
        },
        addEventListener: (_type: string, listener: () => void) => onHashChange.push(listener),
        URLSearchParams,
        fetch: (path: string, options: RequestInit) => {
          requests.push(path);
          return tab.isOnline
            ? fetch(new URL(path, location.href), options)
            : Promise.reject(new Error('offline'));
        },
      });
      runInContext(contents(text, 'script')[0]!, context);
      return tab;
    }

    let ada: Actor;
    beforeEach(async () => {
      ada = await asUser(server);
    });

    it('takes the token out of the address bar, and sets the password with it', async () => {
      const tab = await open(await linkFor(ada));
      const { form, done, problem } = tab.elements;
      expect(tab.address()).toBe(`${server.url}/dashboard/reset`);
      expect([form!.hidden, done!.hidden]).toEqual([false, true]);
      expect(tab.submit(NEW_PASSWORD)).toBe(true);
      await eventually(() => expect(done!.hidden).toBe(false));
      expect([form!.hidden, done!.focused, problem!.textContent]).toEqual([true, true, '']);
      expect(tab.requests).toEqual(['/v1/auth/password/reset']);
      await signIn(server, ada.email, NEW_PASSWORD);
    });

    it('shows what the server says of a link that is not valid any more, and offers no second try', async () => {
      const link = await linkFor(ada);
      await ada
        .post('/v1/auth/password', { current_password: PASSWORD, new_password: NEW_PASSWORD })
        .expect(204);
      const tab = await open(link);
      tab.submit('yet another password');
      const { form, done, problem } = tab.elements;
      await eventually(() =>
        expect(problem!.textContent).toBe('This link is not valid (any more). Ask for a new one.'),
      );
      expect([form!.hidden, done!.hidden]).toEqual([true, true]);
    });

    it('says what is wrong with a password, and lets another be tried', async () => {
      const tab = await open(await linkFor(ada));
      const { submit, problem, again, done } = tab.elements;
      tab.submit(NEW_PASSWORD, 'nine lives of a paper cut');
      expect(problem!.textContent).toBe('The two passwords are not the same.');
      expect([again!.focused, tab.requests]).toEqual([true, []]);
      tab.submit('short');
      await eventually(() =>
        expect(problem!.textContent).toBe('The password must be text of 8 to 256 characters.'),
      );
      await eventually(() => expect(submit!.disabled).toBe(false));
      tab.submit(NEW_PASSWORD);
      await eventually(() => expect(done!.hidden).toBe(false));
      await signIn(server, ada.email, NEW_PASSWORD);
    });

    it('says so when the server cannot be reached, and can be used again', async () => {
      const tab = await open(await linkFor(ada));
      tab.isOnline = false;
      tab.submit(NEW_PASSWORD);
      const { problem, submit, done } = tab.elements;
      await eventually(() => expect(problem!.textContent).toMatch('cannot be reached'));
      await eventually(() => expect(submit!.disabled).toBe(false));
      tab.isOnline = true;
      tab.submit(NEW_PASSWORD);
      await eventually(() => expect(done!.hidden).toBe(false));
    });

    it('sends one request, however often it is told to', async () => {
      const tab = await open(await linkFor(ada));
      for (let n = 0; n < 5; n++) tab.submit(NEW_PASSWORD);
      await eventually(() => expect(tab.elements['done']!.hidden).toBe(false));
      expect(tab.requests).toHaveLength(1);
    });

    it.each(['', '#', '#token=', '#token=abc', '#other=x'])(
      'asks for the whole link when it ends in "%s"',
      async (end) => {
        const { elements } = await open(`/dashboard/reset${end}`);
        expect(elements['form']!.hidden).toBe(true);
        expect(elements['problem']!.textContent).toMatch('not a whole link');
      },
    );

    it('takes another link that is opened in the same tab', async () => {
      const tab = await open('/dashboard/reset');
      tab.open(await linkFor(ada));
      expect(tab.address()).toBe(`${server.url}/dashboard/reset`);
      expect([tab.elements['form']!.hidden, tab.elements['problem']!.textContent]).toEqual([false, '']);
      tab.submit(NEW_PASSWORD);
      await eventually(() => expect(tab.elements['done']!.hidden).toBe(false));
      await signIn(server, ada.email, NEW_PASSWORD);
    });
  });
});

describe('/dashboard', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await createTestApp();
  });
  afterAll(() => server.close());

  it.each(['/dashboard', '/dashboard/', '/dashboard/tokens', '/dashboard/a/b?c=d'])(
    'is one page, asked for each time, at %s',
    async (path) => {
      const page = await server.request().get(path).expect(200);
      expect(page.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        'content-security-policy': expect.stringMatching(
          /^default-src 'none'; script-src 'self'; style-src 'self';/,
        ),
      });
      expectCommonHeaders(page);
      expect(page.text).toContain('<div id="root">');
    },
  );

  it('serves what the page loads, to be kept for ever, and whole', async () => {
    const { text } = await server.request().get('/dashboard');
    const assets = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
    expect(assets.length).toBeGreaterThan(0);
    for (const path of assets) {
      const plain = await server.request().get(path).expect(200);
      expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(plain.headers['content-type']).toMatch(/^(application\/javascript|text\/css|image\/svg)/);
      expectCommonHeaders(plain);
      const part = await server.request().get(path).set({ range: 'bytes=99999999-', 'if-match': '"x"' });
      expect(part.status).toBe(200);
      await server.request().get(path).set('if-none-match', plain.headers['etag']!).expect(304);
      await server.request().post(path).expect(405);
    }
  });

  it.each(['', 'none.js', '..%2findex.html', '..%2f..%2fpackage.json', '%00'])(
    'has no asset %p',
    async (name) => {
      expectProblem(await server.request().get(`/dashboard/assets/${name}`), 404, 'NOT_FOUND');
    },
  );
});

describe(serveDashboard.name, () => {
  it('says when there is nothing to serve', () => {
    expect(serveDashboard(fastify(), '/nowhere/')).toBe(false);
  });
});

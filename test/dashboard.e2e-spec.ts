import fastify from 'fastify';
import { serveDashboard } from '../src/dashboard/dashboard-files.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectCommonHeaders, expectProblem } from './support/expected.js';
import { rawRequest } from './support/raw-http.js';

describe('/dashboard', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await createTestApp();
  });
  afterAll(() => server.close());

  it.each(['/dashboard', '/dashboard/', '/dashboard/tokens', '/dashboard/a/b?c=d', '/dashboard/reset'])(
    'is one page, asked for each time, at %s',
    async (path) => {
      const page = await server.request().get(path).expect(200);
      expect(page.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        // What is behind the # of a link that sets a password is not told to anybody; the rest of it neither.
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringMatching(
          /^default-src 'none'; script-src 'self'; style-src 'self';/,
        ),
      });
      expectCommonHeaders(page);
      expect(page.text).toContain('<div id="root">');
      await server.request().post(path).expect(405);
    },
  );

  it('is counted with everything else that an address sends', async () => {
    const other = await createTestApp({ env: { RATE_LIMIT_ADDRESS: '2/3600' } });
    const statuses: number[] = [];
    for (let n = 0; n < 3; n++) statuses.push((await other.request().get('/dashboard/reset')).status);
    await other.close();
    expect(statuses).toEqual([200, 200, 429]);
  });

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

  it('sends the files compressed to a browser that accepts that', async () => {
    const { text } = await server.request().get('/dashboard');
    const path = /src="([^"]+\.js)"/.exec(text)![1]!;
    const sizes: number[] = [];
    for (const encoding of ['identity', 'gzip', 'br']) {
      const answer = await rawRequest(server.url, { path, headers: { 'accept-encoding': encoding } });
      expect(answer.status).toBe(200);
      expect(answer.headers['content-encoding'] ?? 'identity').toBe(encoding);
      expect(answer.headers).toMatchObject({
        'content-type': expect.stringMatching(/^application\/javascript/),
        'cache-control': 'public, max-age=31536000, immutable',
        vary: expect.stringMatching(/accept-encoding/i),
      });
      sizes.push(Number(answer.headers['content-length']));
    }
    const [plain, gzip, brotli] = sizes as [number, number, number];
    expect(gzip).toBeLessThan(plain / 2);
    expect(brotli).toBeLessThan(gzip);
    // The compressed files have no addresses of their own.
    expectProblem(await server.request().get(`${path}.br`), 404, 'NOT_FOUND');
  });

  it.each([
    'assets',
    'assets/',
    'assets/none.js',
    'assets/..%2findex.html',
    'assets/..%2f..%2fpackage.json',
    'assets/%00',
    '%61ssets/none.js',
    'assets%2fnone.js',
    '/assets/none.js',
  ])('has no asset %p', async (path) => {
    expectProblem(await rawRequest(server.url, { path: `/dashboard/${path}` }), 404, 'NOT_FOUND');
  });
});

describe(serveDashboard.name, () => {
  it('says when there is nothing to serve', () => {
    expect(serveDashboard(fastify(), '/nowhere/')).toBe(false);
  });
});

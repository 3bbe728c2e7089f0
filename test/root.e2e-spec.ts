import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectProblem } from './support/expected.js';
import { rawRequest } from './support/raw-http.js';

describe('GET /', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await createTestApp();
  });
  afterAll(() => server.close());

  const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

  it('leads a browser to a page', async () => {
    const { headers } = await server.request().get('/').set('accept', BROWSER).expect(302);
    // The documentation, when the dashboard is not built.
    expect(['/dashboard', '/docs']).toContain(headers['location']);
    expect(headers['vary']).toContain('Accept');
    await server.request().get(headers['location']!).set('accept', BROWSER).expect(200);
  });

  it.each(['*/*', 'application/json', ''])('tells a program the addresses (Accept: %s)', async (accept) => {
    const { body, headers } = await server.request().get('/').set('accept', accept).expect(200);
    expect(body).toEqual({ dashboard: '/dashboard', docs: '/docs', openapi: '/openapi.json' });
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    await server.request().get('/openapi.json').expect(200);
  });

  it('is also what an address without a path names', async () => {
    for (const path of ['http://localhost', 'http://localhost?a=b'])
      expect(await rawRequest(server.url, { path })).toMatchObject({ status: 200 });
  });

  it('takes HEAD and refuses other methods', async () => {
    await server.request().head('/').expect(200);
    expectProblem(await server.request().post('/'), 405, 'METHOD_NOT_ALLOWED');
  });
});

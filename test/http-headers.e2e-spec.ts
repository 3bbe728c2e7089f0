import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Response, Test } from 'supertest';
import { asAdmin, asUser, PASSWORD, type Actor } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectCommonHeaders } from './support/expected.js';
import { rawRequest, sendRaw } from './support/raw-http.js';

const { paths } = JSON.parse(readFileSync(join(__dirname, '../openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, unknown>>;
};
const withIds = (path: string) => path.replace(/\{\w+\}/g, '1');
const GET_PATHS = Object.keys(paths)
  .filter((path) => 'get' in paths[path]!)
  .map(withIds);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const FRONTEND = 'http://localhost:3000';
const ITEM = { title: 'Parasite', type: 'movie' };

let server: TestApp;
let admin: Actor;
beforeAll(async () => {
  server = await createTestApp();
  admin = await asAdmin(server);
  // Number 1, for the paths that name an item.
  await admin.post('/v1/watchlists/items', ITEM).expect(201);
});
afterAll(() => server.close());

const anonymously = () => server.request();

/** One request for each status that can be had by asking for it. */
const ANSWERS: [number, () => Test][] = [
  [200, () => anonymously().get('/health')],
  [200, () => anonymously().get('/health/live')],
  [200, () => anonymously().get('/health/ready')],
  [200, () => admin.get('/v1/watchlists')],
  [201, () => admin.post('/v1/watchlists/items', ITEM)],
  [204, () => anonymously().get('/favicon.ico')],
  [304, () => admin.get('/v1/watchlists').set('if-none-match', '*')],
  [400, () => anonymously().post('/v1/auth/login').type('json').send('{')],
  [400, () => anonymously().get('/v1/auth/me?%zz')],
  [401, () => anonymously().get('/v1/auth/me')],
  [401, () => anonymously().post('/v1/auth/login').send({ email: 'nobody@example.com', password: 'x' })],
  [404, () => anonymously().get('/v1/nothing')],
  [404, () => admin.get('/v1/watchlists/items/999')],
  [405, () => anonymously().put('/v1/auth/me')],
  [409, () => anonymously().post('/v1/auth/register').send({ email: admin.email, password: PASSWORD })],
  [412, () => admin.patch('/v1/watchlists/items/1', ITEM).set('if-match', '"another"')],
  [413, () => anonymously().post('/v1/auth/login').type('json').send('{}'.padEnd(17_000))],
  [414, () => anonymously().get('/health?'.padEnd(9000, 'x'))],
  [415, () => anonymously().post('/v1/auth/login').type('form').send('a=b')],
  [422, () => anonymously().post('/v1/auth/login').send({})],
  [502, () => anonymously().get('/v1/external/github')],
];

describe('Every answer', () => {
  it.each(ANSWERS)('of %i has the headers that all answers have', async (status, ask) => {
    const response = await ask();
    expect(response.status).toBe(status);
    expectCommonHeaders(response);
  });

  it('also to what a role does not allow', async () => {
    const user = await asUser(server);
    const response = await user.get('/v1/admin/stats');
    expect(response.status).toBe(403);
    expectCommonHeaders(response);
  });

  it('also to what is not even read', async () => {
    for (const bytes of ['rubbish\r\n\r\n', `GET / HTTP/1.1\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`]) {
      expectCommonHeaders(await sendRaw(server.url, bytes));
    }
  });

  it('under /v1 forbids to store it, but for what the server caches', async () => {
    for (const [, ask] of ANSWERS) {
      const response = await ask();
      const { pathname } = new URL(response.request.url);
      if (pathname === '/v1/watchlists') expect(response.headers['cache-control']).toBe('private, no-cache');
      else if (pathname.startsWith('/v1')) expect(response.headers['cache-control']).toBe('no-store');
    }
    const cached = ['', '/summary', '/tags'].map((path) => `/v1/watchlists${path}`);
    for (const path of GET_PATHS.filter((each) => each.startsWith('/v1') && !cached.includes(each))) {
      expect((await admin.get(path)).headers['cache-control']).toBe('no-store');
    }
  });
});

describe('X-Request-ID', () => {
  it('is kept in every answer when it is valid', async () => {
    for (const [, ask] of ANSWERS) {
      const response = await ask().set('x-request-id', 'A-b_c.9');
      expect(response.headers['x-request-id']).toBe('A-b_c.9');
      if (response.status >= 400) expect(response.body).toMatchObject({ request_id: 'A-b_c.9' });
    }
    for (const id of ['a', '0'.repeat(128), 'b0c7c9b0-7f0f-4c4a-9f5e-2f7d3a1c9e10']) {
      const { headers } = await anonymously().get('/health').set('x-request-id', id);
      expect(headers['x-request-id']).toBe(id);
    }
  });

  it('is replaced by a new UUID when it is not valid', async () => {
    const invalid = ['', '0'.repeat(129), 'a b', 'a,b', 'a/b', 'a:b', 'Ä', '"a"', '<a>', 'a%0a', '{a}'];
    const ids = new Set<string>();
    for (const id of invalid) {
      const { headers } = await rawRequest(server.url, { path: '/health', headers: { 'x-request-id': id } });
      expect(headers['x-request-id']).toMatch(UUID);
      ids.add(headers['x-request-id']!);
    }
    expect(ids.size).toBe(invalid.length);
  });

  it('is replaced when there are two', async () => {
    const { headers } = await sendRaw(
      server.url,
      'GET /health HTTP/1.1\r\nhost: localhost\r\nx-request-id: a\r\nx-request-id: b\r\n\r\n',
    );
    expect(headers['x-request-id']).toMatch(UUID);
  });

  it('is in the log line of the request and in its audit row', async () => {
    const id = 'find-me-again';
    await admin.post('/v1/watchlists/items', ITEM).set('x-request-id', id).expect(201);
    const { body } = await admin.get('/v1/admin/audit-logs?limit=1').expect(200);
    expect(body).toMatchObject({ audit_logs: [{ action: 'watchlist_item.created', request_id: id }] });
    expect(server.logs).toContainEqual(
      expect.objectContaining({ msg: 'request', route: '/v1/watchlists/items', status: 201, request_id: id }),
    );
  });
});

describe('HSTS', () => {
  it('does not cover subdomains unless HSTS_INCLUDE_SUBDOMAINS says so', async () => {
    const { headers } = await anonymously().get('/health');
    expect(headers['strict-transport-security']).toBe('max-age=31536000');
    const other = await createTestApp({ env: { HSTS_INCLUDE_SUBDOMAINS: 'true' } });
    try {
      const answer = await other.request().get('/health');
      expect(answer.headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
    } finally {
      await other.close();
    }
  });
});

describe('CORS', () => {
  const allowedOriginOf = ({ headers }: Response) => headers['access-control-allow-origin'];
  const preflight = (path: string, origin: string, method = 'POST') =>
    anonymously().options(path).set({
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type',
    });

  it('lets scripts from an allowed origin read every answer', async () => {
    for (const [status, ask] of ANSWERS) {
      const response = await ask().set('origin', FRONTEND);
      expect({ status: response.status, origin: allowedOriginOf(response) }).toEqual({
        status,
        origin: FRONTEND,
      });
      expect(response.headers['vary']).toContain('Origin');
    }
    for (const origin of ['http://127.0.0.1:3000', 'http://localhost:8501', 'http://127.0.0.1:8501']) {
      expect(allowedOriginOf(await anonymously().get('/health').set('origin', origin))).toBe(origin);
    }
  });

  it('lets scripts from another origin read no answer', async () => {
    for (const [, ask] of ANSWERS)
      expect(allowedOriginOf(await ask().set('origin', 'http://evil.example'))).toBeUndefined();
    for (const origin of [
      'http://evil.example',
      'http://localhost:3001',
      'https://localhost:3000',
      'http://localhost',
      'http://localhost:3000.evil.example',
      'http://evil.example#http://localhost:3000',
      'HTTP://LOCALHOST:3000',
      'null',
      '*',
    ]) {
      expect(allowedOriginOf(await anonymously().get('/health').set('origin', origin))).toBeUndefined();
      expect(allowedOriginOf(await preflight('/v1/auth/login', origin))).toBeUndefined();
    }
  });

  it('says nothing of origins to who is no browser', async () => {
    expect(allowedOriginOf(await anonymously().get('/health'))).toBeUndefined();
  });

  it('answers preflights', async () => {
    for (const [path, method] of [
      ['/v1/watchlists', 'GET'],
      ['/v1/watchlists/items', 'POST'],
      ['/v1/watchlists/items/1', 'PATCH'],
      ['/v1/watchlists/items/1', 'DELETE'],
    ] as const) {
      const response = await preflight(path, FRONTEND, method);
      expect(response.status).toBe(204);
      expect(response.headers).toMatchObject({
        'access-control-allow-origin': FRONTEND,
        'access-control-allow-methods': expect.stringContaining(method),
        'access-control-max-age': expect.stringMatching(/^\d+$/),
      });
      expect(response.headers['access-control-allow-headers']!.toLowerCase().split(', ').sort()).toEqual([
        'authorization',
        'content-type',
        'if-match',
        'if-none-match',
        'x-request-id',
      ]);
      expectCommonHeaders(response);
    }
  });

  it('lets the pages that may call bring the refresh cookie, and no others', async () => {
    const ours = await preflight('/v1/auth/refresh', FRONTEND);
    expect(ours.headers['access-control-allow-credentials']).toBe('true');
    const others = await preflight('/v1/auth/refresh', 'https://evil.example');
    expect(others.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('exposes the headers of this API to scripts', async () => {
    const { headers } = await anonymously().get('/health').set('origin', FRONTEND);
    expect(headers['access-control-expose-headers']!.toLowerCase().split(', ').sort()).toEqual([
      'allow',
      'etag',
      'link',
      'location',
      'ratelimit',
      'ratelimit-policy',
      'retry-after',
      'www-authenticate',
      'x-cache',
      'x-ratelimit-limit',
      'x-ratelimit-remaining',
      'x-ratelimit-reset',
      'x-request-id',
    ]);
  });

  describe('of another server', () => {
    let other: TestApp;
    beforeAll(async () => {
      const env = {
        CORS_ORIGINS: 'https://app.example.com, https://admin.example.com:8443',
        RATE_LIMIT_ADDRESS: '6/3600',
        RATE_LIMIT_LOGIN: '1/3600',
      };
      other = await createTestApp({ env });
    });
    afterAll(() => other.close());
    const login = (origin: string) =>
      other
        .request()
        .post('/v1/auth/login')
        .send({ email: 'nobody@example.com', password: 'x' })
        .set({ origin });

    it('knows the origins of CORS_ORIGINS instead, and lets them read 401, 429 and a refused preflight', async () => {
      const answers = [
        await login('https://app.example.com'),
        await login('https://admin.example.com:8443'),
        await other.request().get('/health').set('origin', FRONTEND),
      ];
      for (let call = 0; call < 4; call++) await other.request().get('/v1/nothing');
      answers.push(
        await other.request().get('/v1/auth/me').set('origin', 'https://app.example.com'),
        await other
          .request()
          .options('/v1/auth/me')
          .set({ origin: 'https://app.example.com', 'access-control-request-method': 'GET' }),
      );
      expect(answers.map((answer) => [answer.status, allowedOriginOf(answer)])).toEqual([
        [401, 'https://app.example.com'],
        [429, 'https://admin.example.com:8443'],
        [200, undefined],
        [429, 'https://app.example.com'],
        [429, 'https://app.example.com'],
      ]);
    });
  });
});

describe('HEAD', () => {
  it.each([...GET_PATHS, '/docs', '/docs/swagger-ui.css', '/openapi.json', '/favicon.ico'])(
    'of %s is its GET without the body',
    async (path) => {
      const headers = { authorization: `Bearer ${admin.token}` };
      const get = await rawRequest(server.url, { path, headers });
      const head = await rawRequest(server.url, { method: 'HEAD', path, headers });
      const lasting = ({ headers: all }: typeof get) => [
        all['content-type'],
        all['content-length'] ?? '0',
        all['cache-control'],
        all['etag'],
      ];
      expect({ status: head.status, lasting: lasting(head), body: head.body }).toEqual({
        status: get.status,
        lasting: lasting(get),
        body: undefined,
      });
      expectCommonHeaders(head);
    },
  );

  it('of what needs a token says so', async () => {
    const response = await anonymously().head('/v1/auth/me');
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
  });
});

describe('A trailing slash', () => {
  it.each(Object.keys(paths).map(withIds))('changes nothing: %s', async (path) => {
    const methods = Object.keys(paths[Object.keys(paths).find((each) => withIds(each) === path)!]!);
    for (const method of methods as ('get' | 'post' | 'patch' | 'delete')[]) {
      // Nobody may delete what the next test needs, nor sign out who asks. Nothing is in the trash.
      const ask = (spelling: string) =>
        method === 'delete' || /\/(logout|restore)$/.test(path)
          ? anonymously()[method](spelling)
          : admin[method](spelling);
      const query = path.endsWith('/pick') ? '?seed=1' : '';
      const [plain, slashed] = [await ask(path + query), await ask(`${path}/${query}`)];
      expect(slashed.status).toBe(plain.status);
      expect(slashed.status).not.toBe(404);
      if (slashed.status === 200) expect(slashed.body).toEqual(plain.body);
    }
  });

  it('goes with a query', async () => {
    const { body } = await admin.get('/v1/watchlists/?limit=1').expect(200);
    expect(body).toMatchObject({ user: admin.email, limit: 1 });
  });
});

describe('/favicon.ico', () => {
  it('is nothing, so that browsers do not fill the log with 404s', async () => {
    const response = await anonymously().get('/favicon.ico').expect(204);
    expect(response.text).toBe('');
  });
});

describe('/docs', () => {
  /** Directive → its sources. */
  const policyOf = ({ headers }: Response) =>
    Object.fromEntries(
      headers['content-security-policy']!.split(';').map((directive) => {
        const [name, ...sources] = directive.trim().split(' ');
        return [name!, sources];
      }),
    );
  const attributes = (html: string, tag: string, attribute: string) =>
    [...html.matchAll(new RegExp(`<${tag}(?=[\\s>])[^>]*?\\b${attribute}="([^"]+)"`, 'g'))].map(
      ([, value]) => value!,
    );

  it.each(['/docs', '/docs/'])('%s is a page whose parts all load under its own policy', async (path) => {
    const page = await anonymously()
      .get(path)
      .expect(200)
      .expect('content-type', /^text\/html/);
    const policy = policyOf(page);
    const html = page.text;

    const scripts = attributes(html, 'script', 'src');
    expect(scripts.length).toBeGreaterThan(0);
    // Not one of them inline, which the policy forbids.
    expect(html.match(/<script\b/g)).toHaveLength(scripts.length);
    expect(html).not.toMatch(/\son\w+=/);
    expect(policy['script-src']).toEqual(["'self'"]);

    const styles = attributes(html, 'link rel="stylesheet"', 'href');
    expect(styles.length).toBeGreaterThan(0);
    if (/<style\b|\sstyle=/.test(html)) expect(policy['style-src']).toContain("'unsafe-inline'");
    expect(policy['style-src']).toContain("'self'");
    expect(policy['img-src']).toEqual(["'self'", 'data:']);
    expect(policy['connect-src']).toEqual(["'self'"]);
    expect(policy).not.toHaveProperty('upgrade-insecure-requests');

    const types = { script: /javascript/, style: /^text\/css/, image: /^image\// };
    const images = attributes(html, 'link rel="icon"', 'href');
    for (const [kind, parts] of [
      ['script', scripts],
      ['style', styles],
      ['image', images],
    ] as const) {
      for (const part of parts) {
        const { origin, pathname } = new URL(part, `${server.url}${path}`);
        expect(origin).toBe(new URL(server.url).origin);
        await anonymously().get(pathname).expect(200).expect('content-type', types[kind]);
      }
    }
  });

  it('knows the routes of the document', async () => {
    const { text } = await anonymously().get('/docs/swagger-ui-init.js').expect(200);
    for (const path of Object.keys(paths)) expect(text).toContain(`"${path}"`);
  });

  it.each([
    ['a part that there is not', 'range', 'bytes=9999999-'],
    ['a version that there is not', 'if-match', '"nothing"'],
    ['what has not changed since long ago', 'if-unmodified-since', 'Mon, 01 Jan 2001 00:00:00 GMT'],
  ])('serves the whole file to who asks for %s', async (_what, header, value) => {
    await anonymously().get('/docs/swagger-ui.css').set(header, value).expect(200);
  });
});

describe('/openapi.json', () => {
  it('is the document, for anybody', async () => {
    const { body } = await anonymously().get('/openapi.json').expect(200).expect('content-type', /json/);
    expect(Object.keys((body as { paths: object }).paths)).toEqual(Object.keys(paths));
  });
});

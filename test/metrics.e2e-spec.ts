import { Redis } from 'ioredis';
import { createServer } from 'node:net';
import type { Test } from 'supertest';
import supertest from 'supertest';
import { asAdmin, asUser, PASSWORD, randomEmail } from './support/actors.js';
import { createTestApp, type TestApp, type TestAppOptions } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectCommonHeaders, expectProblem } from './support/expected.js';
import { type Family, increases, parseExposition, valueOf } from './support/exposition.js';
import { GatedUpstream } from './support/gated-upstream.js';
import { inParallel } from './support/rate-limits.js';
import { rawRequest, sendRaw } from './support/raw-http.js';
import { RedisServer } from './support/redis-server.js';
import { freePort } from './support/server-process.js';
import { createPostgres, stack, type Storage } from './support/stack.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { WebhookReceiver } from './support/webhook-receiver.js';

const TOKEN = 'a-token-for-the-tests/of+metrics=';
const MEDIA_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const servers: TestApp[] = [];
let silent: TestApp | undefined;
async function serve({ env = {}, ...others }: TestAppOptions = {}): Promise<TestApp> {
  const server = await createTestApp({ env: { METRICS_TOKEN: TOKEN, ...env }, ...others });
  servers.push(server);
  return server;
}
afterAll(async () => {
  for (const server of servers) await server.close();
});

const withToken = (request: Test) => request.set('authorization', `Bearer ${TOKEN}`);

async function scrape(server: TestApp): Promise<Map<string, Family>> {
  const { text } = await withToken(server.request().get('/metrics')).expect(200);
  return parseExposition(text);
}

/** What was counted meanwhile, under names that match; the scrapes' own requests left out. */
async function counted(
  server: TestApp,
  names: RegExp,
  happen: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const before = await scrape(server);
  await happen();
  const changes = increases(before, await scrape(server));
  return Object.fromEntries(
    Object.entries(changes).filter(([series]) => names.test(series) && !series.includes('route="/metrics"')),
  );
}

const requestsOf = (method: string, route: string, status: number) =>
  `http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`;
const REQUESTS = /^http_request_duration_seconds_count/;
const refusalsBy = (policy: string) => `watchlist_rate_limit_refusals_total{policy="${policy}"}`;
const REFUSALS = /^watchlist_rate_limit_refusals_total/;

describe('Metrics without METRICS_TOKEN or METRICS_PORT', () => {
  it.each(['GET', 'HEAD', 'POST', 'OPTIONS'])(
    'are nowhere: %s is answered as for any path',
    async (method) => {
      silent ??= await serve({ env: { METRICS_TOKEN: '' } });
      const [asked, unknown] = await Promise.all(
        ['/metrics', '/nothing'].map(async (path) => {
          const headers = { authorization: `Bearer ${TOKEN}` };
          const answer = await rawRequest(silent!.url, { method, path, headers });
          const changing = /^(date|x-request-id|content-length|ratelimit|x-ratelimit-(remaining|reset))$/;
          return {
            status: answer.status,
            headers: Object.fromEntries(
              Object.entries(answer.headers).filter(([name]) => !changing.test(name)),
            ),
            body: { ...(answer.body as object), request_id: '', instance: '' },
          };
        }),
      );
      expect(asked).toMatchObject({ status: 404, body: method === 'HEAD' ? {} : { code: 'NOT_FOUND' } });
      expect(asked).toEqual(unknown);
    },
  );
});

describe('/metrics', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await serve();
  });

  it('is a sound text in the exposition format, for nobody to keep', async () => {
    await asUser(server);
    const answer = await withToken(server.request().get('/metrics')).expect(200);
    expect(answer.headers).toMatchObject({ 'content-type': MEDIA_TYPE, 'cache-control': 'no-store' });
    expectCommonHeaders(answer);
    const families = parseExposition(answer.text);
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'])
      expect(valueOf(families, name)).toBeGreaterThan(0);
    expect(valueOf(families, 'watchlist_database_up')).toBe(1);
    expect(valueOf(families, 'watchlist_redis_up')).toBe(stack() === 'postgres+redis' ? 1 : undefined);
  });

  it('is there for HEAD too, in every spelling of the path and of Bearer, whatever is asked with it', async () => {
    const head = await withToken(server.request().head('/metrics')).expect(200);
    expect(head.headers['content-type']).toBe(MEDIA_TYPE);
    for (const path of ['/metrics/', '/%6Detrics', '/metrics?name[]=up&name[]=up'])
      parseExposition((await withToken(server.request().get(path)).expect(200)).text);
    await server.request().get('/metrics').set('authorization', `bEARER  ${TOKEN}`).expect(200);
  });

  it.each<[string, string | undefined]>([
    ['without a token', undefined],
    ['with an empty one', ''],
    ['with Bearer alone', 'Bearer'],
    ['with another one', 'Bearer another-token-of-some-length'],
    ['with one that is longer', `Bearer ${TOKEN}x`],
    ['with one that is shorter', `Bearer ${TOKEN.slice(0, -1)}`],
    ['with two', `Bearer ${TOKEN} ${TOKEN}`],
    ['with another scheme', `Basic ${TOKEN}`],
    ['with no scheme', TOKEN],
  ])('is refused %s', async (_what, authorization) => {
    const request = server.request().get('/metrics');
    const answer = await (authorization === undefined ? request : request.set({ authorization }));
    expectProblem(answer, 401, 'UNAUTHORIZED');
    expect(answer.headers['www-authenticate']).toMatch(
      authorization === undefined ? /^Bearer realm="watchlist"$/ : /^Bearer .*error="invalid_token"/,
    );
    expectCommonHeaders(answer);
  });

  it('is for nobody who is signed in, not even an admin', async () => {
    const admin = await asAdmin(server);
    expectProblem(await admin.get('/metrics'), 401, 'UNAUTHORIZED');
  });

  it.each(['post', 'put', 'patch', 'delete', 'options'] as const)('does not answer %s', async (method) => {
    const answer = await withToken(server.request()[method]('/metrics'));
    expectProblem(answer, 405, 'METHOD_NOT_ALLOWED');
    expect(answer.headers['allow']).toBe('GET, HEAD');
  });

  it('counts each request once, under the template of its route, the method and the status', async () => {
    const ada = await asUser(server);
    const { body } = await ada.post('/v1/watchlists/items', { title: 'Alien', type: 'movie' });
    const { id } = (body as { item: { id: number } }).item;
    const changes = await counted(server, REQUESTS, async () => {
      await ada.get(`/v1/watchlists/items/${id}`).expect(200);
      await ada.get(`/v1/watchlists/items/${id + 1}`).expect(404);
      await ada.get(`/v1/watchlists/items/${'9'.repeat(40)}`).expect(404);
      await ada.get('/v1/watchlists/items/ada@example.com').expect(404);
      await server.request().get(`/v1/watchlists/items/${id}`).expect(401);
      await ada.patch(`/v1/watchlists/items/${id}?x=1`, { title: 'Aliens' }).expect(422);
      await ada.get('/v1/watchlists/').expect(200);
      await server.request().head('/health').expect(200);
      await server.request().get('/openapi.json').expect(200);
      await server.request().get('/docs/swagger-ui.css').expect(200);
    });
    const ITEM = '/v1/watchlists/items/:item_id';
    expect(changes).toEqual({
      [requestsOf('GET', ITEM, 200)]: 1,
      [requestsOf('GET', ITEM, 404)]: 3,
      [requestsOf('GET', ITEM, 401)]: 1,
      [requestsOf('PATCH', ITEM, 422)]: 1,
      [requestsOf('GET', '/v1/watchlists', 200)]: 1,
      [requestsOf('HEAD', '/health', 200)]: 1,
      [requestsOf('GET', '/openapi.json', 200)]: 1,
      [requestsOf('GET', '/docs/*', 200)]: 1,
    });
  });

  it('has one name for all that no route was found for, and none for what was no request', async () => {
    const changes = await counted(
      server,
      /^(http_request_duration_seconds_count|watchlist_http_un)/,
      async () => {
        for (let n = 0; n < 5; n++) await server.request().get(`/made-up/${n}`).expect(404);
        await rawRequest(server.url, { method: 'PROPFIND', path: '/metrics' });
        await rawRequest(server.url, { method: 'SEARCH', path: '/x' });
        await rawRequest(server.url, { path: '/v1/%zz' });
        await rawRequest(server.url, { path: `/${'x'.repeat(9000)}` });
        await sendRaw(server.url, 'GARBAGE\r\n\r\n');
        await sendRaw(server.url, `GET / HTTP/1.1\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`);
        await sendRaw(server.url, 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n');
      },
    );
    const unreadable = (status: number) => `watchlist_http_unreadable_requests_total{status="${status}"}`;
    expect(changes).toEqual({
      [requestsOf('GET', 'unmatched', 404)]: 6,
      [requestsOf('other', 'unmatched', 404)]: 1,
      [requestsOf('other', 'unmatched', 405)]: 1,
      [unreadable(400)]: 2,
      [unreadable(404)]: 1,
      [unreadable(431)]: 1,
    });
  });

  it('has in its labels nothing but what the server knows beforehand', async () => {
    const email = randomEmail();
    const ada = await asUser(server, email);
    await ada.get(`/v1/${email}`).set('x-request-id', email).set('user-agent', email);
    await ada.get(`/v1/watchlists/items/4711471147`).set('x-forwarded-for', '203.0.113.99');
    const { text } = await withToken(server.request().get('/metrics'));
    for (const secret of [email, ada.token, '4711471147', '203.0.113.99', '127.0.0.1', PASSWORD, TOKEN])
      expect(text).not.toContain(secret);
    const { paths } = JSON.parse(JSON.stringify((await server.request().get('/openapi.json')).body)) as {
      paths: object;
    };
    const templates = Object.keys(paths).map((path) => path.replace(/\{(\w+)\}/g, ':$1'));
    const known = [...templates, '/metrics', '/openapi.json', '/docs/*', 'unmatched'];
    const routes = parseExposition(text)
      .get('http_request_duration_seconds')!
      .samples.map(({ labels }) => labels['route']);
    expect(known).toEqual(expect.arrayContaining([...new Set(routes)]));
  });

  it('counts what came from the cache, what did not, and what passed it by', async () => {
    const ada = await asUser(server);
    const outcome = (name: string) => `watchlist_cache_requests_total{outcome="${name}"}`;
    const changes = await counted(server, /^watchlist_cache/, async () => {
      const first = await ada.get('/v1/watchlists').expect(200);
      for (let n = 0; n < 3; n++) await ada.get('/v1/watchlists').expect(200);
      await ada.get('/v1/watchlists').set('if-none-match', first.headers['etag']!).expect(304);
      await ada.get('/v1/watchlists?type=film').expect(422);
    });
    expect(changes).toEqual({ [outcome('miss')]: 1, [outcome('hit')]: 4 });

    const uncached = await serve({ env: { CACHE_TTL_SECONDS: '0' } });
    const bob = await asUser(uncached);
    expect(await counted(uncached, /^watchlist_cache/, () => bob.get('/v1/watchlists').expect(200))).toEqual({
      [outcome('bypass')]: 1,
    });
  });
});

describe('Refusals in the metrics', () => {
  it('are counted under the policy that refused', async () => {
    const server = await serve({
      env: {
        RATE_LIMIT_LIST: '1/3600',
        RATE_LIMIT_WRITE: '2/3600',
        RATE_LIMIT_REGISTER: '2/3600',
        RATE_LIMIT_DEFAULT: '1/3600',
        LOGIN_LOCKOUT: '2/900',
        RATE_LIMIT_LOGIN: '7/3600',
      },
    });
    const ada = await asUser(server);
    const email = randomEmail();
    const login = () =>
      server.request().post('/v1/auth/login').send({ email, password: 'not the right one' });
    const changes = await counted(server, REFUSALS, async () => {
      await inParallel(5, () => ada.get('/v1/watchlists'));
      await inParallel(5, () => ada.post('/v1/watchlists/items', { title: 'Alien', type: 'movie' }));
      await inParallel(3, () => ada.get('/v1/auth/me'));
      await inParallel(4, () =>
        server.request().post('/v1/auth/register').send({ email: randomEmail(), password: PASSWORD }),
      );
      // Two wrong passwords are free, then the address is locked out ...
      for (let n = 0; n < 6; n++) await login().expect(n < 2 ? 401 : 429);
      // ... and the seventh login, with that of Ada, is one too many for the login policy.
      await login().expect(429);
    });
    expect(changes).toEqual({
      [refusalsBy('list')]: 4,
      [refusalsBy('write')]: 3,
      [refusalsBy('default')]: 2,
      [refusalsBy('register')]: 3,
      [refusalsBy('account')]: 4,
      [refusalsBy('login')]: 1,
    });
  });

  it('of an address are counted too, whatever it sent; scrapes are counted as everything is, but not at METRICS_PORT', async () => {
    const { server, metrics } = await serveOnPort({ RATE_LIMIT_ADDRESS: '5/3600', METRICS_TOKEN: TOKEN });
    for (let n = 0; n < 5; n++) await withToken(server.request().get('/metrics')).expect(200);
    const before = parseExposition((await metrics().get('/metrics').expect(200)).text);
    expectProblem(await withToken(server.request().get('/metrics')), 429, 'RATE_LIMITED');
    expectProblem(await server.request().get('/v1/watchlists'), 429, 'RATE_LIMITED');
    expect((await rawRequest(server.url, { path: '/%zz' })).status).toBe(429);
    expect((await sendRaw(server.url, 'GARBAGE\r\n\r\n')).status).toBe(429);
    // Nothing there is refused, and an unknown path has another answer.
    await server.request().get('/made-up').expect(404);
    await server.request().get('/health').expect(200);
    const after = parseExposition((await metrics().get('/metrics').expect(200)).text);
    const changes = Object.entries(increases(before, after));
    expect(changes.filter(([series]) => /refusals|_count\{|unreadable/.test(series))).toEqual(
      expect.arrayContaining([
        [refusalsBy('address'), 4],
        ['watchlist_http_unreadable_requests_total{status="429"}', 2],
        [requestsOf('GET', '/metrics', 429), 1],
        [requestsOf('GET', '/v1/watchlists', 429), 1],
        [requestsOf('GET', 'unmatched', 404), 1],
        [requestsOf('GET', '/health', 200), 1],
      ]),
    );
  });
});

/** A server whose metrics are on a port of their own, without METRICS_TOKEN unless it is given. */
async function serveOnPort(env: Record<string, string> = {}) {
  const port = await freePort();
  const server = await serve({
    env: { METRICS_TOKEN: '', HOST: '127.0.0.1', METRICS_PORT: String(port), ...env },
  });
  return { server, port, metrics: () => supertest(`http://127.0.0.1:${port}`) };
}

describe('METRICS_PORT', () => {
  it('answers /metrics to everybody who reaches it, and nothing else; the other port does not know the path', async () => {
    const { server, metrics } = await serveOnPort();
    await asUser(server);
    for (const path of ['/metrics', '/metrics/', '/metrics?x=1']) {
      const answer = await metrics().get(path).expect(200);
      expect(answer.headers).toMatchObject({ 'content-type': MEDIA_TYPE, 'cache-control': 'no-store' });
      expect(valueOf(parseExposition(answer.text), 'watchlist_database_up')).toBe(1);
    }
    await metrics().head('/metrics').expect(200);
    expectProblem(await metrics().get('/'), 404, 'NOT_FOUND');
    expectProblem(await metrics().get('/health'), 404, 'NOT_FOUND');
    expectProblem(await metrics().post('/v1/auth/login').send({}), 404, 'NOT_FOUND');
    expectProblem(await metrics().get('/%zz'), 400, 'BAD_REQUEST');
    const refused = await metrics().post('/metrics').send('x'.repeat(2000));
    expectProblem(refused, 405, 'METHOD_NOT_ALLOWED');
    expect(refused.headers['allow']).toBe('GET, HEAD');
    expectProblem(await server.request().get('/metrics'), 404, 'NOT_FOUND');
  });

  it('answers what is hardly a request as the other port does', async () => {
    const { port } = await serveOnPort();
    const HOST = 'host: localhost\r\n';
    for (const [bytes, status, code] of [
      ['GARBAGE\r\n\r\n', 400, 'BAD_REQUEST'],
      ['GET /metrics HTTP/1.1\r\n\r\n', 400, 'BAD_REQUEST'],
      [`GET /metrics HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400, 'BAD_REQUEST'],
      [`GET /metrics HTTP/1.1\r\n${HOST}x: ${'x'.repeat(17_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
      [`GET /metrics HTTP/1.1\r\n${HOST}`, 408, 'REQUEST_TIMEOUT'],
      [`GET /nothing HTTP/1.1\r\n${HOST}expect: foo\r\n\r\n`, 404, 'NOT_FOUND'],
      [`CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`, 404, 'NOT_FOUND'],
    ] as const) {
      const answer = await sendRaw(`http://127.0.0.1:${port}`, bytes);
      expectProblem(answer, status, code);
      expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'/);
    }
  });

  it('is listened on beside METRICS_TOKEN', async () => {
    const { server, metrics } = await serveOnPort({ METRICS_TOKEN: TOKEN });
    const texts = await Promise.all([metrics().get('/metrics'), withToken(server.request().get('/metrics'))]);
    for (const { status, text } of texts) {
      expect(status).toBe(200);
      expect(parseExposition(text).size).toBeGreaterThan(20);
    }
    expectProblem(await server.request().get('/metrics'), 401, 'UNAUTHORIZED');
  });

  it('is answered until the last request in flight has been, and then it is closed', async () => {
    const upstream = await GatedUpstream.start();
    const port = await freePort();
    const server = await createTestApp({
      env: { GITHUB_API_URL: upstream.url, HOST: '127.0.0.1', METRICS_PORT: String(port) },
    });
    try {
      const metrics = () => supertest(`http://127.0.0.1:${port}`).get('/metrics');
      // The request is on its way as soon as somebody waits for it.
      const inFlight = server
        .request()
        .get('/v1/external/github')
        .then(({ status }) => status);
      await upstream.asked();
      const closed = server.close();
      await eventually(() =>
        expect(server.request().get('/health')).rejects.toMatchObject({ code: 'ECONNREFUSED' }),
      );
      parseExposition((await metrics().expect(200)).text);
      upstream.answer();
      expect(await inFlight).toBe(200);
      await closed;
      await expect(metrics()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    } finally {
      upstream.close();
    }
  });

  it('keeps the server from starting when somebody else has it', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port));
    });
    try {
      await expect(serveOnPort({ METRICS_PORT: String(port) })).rejects.toThrow(
        /^The environment is not usable:\n {2}- METRICS_PORT .*EADDRINUSE$/,
      );
    } finally {
      other.close();
    }
  });
});

describe('The audit backlog in the metrics', () => {
  it('is what the webhook has not taken yet, asked of the database now and then, however many want to know', async () => {
    const receiver = await WebhookReceiver.start();
    receiver.answer(({ action }) => (action === 'user.registered' ? 'ok' : 'server error'));
    const server = await serve({
      env: { AUDIT_WEBHOOK_URL: receiver.url, AUDIT_WEBHOOK_SECRET: 'a secret for tests of the webhook' },
    });
    try {
      // Registered, signed in.
      await asUser(server);
      await eventually(() => expect(receiver.deliveries).toHaveLength(2));
      await eventually(async () => {
        const families = await scrape(server);
        const tries = (outcome: string) => valueOf(families, 'watchlist_audit_deliveries_total', { outcome });
        expect([tries('delivered'), tries('failed')]).toEqual([1, 1]);
      });
      await eventually(async () =>
        expect(valueOf(await scrape(server), 'watchlist_audit_backlog_events')).toBe(1),
      );

      const read = jest.spyOn(server.unitOfWork, 'read');
      await inParallel(20, () => withToken(server.request().get('/metrics')));
      expect(read.mock.calls.length).toBeLessThanOrEqual(1);
      read.mockRestore();
    } finally {
      await receiver.close();
    }
  });
});

if (stack() === 'postgres+redis') {
  describe('Metrics while what the server stands on is away', () => {
    let postgres: Storage;
    let proxy: TcpProxy;
    let redis: RedisServer;
    let server: TestApp;
    beforeAll(async () => {
      postgres = await createPostgres();
      proxy = await TcpProxy.to(postgres.env['DATABASE_URL']!);
      redis = await RedisServer.create();
      server = await serve({
        storage: postgres,
        env: { DATABASE_URL: proxy.url, REDIS_URL: redis.url, REDIS_COMMAND_TIMEOUT_MS: '500' },
      });
    });
    afterAll(async () => {
      await proxy.restore();
      await server.close();
      servers.splice(servers.indexOf(server), 1);
      await proxy.cut();
      await redis.remove();
      await postgres.remove();
    });

    const redisIsReplicaOf = async (host: string, port: string) => {
      const client = new Redis(redis.url);
      await client.call('REPLICAOF', host, port);
      client.disconnect();
    };

    const states = async () => {
      const families = await scrape(server);
      return ['watchlist_database_up', 'watchlist_redis_up', 'watchlist_redis_circuit_open'].map((name) =>
        valueOf(families, name),
      );
    };

    it.each<[string, () => unknown, () => unknown]>([
      ['is killed', () => redis.kill(), () => redis.start()],
      ['hangs', () => redis.freeze(), () => redis.resume()],
      ['refuses writes', () => redisIsReplicaOf('127.0.0.1', '1'), () => redisIsReplicaOf('NO', 'ONE')],
    ])('say that Redis %s, and that it is left alone until it is back', async (_what, happen, end) => {
      expect(await states()).toEqual([1, 1, 0]);
      await happen();
      await eventually(async () => expect(await states()).toEqual([1, 0, 1]));
      const ada = await asUser(server);
      expect((await ada.get('/v1/watchlists')).status).toBe(200);
      await end();
      await eventually(async () => expect(await states()).toEqual([1, 1, 0]));
    });

    it.each<[string, () => unknown]>([
      ['is gone', () => proxy.cut()],
      ['hangs', () => proxy.hang()],
    ])('say that PostgreSQL %s, however many ask', async (_what, happen) => {
      expect((await states())[0]).toBe(1);
      await happen();
      const answers = await inParallel(30, states);
      expect(new Set(answers.map(([database]) => database))).toEqual(new Set([0]));
      await proxy.restore();
      await eventually(async () => expect((await states())[0]).toBe(1));
    });
  });
}

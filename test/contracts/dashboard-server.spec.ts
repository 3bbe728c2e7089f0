import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { createLogger, PinoLoggerService } from '../../src/common/observability/logging/logger.js';
import { loadDashboardEnv } from '../../src/config/dashboard-env.js';
import { createDashboardServer } from '../../src/dashboard/dashboard-server.js';
import { PASSWORD } from '../support/actors.js';
import { expectProblem } from '../support/expected.js';
import { rawRequest, sendRaw, sendRawUntilClosed } from '../support/raw-http.js';
import { ROOMY } from '../support/server-client.js';
import { build, freePort, type ServerProcess, startServer } from '../support/server-process.js';

const EMAIL = 'ada@example.com';

describe(loadDashboardEnv.name, () => {
  it.each([
    ['http://api:8000', '', 'http://api:8000'],
    ['http://api:8000/', '', 'http://api:8000'],
    ['http://api:8000/v1', '', 'http://api:8000'],
    ['https://example.com/watch/v1/', '/watch', 'https://example.com'],
    ['https://example.com/v10', '/v10', 'https://example.com'],
  ])('understands API_BASE_URL=%s', (API_BASE_URL, pathname, origin) => {
    expect(loadDashboardEnv({ API_BASE_URL }).API_BASE_URL).toEqual({ origin, pathname });
  });

  it('has a default for everything, and refuses what it cannot use', () => {
    expect(loadDashboardEnv({ API_BASE_URL: '' })).toMatchObject({
      PORT: 8501,
      API_BASE_URL: { origin: 'http://localhost:8000', pathname: '' },
    });
    expect(() => loadDashboardEnv({ API_BASE_URL: 'api:8000', PORT: '-1' })).toThrow(
      /PORT must be[^]*API_BASE_URL must be a URL/,
    );
  });
});

describe('the dashboard on an address of its own', () => {
  let api: ServerProcess;
  let dashboard: FastifyInstance;
  let url: string;

  let lines: string[] = [];
  const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  beforeEach(() => {
    lines = [];
    const logger = createLogger(
      { LOG_LEVEL: 'info', NODE_ENV: 'test' },
      { write: (line) => void lines.push(line) },
    );
    Logger.overrideLogger(new PinoLoggerService(logger));
  });

  const listen = (API_BASE_URL: string, TRUST_PROXY = '') => {
    const server = createDashboardServer(loadDashboardEnv({ API_BASE_URL, TRUST_PROXY }));
    return server.listen({ host: '127.0.0.1', port: 0 }).then((address) => ({ server, address }));
  };
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  beforeAll(async () => {
    api = await startServer({ env: { ...ROOMY, TRUST_PROXY: '127.0.0.1' } });
    ({ server: dashboard, address: url } = await listen(`${api.url}/v1`));
    await post('/v1/auth/register', { email: EMAIL, password: PASSWORD });
  }, 60_000);
  afterAll(async () => {
    await dashboard.close();
    await api.remove();
  });

  it('is the page and the API in one', async () => {
    const page = await fetch(url);
    expect(page.url).toBe(`${url}/dashboard`);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    const [, script] = /src="([^"]+\.js)"/.exec(await page.text())!;
    const loaded = await fetch(url + script);
    expect(loaded.headers.get('content-type')).toMatch(/javascript/);
    expect((await loaded.text()).length).toBeGreaterThan(1000);
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
    const refused = await fetch(`${url}/v1/watchlists?skip=x`, { headers: { 'x-request-id': 'one-two' } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('x-request-id')).toBe('one-two');
    expect(await refused.json()).toMatchObject({ code: 'UNAUTHORIZED', request_id: 'one-two' });
  });

  it('lets a page of its own keep somebody signed in, and no other', async () => {
    const signedIn = await post(
      '/v1/auth/login',
      { email: EMAIL, password: PASSWORD, transport: 'cookie' },
      { origin: url },
    );
    expect(signedIn.status).toBe(200);
    const [cookie] = signedIn.headers.getSetCookie()[0]!.split(';');
    const refresh = (origin: string) =>
      post('/v1/auth/refresh', { transport: 'cookie' }, { origin, cookie: cookie! });
    expect((await refresh('http://evil.example')).status).toBe(403);
    expect((await refresh(url)).status).toBe(200);
  });

  it('lets it behind a proxy, too, which says where the page is', async () => {
    const behind = async (server: string, headers: Record<string, string>) => {
      const signedIn = await post('/v1/auth/login', {
        email: EMAIL,
        password: PASSWORD,
        transport: 'cookie',
      });
      const [cookie] = signedIn.headers.getSetCookie()[0]!.split(';');
      const { status } = await rawRequest(server, {
        method: 'POST',
        path: '/v1/auth/refresh',
        headers: { 'content-type': 'application/json', cookie: cookie!, ...headers },
        body: JSON.stringify({ transport: 'cookie' }),
      });
      return status;
    };
    const origin = 'https://watch.example.com';
    const told = {
      'x-forwarded-host': 'watch.example.com',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
      'x-real-ip': '203.0.113.9',
      via: '1.1 Caddy',
    };
    expect(await behind(url, { origin, host: 'watch.example.com', ...told })).toBe(200);
    // Whoever is not trusted may say what it likes.
    expect(await behind(url, { origin, host: 'dashboard:8501', ...told })).toBe(403);
    const { server, address } = await listen(api.url, '127.0.0.1');
    try {
      expect(await behind(address, { origin, host: 'dashboard:8501', ...told })).toBe(200);
      expect(await behind(address, { ...told, origin: 'https://evil.example', host: 'evil.example' })).toBe(
        403,
      );
    } finally {
      await server.close();
    }
  });

  it.each<Record<string, string>>([
    { expect: '100-continue' },
    { upgrade: 'websocket' },
    { upgrade: 'h2c', connection: 'http2-settings', 'http2-settings': 'AAMAAABkAAQAAP__' },
    { 'keep-alive': '1' },
    { te: 'trailers', trailer: 'x-checksum' },
    { 'proxy-connection': 'keep-alive', 'proxy-authorization': 'Basic eDp5' },
  ])('keeps what is about its own connection to itself: %j', async (headers) => {
    const { status, body } = await rawRequest(url, {
      method: 'POST',
      path: '/v1/auth/login',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ email: EMAIL, password: PASSWORD }),
    });
    expect({ status, body }).toMatchObject({ status: 200, body: { token_type: expect.any(String) } });
  });

  it('says who the client is, whatever that says of itself', async () => {
    const forged = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' };
    const signedIn = await post('/v1/auth/login', { email: EMAIL, password: PASSWORD }, forged);
    const { access_token } = (await signedIn.json()) as { access_token: string };
    const answer = await fetch(`${url}/v1/auth/sessions`, {
      headers: { authorization: `Bearer ${access_token}`, ...forged },
    });
    const { sessions } = (await answer.json()) as { sessions: { current: boolean; address: string }[] };
    expect(sessions.find(({ current }) => current)!.address).toBe('127.0.0.1');
  });

  it.each<Record<string, string>>([
    { range: 'bytes=99999999-' },
    { range: 'bytes=-0' },
    { range: 'bytes=5-1' },
    { 'if-match': '"x"' },
    { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' },
  ])('answers with the whole file, asked for %j of it', async (headers) => {
    const page = await (await fetch(`${url}/dashboard`)).text();
    const [, script] = /src="([^"]+\.js)"/.exec(page)!;
    for (const path of ['/dashboard/index.html', script!])
      expect(await rawRequest(url, { path, headers })).toMatchObject({
        status: 200,
        headers: { 'content-length': (await fetch(url + path)).headers.get('content-length') },
      });
  });

  it.each([
    '/nothing',
    '/v1/../nothing',
    '/v1/%2e%2e/metrics',
    '/dashboard/assets/none.js',
    '/dashboard/%61ssets/none.js',
    '/dashboard/assets%2fnone.js',
    '/dashboard//assets/none.js',
    '/dashboard/x/../assets/none.js',
  ])('answers %s with a problem', async (path) => {
    const { status, headers } = await rawRequest(url, { path });
    expect([400, 404]).toContain(status);
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
  });

  describe('answers with a problem, as the API does, what is', () => {
    const HOST = 'host: localhost\r\n';
    it.each<[string, string, number, ...string[]]>([
      ['no HTTP', 'GARBAGE\r\n\r\n', 400],
      ['in need of a Host', 'GET /dashboard HTTP/1.1\r\n\r\n', 400],
      ['for two hosts', `GET /dashboard HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400],
      ['too long', `GET / HTTP/1.1\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`, 431],
      ['for nothing', `GET * HTTP/1.1\r\n${HOST}\r\n`, 404],
      ['no path of the API', `GET /v1/%ff HTTP/1.1\r\n${HOST}\r\n`, 400],
      ['no path of the page', `GET /dashboard/%ff HTTP/1.1\r\n${HOST}\r\n`, 400],
      ['too much expected', `GET /nothing HTTP/1.1\r\n${HOST}expect: foo\r\n\r\n`, 404],
      ['another method', `POST /dashboard HTTP/1.1\r\n${HOST}\r\n`, 405, 'GET, HEAD'],
      ['a method of its own', `BREW /dashboard HTTP/1.1\r\n${HOST}\r\n`, 405, 'GET, HEAD'],
      ['a tunnel', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`, 404],
    ])('%s', async (_what, bytes, status, ...allow) => {
      const answer = await sendRaw(url, bytes);
      expectProblem(answer, status, (answer.body as { code: string }).code);
      expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'/);
      expect([answer.headers['allow'] ?? []].flat()).toEqual(allow);
    });

    it('too large, before the API is asked', async () => {
      const request = { method: 'POST', path: '/v1/auth/login', body: Buffer.alloc(3_145_728, 0x20) };
      for (let n = 0; n < 10; n++) {
        const { status, body } = await rawRequest(url, request);
        expect({ status, body }).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
      }
    });

    it('too large for the API, which says so while it is being sent', async () => {
      const request = { method: 'POST', path: '/v1/auth/login', body: Buffer.alloc(500_000, 0x20) };
      const headers = { 'content-type': 'application/json' };
      for (let n = 0; n < 30; n++) {
        const { status, body } = await rawRequest(url, { ...request, headers });
        expect({ status, body }).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
      }
    });

    it('not there in time', async () => {
      const [headers, body] = await Promise.all([
        sendRawUntilClosed(url, `GET /dashboard HTTP/1.1\r\n${HOST}`),
        sendRawUntilClosed(url, `POST /dashboard HTTP/1.1\r\n${HOST}content-length: 100\r\n\r\nx`),
      ]);
      expect(headers.map(({ status }) => status)).toEqual([408]);
      expectProblem(headers[0]!, 408, 'REQUEST_TIMEOUT');
      expect(body[0]!.status).toBe(405);
    }, 30_000);
  });

  it('writes what failed to the log, where the request id finds it', async () => {
    const server = createDashboardServer(loadDashboardEnv({ API_BASE_URL: api.url }));
    server.get('/broken', () => {
      throw new Error('nobody thought of this');
    });
    const answer = await server.inject('/broken');
    expectProblem({ ...answer, status: answer.statusCode, body: answer.json() } as never, 500, 'INTERNAL');
    expect(logged()).toMatchObject([
      {
        level: 'error',
        msg: 'request failed',
        request_id: answer.headers['x-request-id'],
        err: { message: 'nobody thought of this' },
      },
    ]);
    await server.close();
  });

  it('asks an API that is overloaded once, and says what it says', async () => {
    let asked = 0;
    const overloaded = createServer((_request, response) => {
      asked++;
      response.writeHead(503, { 'retry-after': '1' }).end();
    }).listen(0, '127.0.0.1');
    await once(overloaded, 'listening');
    const { port } = overloaded.address() as AddressInfo;
    const { server, address } = await listen(`http://127.0.0.1:${port}`);
    expect((await fetch(`${address}/v1/watchlists`)).status).toBe(503);
    expect(asked).toBe(1);
    await server.close();
    overloaded.close();
  });

  it('says when the API is not there, and goes on when it is', async () => {
    const port = await freePort();
    const { server, address } = await listen(`http://127.0.0.1:${port}`);
    try {
      const away = await fetch(`${address}/v1/watchlists`);
      expect(away.status).toBe(503);
      expect(away.headers.get('retry-after')).toBe('1');
      expect(logged()).toMatchObject([
        { level: 'warn', code: 'DEPENDENCY_DOWN', request_id: away.headers.get('x-request-id') },
      ]);
      expect(await away.json()).toMatchObject({ code: 'DEPENDENCY_DOWN', instance: '/v1/watchlists' });
      const late = await startServer({ env: { ...ROOMY, PORT: String(port) } });
      expect((await fetch(`${address}/health`)).status).toBe(200);
      await late.remove();
    } finally {
      await server.close();
    }
  }, 60_000);

  it('runs as a process that ends when it is told to', async () => {
    await build();
    const PORT = String(await freePort());
    const child = spawn(process.execPath, [join(__dirname, '../../dist/dashboard-main.js')], {
      env: { PORT, HOST: '127.0.0.1', API_BASE_URL: api.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    expect(String(line)).toContain(`listening on port ${PORT}; the API is at ${api.url}`);
    expect((await fetch(`http://127.0.0.1:${PORT}/v1/health/detailed`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  }, 60_000);
});

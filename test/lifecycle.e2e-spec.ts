import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PASSWORD, randomEmail } from './support/actors.js';
import { createTestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import {
  build,
  freePort,
  parseLog,
  runServer,
  type ServerProcess,
  startServer,
} from './support/server-process.js';
import { createStorage, type Storage } from './support/stack.js';

const SECRET = 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1';
const ROOMY = {
  JWT_SECRET: SECRET,
  BCRYPT_COST: '10',
  RATE_LIMIT_LIST: '0',
  RATE_LIMIT_WRITE: '0',
  RATE_LIMIT_DEFAULT: '0',
  RATE_LIMIT_ADDRESS: '0',
  GITHUB_API_URL: 'http://127.0.0.1:9',
};

jest.setTimeout(90_000);
beforeAll(build, 120_000);

let storage: Storage;
let servers: ServerProcess[];
beforeEach(async () => {
  storage = await createStorage();
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server.remove();
  await storage.remove();
});

/** On the stack's storage; ended after the test. */
async function serve(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServer({ env: { ...ROOMY, ...storage.env, ...env } });
  servers.push(server);
  return server;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: any;
}

/** Through an agent of the caller's, to see what becomes of its connections. */
function ask(
  url: string,
  path: string,
  { agent, token, body }: { agent?: Agent; token?: string; body?: object } = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const outgoing = request(`${url}${path}`, {
      method: body ? 'POST' : 'GET',
      ...(agent && { agent }),
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
    });
    outgoing.on('response', (response) => {
      text(response).then(
        (content) =>
          resolve({
            status: response.statusCode!,
            headers: response.headers as Record<string, string>,
            body: /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(content) : content,
          }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body && JSON.stringify(body));
  });
}

async function signUp(url: string): Promise<{ email: string; token: string }> {
  const email = randomEmail();
  const credentials = { email, password: PASSWORD };
  expect((await ask(url, '/v1/auth/register', { body: credentials })).status).toBe(201);
  return { email, token: (await ask(url, '/v1/auth/login', { body: credentials })).body.access_token };
}

/** An upstream that answers when it is told to: whoever asked it is a request in flight. */
async function slowUpstream() {
  const waiting: ServerResponse[] = [];
  const server: Server = createServer((_request, response) => waiting.push(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => eventually(() => expect(waiting).toHaveLength(1)),
    answer: () => {
      waiting[0]!.writeHead(200, { 'content-type': 'application/json' });
      waiting[0]!.end(
        JSON.stringify({
          current_user_url: 'https://a.example/user',
          rate_limit_url: 'https://a.example/limit',
        }),
      );
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A connection with bytes written by hand, and everything that comes back on it. */
async function openConnection(url: string, bytes = '') {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (data) => (received += String(data)));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  socket.write(bytes);
  return { received: () => received, send: (more: string) => socket.write(more), closed };
}

/** What shutting down must look like to clients, whoever asks for it. */
async function expectGracefulEnd(
  url: string,
  upstream: Awaited<ReturnType<typeof slowUpstream>>,
  shutDown: () => void,
) {
  const idle = await openConnection(url, 'GET /health HTTP/1.1\r\nhost: a\r\n\r\n');
  await eventually(() => expect(idle.received()).toContain('{"status":"ok"}'));
  const half = await openConnection(url, 'GET /v1/auth/me HTTP/1.1\r\nhost: a\r\n');
  const live = await openConnection(url, 'GET /health/live HTTP/1.1\r\nhost: a\r\n');
  const ready = await openConnection(url, 'GET /health/ready HTTP/1.1\r\nhost: a\r\n');
  const inFlight = ask(url, '/v1/external/github', { agent: new Agent({ keepAlive: true }) });
  await upstream.asked();

  shutDown();
  await idle.closed;
  half.send('\r\n');
  await half.closed;
  expect(half.received()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
  expect(half.received()).toMatch(/\r\nconnection: close\r\n/i);
  expect(half.received()).toMatch(/\r\nretry-after: \d+\r\n/i);
  expect(half.received()).toContain('"code":"SHUTTING_DOWN"');
  // Whoever kills what is not alive must leave it time to finish.
  live.send('\r\n');
  await live.closed;
  expect(live.received()).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n/i);
  expect(live.received()).toMatch(/\r\n\r\n\{"status":"ok"\}$/);
  ready.send('\r\n');
  await ready.closed;
  expect(ready.received()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
  expect(ready.received()).toMatch(/\r\n\r\n\{"status":"not_ready","reason":"shutting_down"\}$/);
  await expect(ask(url, '/health')).rejects.toMatchObject({ code: 'ECONNREFUSED' });

  upstream.answer();
  const answer = await inFlight;
  expect(answer.status).toBe(200);
  expect(answer.headers['connection']).toBe('close');
}

describe('starting', () => {
  it('needs no environment: an empty folder becomes a server with a database and a signing key of its own', async () => {
    const server = await startServer();
    servers.push(server);
    expect((await ask(server.url, '/health')).body).toEqual({ status: 'ok' });
    expect((await ask(server.url, '/v1/health/detailed')).body).toEqual({
      status: 'ok',
      dependencies: { database: 'ok', redis: 'disabled' },
    });
    expect((await ask(server.url, '/docs')).status).toBe(200);
    const { token } = await signUp(server.url);
    expect((await ask(server.url, '/v1/watchlists', { token })).body.total).toBe(0);
    expect(readdirSync(join(server.folder, 'data'))).toEqual(
      expect.arrayContaining(['jwt-secret', 'watchlist.db']),
    );
    expect(statSync(join(server.folder, 'data/jwt-secret')).mode & 0o777).toBe(0o600);
  });

  it('takes what it is not told from .env', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'watchlist-server-'));
    try {
      writeFileSync(
        join(folder, '.env'),
        'DATABASE_URL=sqlite:///./elsewhere/lists.db\nJWT_SECRET=change-me\n',
      );
      const server = await startServer({ folder });
      servers.push(server);
      expect(existsSync(join(folder, 'elsewhere/lists.db'))).toBe(true);
      expect(existsSync(join(folder, 'data/watchlist.db'))).toBe(false);
      const warnings = server.logs().filter(({ level }) => level === 'warn');
      expect(warnings).toEqual([expect.objectContaining({ msg: expect.stringContaining('JWT_SECRET') })]);
    } finally {
      await servers.pop()?.remove();
      rmSync(folder, { recursive: true });
    }
  });

  it('ends with exit code 1 and only the name of a variable that is not valid on stderr', async () => {
    const exit = await runServer({ env: { DATABASE_URL: 'mysql://root:sesame-4711@db/x' } });
    expect(exit).toMatchObject({ code: 1, signal: null, stdout: '' });
    expect(exit.stderr).toMatch(/^The environment is not usable:\n {2}- DATABASE_URL .+\n$/);
    expect(exit.stderr).not.toContain('sesame');
  });

  it.each([
    ['ADMIN_PASSWORD', { ADMIN_EMAIL: 'ada@example.com', ADMIN_PASSWORD: 'sesame' }],
    ['DATABASE_URL', { DATABASE_URL: 'sqlite:////dev/null/watchlist.db' }],
  ])('is refused over %s also when that shows only later: %j', async (name, env) => {
    const exit = await runServer({ env: env as Record<string, string> });
    expect(exit).toMatchObject({ code: 1, signal: null });
    expect(exit.stderr).toMatch(new RegExp(`^The environment is not usable:\n  - ${name} .+\n$`));
    expect(exit.stdout + exit.stderr).not.toContain('sesame');
  });

  it('ends with exit code 1 when the database cannot be reached, without its password', async () => {
    const exit = await runServer({
      env: { ...ROOMY, DATABASE_URL: `postgresql://ada:sesame-4711@127.0.0.1:${await freePort()}/x` },
    });
    expect(exit).toMatchObject({ code: 1, signal: null });
    expect(exit.stderr).toContain('ECONNREFUSED');
    expect(exit.stdout + exit.stderr).not.toContain('sesame');
  });

  it('ends with exit code 1 when the port is taken', async () => {
    const first = await serve();
    const other = await createStorage();
    try {
      const exit = await runServer({ env: { ...ROOMY, ...other.env, PORT: new URL(first.url).port } });
      expect(exit).toMatchObject({ code: 1, signal: null });
      expect(exit.stderr).toMatch(/^The environment is not usable:\n {2}- PORT .*EADDRINUSE\n$/);
    } finally {
      await other.remove();
    }
  });

  it('logs the addresses that it listens on when PORT=0 and HOST stands for several', async () => {
    const server = await serve({ HOST: 'localhost', PORT: '0' });
    const msg = String(server.logs().find((line) => String(line['msg']).startsWith('listening on'))!['msg']);
    const urls = msg.match(/http:\/\/\S+:[1-9]\d*/g)!;
    expect(urls.length).toBeGreaterThan(0);
    for (const url of urls) expect((await ask(url, '/health')).status).toBe(200);
  });

  it('says last where people find the dashboard', async () => {
    const server = await serve({ PORT: '0' });
    const last = () => String(server.logs().at(-1)!['msg']);
    await eventually(() => expect(last()).toMatch(/^Watchlist is running: /));
    const [, url] = /^Watchlist is running: (http:\/\/\S+\/dashboard) \(API: \/docs\)$/.exec(last())!;
    expect((await ask(new URL(url!).origin, '/health')).status).toBe(200);
  });

  it.each(['u:sesame%@127.0.0.1/x', 'u:sesame@127.0.0.1/x?sslrootcert=/sesame', 'u:sesame@127.0.0.1:0/x'])(
    'ends with one line that names DATABASE_URL for postgresql://%s',
    async (rest) => {
      const exit = await runServer({ env: { ...ROOMY, DATABASE_URL: `postgresql://${rest}` } });
      expect(exit).toMatchObject({ code: 1, signal: null, stdout: '' });
      expect(exit.stderr).toMatch(/^The environment is not usable:\n {2}- DATABASE_URL .+\n$/);
      expect(exit.stderr).not.toContain('sesame');
    },
  );

  it('ends with exit code 1 when nobody knows its host', async () => {
    const { env, remove } = await createStorage();
    try {
      const exit = await runServer({ env: { ...ROOMY, ...env, HOST: 'sesame.invalid' } });
      expect(exit).toMatchObject({ code: 1, signal: null });
      expect(exit.stderr).toMatch(
        /^The environment is not usable:\n {2}- PORT \(or HOST\) .* (ENOTFOUND|EAI_AGAIN)\n$/,
      );
    } finally {
      await remove();
    }
  });
});

describe('npm start', () => {
  it.each([
    ['SIGTERM to npm alone', 'SIGTERM', false],
    ['Ctrl+C, which reaches the whole process group', 'SIGINT', true],
  ] as const)('ends the server on %s', async (_what, signal, isForGroup) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    // Without `prestart`, which builds what beforeAll has built.
    const npm = spawn('npm', ['start', '--ignore-scripts'], {
      cwd: join(__dirname, '..'),
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        ...ROOMY,
        ...storage.env,
        PORT: `${port}`,
      },
      stdio: 'ignore',
      detached: true,
    });
    const exited = once(npm, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    try {
      await eventually(async () => expect((await ask(url, '/health')).status).toBe(200));
      process.kill(isForGroup ? -npm.pid! : npm.pid!, signal);
      expect(await exited).toEqual([0, null]);
      await expect(ask(url, '/health')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    } finally {
      try {
        process.kill(-npm.pid!, 'SIGKILL');
      } catch {
        // The whole group has ended.
      }
    }
  });
});

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (name) => {
  it('lets requests in flight finish, refuses new ones, closes idle connections and ends with exit code 0', async () => {
    const upstream = await slowUpstream();
    try {
      const server = await serve({ GITHUB_API_URL: upstream.url });
      await expectGracefulEnd(server.url, upstream, () => server.signal(name));
      const exit = await server.exited;
      expect(exit).toMatchObject({ code: 0, signal: null, stderr: '' });
      expect(parseLog(exit.stdout).filter(({ level }) => level !== 'info')).toEqual([
        expect.objectContaining({ level: 'warn', code: 'SHUTTING_DOWN' }),
      ]);
    } finally {
      upstream.close();
    }
  });
});

describe('shutting down', () => {
  it('does the same inside a process', async () => {
    const upstream = await slowUpstream();
    const server = await createTestApp({ env: { GITHUB_API_URL: upstream.url } });
    try {
      let closed!: Promise<void>;
      await expectGracefulEnd(server.url, upstream, () => (closed = server.close()));
      await closed;
    } finally {
      upstream.close();
    }
  });

  it('does not wait for ever for a request that never arrives in full', async () => {
    const server = await serve();
    const stalled = await openConnection(
      server.url,
      'POST /v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
    // Answered after the stalled one arrived: the server reads its connections in turn.
    expect((await ask(server.url, '/health')).status).toBe(200);
    server.signal('SIGTERM');
    expect(await server.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
    await stalled.closed;
  });
});

describe('the log', () => {
  it('is one JSON object a line, each with time and level, and with the id of its request', async () => {
    const server = await serve();
    const { hostname, port } = new URL(server.url);
    const answer = await fetch(`http://${hostname}:${port}/v1/nowhere/ada@example.com?q=ada@example.com`, {
      headers: { 'x-request-id': 'my-request-1' },
    });
    expect(answer.headers.get('x-request-id')).toBe('my-request-1');
    server.signal('SIGTERM');
    const { stdout } = await server.exited;
    expect(stdout.endsWith('\n')).toBe(true);
    const lines = parseLog(stdout);
    for (const line of lines) {
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(info|warn|error)$/),
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        msg: expect.stringMatching(/./),
      });
    }
    expect(lines.filter(({ request_id }) => request_id === 'my-request-1')).toEqual([
      expect.objectContaining({ msg: 'request', method: 'GET', route: null, status: 404 }),
    ]);
  });

  it('has no password, token, key or e-mail address in it, whatever goes wrong', async () => {
    const secrets = {
      JWT_SECRET: SECRET,
      PASSWORD_PEPPER: 'pepper-0815-pepper-0815',
      ADMIN_EMAIL: 'augusta@example.com',
      ADMIN_PASSWORD: 'first-admin-4711',
      AUDIT_WEBHOOK_SECRET: 'webhook-secret-1234',
    };
    const server = await serve({
      ...secrets,
      LOG_LEVEL: 'trace',
      AUDIT_WEBHOOK_URL: `http://hook-user:hook-pass-99@127.0.0.1:${await freePort()}/`,
      RATE_LIMIT_LOGIN: '0',
      RATE_LIMIT_REGISTER: '0',
    });
    const { email, token } = await signUp(server.url);
    const credentials = { email, password: PASSWORD };
    const expected: [number, Promise<Answer>][] = [
      [409, ask(server.url, '/v1/auth/register', { body: credentials })],
      [401, ask(server.url, '/v1/auth/login', { body: { email, password: `${PASSWORD}!` } })],
      [422, ask(server.url, '/v1/auth/login', { body: { email, password: PASSWORD, [PASSWORD]: email } })],
      [403, ask(server.url, `/v1/admin/users?q=${email}`, { token })],
      [422, ask(server.url, `/v1/watchlists?token=${token}`, { token })],
      [401, ask(server.url, `/v1/auth/me?password=${encodeURIComponent(PASSWORD)}`, { token: `${token}x` })],
      [404, ask(server.url, `/v1/users/${email}/${token}`)],
      [
        201,
        ask(server.url, '/v1/watchlists/items', {
          token,
          body: { title: 'A title of my own', type: 'movie' },
        }),
      ],
      [502, ask(server.url, '/v1/external/github', { token })],
    ];
    for (const [status, answer] of expected) expect((await answer).status).toBe(status);
    await eventually(() =>
      expect(server.logs().map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/not delivered/)),
    );
    server.signal('SIGTERM');
    const { code, stdout, stderr } = await server.exited;
    expect(code).toBe(0);
    expect(parseLog(stdout).length).toBeGreaterThan(20);

    const databasePassword = new URL(storage.env['DATABASE_URL']!).password;
    const forbidden = [
      ...Object.values(secrets),
      'hook-pass-99',
      ...(databasePassword && [`:${databasePassword}@`]),
      email,
      '@example.com',
      PASSWORD,
      token,
      token.split('.')[1]!,
      'Bearer',
      '$2b$',
      'A title of my own',
    ];
    const lines = `${stdout}${stderr}`.split('\n');
    expect(lines.filter((line) => forbidden.some((secret) => line.includes(secret)))).toEqual([]);
  });
});

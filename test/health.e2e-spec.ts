import { copyFile, rename, stat } from 'node:fs/promises';
import type { Response } from 'supertest';
import { asUser, PASSWORD, randomEmail } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectCommonHeaders } from './support/expected.js';
import { PostgresDriver } from '../src/database/drivers/postgres/postgres.driver.js';
import { SqliteDriver } from '../src/database/drivers/sqlite/sqlite.driver.js';
import { HealthService } from '../src/health/health.service.js';
import { gate } from './support/gate.js';
import { RedisServer } from './support/redis-server.js';
import { createPostgres, createSqlite, stack, type Storage } from './support/stack.js';
import { TcpProxy } from './support/tcp-proxy.js';

const DETAILED = '/v1/health/detailed';

type State = 'ok' | 'down' | 'disabled';

/** The contract's table: what the whole is, by its parts. */
function expectDetails(response: Response, database: State, redis: State): void {
  const status = database === 'down' ? 'down' : redis === 'down' ? 'degraded' : 'ok';
  expect({ status: response.status, body: response.body as object }).toEqual({
    status: database === 'down' ? 503 : 200,
    body: { status, dependencies: { database, redis } },
  });
  expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(response.headers['cache-control']).toBe('no-store');
  expectCommonHeaders(response);
}

/** Redis has no say in it. */
function expectReadiness(response: Response, database: 'ok' | 'down'): void {
  expect({ status: response.status, body: response.body as object }).toEqual(
    database === 'ok'
      ? { status: 200, body: { status: 'ready' } }
      : { status: 503, body: { status: 'not_ready', reason: 'database_down' } },
  );
  expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(response.headers['cache-control']).toBe('no-store');
  expectCommonHeaders(response);
}

const readinessOf = (server: TestApp) => server.request().get('/health/ready');
const detailsOf = (server: TestApp) => server.request().get(DETAILED);

async function expectAlive(server: TestApp): Promise<void> {
  for (const path of ['/health', '/health/live']) {
    const response = await server.request().get(path);
    expect({ path, status: response.status, body: response.body as object }).toEqual({
      path,
      status: 200,
      body: { status: 'ok' },
    });
  }
  expect((await server.request().get('/health/live')).headers['cache-control']).toBe('no-store');
}

describe('Health', () => {
  let server: TestApp;
  beforeAll(async () => {
    const env = { RATE_LIMIT_DEFAULT: '1/3600', RATE_LIMIT_ADDRESS: '100/3600' };
    server = await createTestApp({ env });
  });
  afterAll(() => server.close());

  const redis = stack() === 'postgres+redis' ? 'ok' : 'disabled';

  it('is ok when all that was configured is there', async () => {
    await expectAlive(server);
    expectDetails(await detailsOf(server), 'ok', redis);
    expectReadiness(await readinessOf(server), 'ok');
  });

  it('is for anybody, whatever token they bring', async () => {
    for (const authorization of ['Bearer x.y.z', 'Basic dXNlcjpwYXNz', '']) {
      for (const path of ['/health', '/health/live', '/health/ready'])
        await server.request().get(path).set({ authorization }).expect(200);
      await server.request().get(DETAILED).set({ authorization }).expect(200);
    }
  });

  it('does not look at what a probe adds to the address', async () => {
    for (const query of ['verbose', 'a=b&a=c', '__proto__=1', 'status=down', 'x='.padEnd(2000, 'x')]) {
      const { body } = await server.request().get(`/health?${query}`).expect(200);
      expect(body).toEqual({ status: 'ok' });
      await server.request().get(`/health/live?${query}`).expect(200);
      expectReadiness(await server.request().get(`/health/ready?${query}`), 'ok');
      expectDetails(await server.request().get(`${DETAILED}?${query}`), 'ok', redis);
    }
  });

  it('is counted under no policy of a route', async () => {
    for (let call = 0; call < 20; call++) {
      const response = await detailsOf(server).expect(200);
      expect(response.headers['ratelimit-policy']).toMatch(/^"address";/);
    }
    const ada = await asUser(server);
    // The only one that the policy allows.
    await ada.get('/v1/auth/me').expect(200);
  });

  it('of the process is counted under none at all', async () => {
    for (const path of ['/health', '/health/live', '/health/ready'])
      for (let call = 0; call < 120; call++) await server.request().get(path).expect(200);
    const { headers } = await server.request().get('/v1/nothing').expect(404);
    expect(Number(headers['x-ratelimit-remaining'])).toBeGreaterThan(0);
  });

  it('says that it is for tests, on this route only', async () => {
    expect((await detailsOf(server)).headers['x-environment']).toBe('test');
    for (const path of ['/health', '/health/live', '/health/ready', '/v1/nothing'])
      expect((await server.request().get(path)).headers).not.toHaveProperty('x-environment');
  });

  it('says when it is for developing, and in production nothing', async () => {
    const environments = { '': 'development', development: 'development', production: undefined };
    for (const [NODE_ENV, told] of Object.entries(environments)) {
      const other = await createTestApp({ env: { NODE_ENV } });
      try {
        const response = await detailsOf(other);
        expectDetails(response, 'ok', redis);
        expect(response.headers['x-environment']).toBe(told);
      } finally {
        await other.close();
      }
    }
  });

  it('asks the database once for all who want to know at the same time, and anew for who comes later', async () => {
    const health = server.app.get(HealthService, { strict: false });
    const ping = jest.spyOn((stack() === 'sqlite+memory' ? SqliteDriver : PostgresDriver).prototype, 'ping');
    const answers = await Promise.all(Array.from({ length: 40 }, () => health.notReadyReason()));
    expect(new Set(answers)).toEqual(new Set([undefined]));
    expect(ping).toHaveBeenCalledTimes(1);
    expect(await health.notReadyReason()).toBeUndefined();
    expect(ping).toHaveBeenCalledTimes(2);
    ping.mockRestore();
  });
});

if (stack() === 'sqlite+memory') {
  describe('Health on SQLite', () => {
    let storage: Storage;
    let file: string;
    let server: TestApp;
    beforeAll(async () => {
      storage = await createSqlite();
      file = storage.env['DATABASE_URL']!.slice('sqlite:///'.length);
      server = await createTestApp({ storage });
    });
    afterAll(async () => {
      await server.close();
      await storage.remove();
    });

    const register = () =>
      server.request().post('/v1/auth/register').send({ email: randomEmail(), password: PASSWORD });

    it('has a file that nobody else on the machine can read', async () => {
      await register();
      const modes = ['', '-wal', '-shm'].map(async (end) => (await stat(file + end)).mode & 0o777);
      expect(await Promise.all(modes)).toEqual([0o600, 0o600, 0o600]);
    });

    it.each<[string, () => Promise<void>]>([
      ['removed', async () => undefined],
      ['replaced by a copy', () => copyFile(`${file}.away`, file)],
    ])('is down while the file is %s, and ok when it is back', async (_what, replace) => {
      await rename(file, `${file}.away`);
      await replace();
      expectDetails(await detailsOf(server), 'down', 'disabled');
      expect((await detailsOf(server)).headers['x-environment']).toBe('test');
      expectReadiness(await readinessOf(server), 'down');
      await expectAlive(server);
      // Acknowledged, it would be in a file that the next start does not find.
      const refused = await register();
      expect(refused.status).toBe(503);
      expect(refused.body.code).toBe('DEPENDENCY_DOWN');
      await rename(`${file}.away`, file);
      expectDetails(await detailsOf(server), 'ok', 'disabled');
      expect((await register()).status).toBe(201);
      expectReadiness(await readinessOf(server), 'ok');
    });

    it('is down while a write does not end, as on a disk that hangs, although many others wait for it', async () => {
      const hung = gate();
      const writes = [server.unitOfWork.write(() => hung.opened)];
      for (let count = 0; count < 256; count++) writes.push(server.unitOfWork.write(async () => undefined));
      const ends = Promise.allSettled(writes);
      await eventually(async () => expectReadiness(await readinessOf(server), 'down'));
      expect(server.unitOfWork.waiting).toBe(256);
      expectDetails(await detailsOf(server), 'down', 'disabled');
      await expectAlive(server);
      hung.open();
      await ends;
      await eventually(async () => expectReadiness(await readinessOf(server), 'ok'));
    });
  });
} else {
  describe('Health on PostgreSQL and Redis', () => {
    let postgres: Storage;
    let proxy: TcpProxy;
    let redis: RedisServer;
    let server: TestApp;
    let withoutRedis: TestApp;
    beforeAll(async () => {
      postgres = await createPostgres();
      proxy = await TcpProxy.to(postgres.env['DATABASE_URL']!);
      redis = await RedisServer.create();
      const env = { DATABASE_URL: proxy.url };
      server = await createTestApp({
        storage: postgres,
        env: { ...env, REDIS_URL: redis.url, REDIS_COMMAND_TIMEOUT_MS: '500' },
      });
      withoutRedis = await createTestApp({ storage: postgres, env: { ...env, REDIS_URL: '' } });
    });
    afterAll(async () => {
      await proxy.restore();
      await server.close();
      await withoutRedis.close();
      await proxy.cut();
      await redis.remove();
      await postgres.remove();
    });

    interface Mishap {
      readonly name: string;
      readonly state: 'ok' | 'down';
      happen(): void | Promise<void>;
      end(): void | Promise<void>;
    }
    const nothing = { name: 'is there', state: 'ok' as const, happen: () => undefined, end: () => undefined };
    const postgresIs: Record<'gone' | 'hung', Mishap> = {
      gone: { name: 'is gone', state: 'down', happen: () => proxy.cut(), end: () => proxy.restore() },
      hung: { name: 'hangs', state: 'down', happen: () => proxy.hang(), end: () => proxy.restore() },
    };
    const redisIs: Record<'killed' | 'hung', Mishap> = {
      killed: { name: 'is killed', state: 'down', happen: () => redis.kill(), end: () => redis.start() },
      hung: { name: 'hangs', state: 'down', happen: () => redis.freeze(), end: () => redis.resume() },
    };

    it.each([
      { postgresMishap: nothing, redisMishap: nothing },
      { postgresMishap: nothing, redisMishap: redisIs.killed },
      { postgresMishap: nothing, redisMishap: redisIs.hung },
      { postgresMishap: postgresIs.gone, redisMishap: nothing },
      { postgresMishap: postgresIs.hung, redisMishap: redisIs.hung },
    ])(
      'says so when PostgreSQL $postgresMishap.name and Redis $redisMishap.name, and is ok when both are back',
      async ({ postgresMishap, redisMishap }) => {
        await postgresMishap.happen();
        await redisMishap.happen();
        // At once: a probe must not live on what it knew before.
        expectDetails(await detailsOf(server), postgresMishap.state, redisMishap.state);
        expectDetails(await detailsOf(withoutRedis), postgresMishap.state, 'disabled');
        expectReadiness(await readinessOf(server), postgresMishap.state);
        expectReadiness(await readinessOf(withoutRedis), postgresMishap.state);
        await expectAlive(server);
        await expectAlive(withoutRedis);

        await redisMishap.end();
        await postgresMishap.end();
        await eventually(async () => expectDetails(await detailsOf(server), 'ok', 'ok'));
        await eventually(async () => expectDetails(await detailsOf(withoutRedis), 'ok', 'disabled'));
        await eventually(async () => expectReadiness(await readinessOf(server), 'ok'));
      },
    );

    it('stays ok when connections break that can be made again', async () => {
      proxy.breakConnections();
      await eventually(async () => expectDetails(await detailsOf(server), 'ok', 'ok'));
    });

    it('answers more probes than there are connections while both hang', async () => {
      proxy.hang();
      redis.freeze();
      const answers = await Promise.all(Array.from({ length: 40 }, () => detailsOf(server)));
      for (const answer of answers) expectDetails(answer, 'down', 'down');
      const readiness = await Promise.all(Array.from({ length: 40 }, () => readinessOf(server)));
      for (const answer of readiness) expectReadiness(answer, 'down');
      await expectAlive(server);
      redis.resume();
      await proxy.restore();
      await eventually(async () => expectDetails(await detailsOf(server), 'ok', 'ok'));
      // And the server serves again, not only its health.
      await eventually(async () => {
        await asUser(server);
      });
    });

    it('is told by a server that started without its Redis', async () => {
      await redis.kill();
      const late = await createTestApp({ storage: postgres, env: { REDIS_URL: redis.url } });
      try {
        expectDetails(await detailsOf(late), 'ok', 'down');
        expectReadiness(await readinessOf(late), 'ok');
        await redis.start();
        await eventually(async () => expectDetails(await detailsOf(late), 'ok', 'ok'));
      } finally {
        await late.close();
      }
    });
  });
}

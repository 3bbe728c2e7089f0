import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { actingOn, asUser } from '../support/actors.js';
import { createTestApp, type TestApp } from '../support/create-test-app.js';
import { eventually } from '../support/eventually.js';
import { expectExactly, inParallel, limitOf, passed, remainingOf } from '../support/rate-limits.js';
import { RedisServer } from '../support/redis-server.js';
import { createPostgres, emptyRedis, type Storage } from '../support/stack.js';

const LOGIN = '/v1/auth/login';
const LIMIT = 25;
const CALLS = 200;
/** Seconds; longer than any test. */
const WINDOW = 3600;

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
if (!hasRedis) console.warn('*** NO REDIS: limits while Redis comes and goes are SKIPPED ***');

(hasRedis ? describe : describe.skip)('Two servers on one Redis', () => {
  let storage: Storage;
  let servers: [TestApp, TestApp];
  beforeAll(async () => {
    storage = await createPostgres();
    const env = {
      REDIS_URL: await emptyRedis(),
      RATE_LIMIT_LOGIN: `${LIMIT}/${WINDOW}`,
      RATE_LIMIT_ADDRESS: `100000/${WINDOW}`,
    };
    servers = [await createTestApp({ storage, env }), await createTestApp({ storage, env })];
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    await storage.remove();
  });

  it('let as many calls of an address pass as one would', async () => {
    const answers = await inParallel(CALLS, (index) => servers[index % 2]!.request().post(LOGIN).send({}));
    expect(passed(answers)).toHaveLength(LIMIT);
    expectExactly(LIMIT, answers);
  });

  it('count an address, whatever it asks for, each on its own', async () => {
    const [first, second] = servers;
    const before = remainingOf(await second.request().get('/health'));
    await inParallel(10, () => first.request().get('/v1/nothing'));
    expect(remainingOf(await second.request().get('/health'))).toBe(before);
  });
});

(hasRedis ? describe : describe.skip)('Two servers with their own databases on one Redis', () => {
  const QUOTA = 5;
  let redisUrl: string;
  const storages: Storage[] = [];
  const servers: TestApp[] = [];
  beforeAll(async () => {
    redisUrl = await emptyRedis();
    for (let n = 0; n < 2; n++) {
      const storage = await createPostgres();
      storages.push(storage);
      const env = {
        REDIS_URL: redisUrl,
        RATE_LIMIT_LOGIN: `${QUOTA}/${WINDOW}`,
        RATE_LIMIT_DEFAULT: `${QUOTA}/${WINDOW}`,
        LOGIN_LOCKOUT: `2/${WINDOW}`,
      };
      servers.push(await createTestApp({ storage, env }));
    }
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    for (const storage of storages) await storage.remove();
  });

  it('do not use up the limits of the other, neither of a user nor of an address', async () => {
    for (const server of servers) {
      // The first user of each has the same id.
      const ada = await asUser(server);
      const asked = await inParallel(2 * QUOTA, () => ada.get('/v1/auth/me'));
      expect(passed(asked)).toHaveLength(QUOTA);
      const tried = await inParallel(2 * QUOTA, () => server.request().post(LOGIN).send({}));
      // One login was used to sign in.
      expect(passed(tried)).toHaveLength(QUOTA - 1);
    }
  });

  it('begin every key with the epoch of the database', async () => {
    for (const server of servers) await server.request().post(LOGIN).send({});
    const client = new Redis(redisUrl);
    const keys = await client.keys('*');
    client.disconnect();
    const epochs = servers.map(({ unitOfWork }) => unitOfWork.epoch);
    for (const epoch of epochs)
      expect(keys.filter((key) => key.startsWith(`${epoch}:`)).length).toBeGreaterThan(0);
    expect(keys.filter((key) => !epochs.some((epoch) => key.startsWith(`${epoch}:`)))).toEqual([]);
  });
});

(hasRedis ? describe : describe.skip)('A Redis', () => {
  const QUOTA = 20;
  const USED = 12;
  const env = {
    RATE_LIMIT_DEFAULT: `${QUOTA}/${WINDOW}`,
    RATE_LIMIT_LIST: `${QUOTA}/${WINDOW}`,
    REDIS_COMMAND_TIMEOUT_MS: '500',
  };
  let redis: RedisServer;
  let storage: Storage;
  let server: TestApp;
  beforeEach(async () => {
    redis = await RedisServer.create();
    storage = await createPostgres();
    server = await createTestApp({ storage, env: { ...env, REDIS_URL: redis.url } });
  });
  afterEach(async () => {
    await server.close();
    await storage.remove();
    await redis.remove();
  });

  const untilRedisIs = (state: 'ok' | 'down') =>
    eventually(async () => {
      const { body } = await server.request().get('/v1/health/detailed');
      expect(body).toMatchObject({ dependencies: { redis: state } });
    });

  it.each<[string, () => void | Promise<unknown>]>([
    ['is killed', () => redis.kill()],
    ['hangs', () => redis.freeze()],
    ['is flushed', () => flush(redis)],
  ])('that %s hands out no fresh quota and costs no call its answer', async (_what, harm) => {
    const ada = await asUser(server);
    expect(passed(await inParallel(USED, () => ada.get('/v1/auth/me')))).toHaveLength(USED);
    await harm();
    const answers = await inParallel(40, () => ada.get('/v1/auth/me'));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(QUOTA - USED);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(40 - (QUOTA - USED));
    for (const answer of answers) expect(limitOf(answer)).toMatchObject({ policy: 'default', limit: QUOTA });
    await ada.get('/v1/auth/me').expect(429);
  });

  it.each<[string, () => Promise<void>, () => void | Promise<void>]>([
    ['was killed', () => redis.kill(), () => redis.start()],
    ['hung', async () => redis.freeze(), () => redis.resume()],
  ])('that %s hands out no fresh quota when it is back, and counts again', async (_what, harm, heal) => {
    const ada = await asUser(server);
    await harm();
    await untilRedisIs('down');
    expectExactly(QUOTA, await inParallel(40, () => ada.get('/v1/auth/me')));
    await heal();
    await untilRedisIs('ok');
    // Longer than it is left alone after a failure.
    await sleep(1100);
    for (const answer of await inParallel(40, () => ada.get('/v1/auth/me'))) expect(answer.status).toBe(429);

    const second = await createTestApp({ storage, env: { ...env, REDIS_URL: redis.url } });
    try {
      const ben = await asUser(server);
      const onEach = [ben, actingOn(second, ben)];
      const answers = await inParallel(CALLS, (index) => onEach[index % 2]!.get('/v1/watchlists'));
      expectExactly(QUOTA, answers);
    } finally {
      await second.close();
    }
  });

  it('that goes away leaves each of two servers with what it has let through itself', async () => {
    const second = await createTestApp({ storage, env: { ...env, REDIS_URL: redis.url } });
    try {
      const ada = await asUser(server);
      const onEach = [ada, actingOn(second, ada)];
      expect(passed(await inParallel(16, (index) => onEach[index % 2]!.get('/v1/auth/me')))).toHaveLength(16);
      await redis.kill();
      for (const actor of onEach) {
        const answers = await inParallel(40, () => actor.get('/v1/auth/me'));
        expect(answers.filter(({ status }) => status === 200)).toHaveLength(QUOTA - 8);
        expect(passed(answers)).toHaveLength(QUOTA - 8);
      }
    } finally {
      await second.close();
    }
  });

  it('that is not there at boot leaves the limits as they are', async () => {
    await redis.kill();
    const alone = await createTestApp({ env: { ...env, REDIS_URL: redis.url } });
    try {
      const ada = await asUser(alone);
      const answers = await inParallel(CALLS, () => ada.get('/v1/auth/me'));
      expect(passed(answers)).toHaveLength(QUOTA);
      expectExactly(QUOTA, answers);
    } finally {
      await alone.close();
    }
  });
});

async function flush(redis: RedisServer): Promise<void> {
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
}

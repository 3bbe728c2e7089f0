import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { call, signUp } from '../support/server-client.js';
import { build } from '../support/server-process.js';
import { TwoServers } from '../support/two-servers.js';

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
const FREE = 8;
const BURST = 12;

jest.setTimeout(120_000);
beforeAll(build, 120_000);

(hasRedis ? describe : describe.skip)('Wrong passwords, with two processes', () => {
  let redis: RedisServer;
  let servers: TwoServers;
  let email: string;
  beforeEach(async () => {
    redis = await RedisServer.create();
    servers = await TwoServers.start({
      redisUrl: redis.url,
      env: { RATE_LIMIT_ACCOUNT: `${FREE}/900`, REDIS_COMMAND_TIMEOUT_MS: '200' },
    });
    ({ email } = await signUp(servers.urls[0]));
  });
  afterEach(async () => {
    await servers.remove();
    await redis.remove();
  });

  /** How many of these, sent together, were looked at; all others were sent away. */
  async function lookedAt(
    urls: readonly string[],
  ): Promise<{ count: number; most: (free: number) => number }> {
    const began = performance.now();
    const body = { email, password: 'not the password of anybody' };
    const answers = await Promise.all(
      Array.from({ length: BURST }, (_, n) => call(urls[n % urls.length]!, { path: '/v1/auth/login', body })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 401 && status !== 429)).toEqual([]);
    const seconds = (performance.now() - began) / 1000;
    return {
      count: statuses.filter((status) => status === 401).length,
      // Those whose wait of 1, 2, 4, … s was over meanwhile.
      most: (free) => free + Math.floor(Math.log2(seconds + 1)),
    };
  }

  const untilRedisIs = (state: 'ok' | 'down') =>
    eventually(async () => {
      for (const url of servers.urls) {
        const { body } = await call(url, { path: '/v1/health/detailed' });
        expect(body.dependencies.redis).toBe(state);
      }
    });

  it.each<[string, () => unknown, 'ok' | 'down', () => unknown]>([
    ['hangs', () => redis.freeze(), 'down', () => redis.resume()],
    ['is killed', () => redis.kill(), 'down', () => redis.start()],
    ['is emptied', flush, 'ok', () => undefined],
  ])('are one count, which is not lost when Redis %s', async (_what, begin, state, end) => {
    const together = await lookedAt(servers.urls);
    expect(together.count).toBeGreaterThanOrEqual(FREE);
    expect(together.count).toBeLessThanOrEqual(together.most(FREE));

    // Each has been told of all of them by now.
    const more = await lookedAt(servers.urls);
    expect(more.count).toBeLessThanOrEqual(more.most(1));

    await begin();
    await untilRedisIs(state);
    // One whose wait is over by now, and not as many as were free at first.
    for (const url of servers.urls) {
      const alone = await lookedAt([url]);
      expect(alone.count).toBeLessThanOrEqual(alone.most(1));
    }

    await end();
    await untilRedisIs('ok');
    const again = await lookedAt(servers.urls);
    // While a breaker is still open a process may let one pass that the other does not know of.
    expect(again.count).toBeLessThanOrEqual(again.most(2));
  });

  async function flush(): Promise<void> {
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
  }
});

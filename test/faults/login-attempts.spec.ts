import { PASSWORD } from '../support/actors.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { call, signUp } from '../support/server-client.js';
import { build } from '../support/server-process.js';
import { TwoServers } from '../support/two-servers.js';

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
const FREE = 5;
const BURST = 12;

jest.setTimeout(120_000);
beforeAll(build, 120_000);

(hasRedis ? describe : describe.skip)('Wrong passwords, with two processes', () => {
  let redis: RedisServer;
  let servers: TwoServers;
  let email: string;
  beforeAll(async () => {
    redis = await RedisServer.create();
    servers = await TwoServers.start({
      redisUrl: redis.url,
      env: { LOGIN_LOCKOUT: `${FREE}/900`, REDIS_COMMAND_TIMEOUT_MS: '1000' },
    });
  });
  beforeEach(async () => {
    ({ email } = await signUp(servers.urls[0]));
  });
  afterAll(async () => {
    await servers.remove();
    await redis.remove();
  });

  const login = (url: string, password: string) =>
    call(url, { path: '/v1/auth/login', body: { email, password } });

  /** Sends wrong passwords at once, and returns how many the servers checked. They refuse all others. */
  async function checkedOf(urls: readonly string[]): Promise<number> {
    const answers = await Promise.all(
      Array.from({ length: BURST }, (_, n) => login(urls[n % urls.length]!, 'not the password of anybody')),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 401 && status !== 429)).toEqual([]);
    return statuses.filter((status) => status === 401).length;
  }

  const untilRedisIsBack = () =>
    eventually(async () => {
      for (const url of servers.urls) {
        const { body } = await call(url, { path: '/v1/health/detailed' });
        expect(body.dependencies.redis).toBe('ok');
      }
    });

  it.each<[string, () => unknown, () => unknown, number]>([
    ['hangs', () => redis.freeze(), () => redis.resume(), 0],
    ['is killed', () => redis.kill(), () => redis.start(), FREE],
  ])(
    'are counted together, and by each process while Redis %s',
    async (_what, begin, end, freeAfterwards) => {
      expect(await checkedOf(servers.urls)).toBe(FREE);
      expect(await checkedOf(servers.urls)).toBe(0);

      await begin();
      for (const url of servers.urls) expect(await checkedOf([url])).toBe(FREE);
      for (const url of servers.urls) expect((await login(url, PASSWORD)).status).toBe(429);

      await end();
      await untilRedisIsBack();
      expect(await checkedOf(servers.urls)).toBe(freeAfterwards);
    },
  );
});

import { setTimeout as sleep } from 'node:timers/promises';
import { fewestBeforeRefusal, mostInAnyWindow, type TimedCall, timeAtPace } from '../support/admissions.js';
import { expectExactly, inParallel } from '../support/rate-limits.js';
import { between, branch, oneOf, seeded } from '../support/seeded.js';
import { call, type Member, signUp } from '../support/server-client.js';
import { build } from '../support/server-process.js';
import { emptyRedis } from '../support/stack.js';
import { TwoServers } from '../support/two-servers.js';

const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';

/** Ours, the servers' and Redis's clocks need not run at quite the same speed. */
const CLOCKS_DIFFER_BY = 0.01;

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
if (!hasRedis) console.warn('*** NO REDIS: whether limits are exact on two servers is SKIPPED ***');

jest.setTimeout(180_000);
beforeAll(build, 120_000);

describe('The measure of these tests', () => {
  const at = (...times: number[]) => times.map((time) => ({ asked: time, answered: time + 10 }));

  it('finds the window that holds too much', () => {
    expect(mostInAnyWindow(at(0, 400, 900, 1100), 1000)).toBe(3);
    expect(mostInAnyWindow(at(0, 400, 985, 995), 1000)).toBe(3);
    expect(mostInAnyWindow([], 1000)).toBe(0);
  });

  it('finds the call that was refused before its window was full', () => {
    expect(fewestBeforeRefusal(at(0, 400, 900), at(950, 1005), 1000)).toBe(3);
    expect(fewestBeforeRefusal(at(0, 400, 900), at(950, 1015), 1000)).toBe(2);
    expect(fewestBeforeRefusal(at(0), [], 1000)).toBe(Infinity);
  });

  it('leaves the pauses of a poller out', () => {
    expect(timeAtPace(at(0, 50, 90, 1090, 1140), 50)).toBe(190);
    expect(timeAtPace(at(0), 50)).toBe(0);
  });
});

/** What became of calls of one user. */
class Calls {
  readonly all: TimedCall[] = [];
  readonly admitted: TimedCall[] = [];
  readonly refused: TimedCall[] = [];

  constructor(
    private readonly user: Member,
    private readonly path: string,
  ) {}

  async ask(url: string): Promise<void> {
    const asked = performance.now();
    const { status } = await call(url, { path: this.path, token: this.user.token });
    const timed = { asked, answered: performance.now() };
    this.all.push(timed);
    if (status === 200) this.admitted.push(timed);
    else if (status === 429) this.refused.push(timed);
    else throw new Error(`answered ${status}`);
  }
}

(hasRedis ? describe : describe.skip)('Two servers on one Redis', () => {
  let servers: TwoServers;
  let ada: Member;
  beforeAll(async () => {
    servers = await TwoServers.start({
      redisUrl: await emptyRedis(),
      env: { RATE_LIMIT_WRITE: '25/3600', RATE_LIMIT_LIST: '20/2', RATE_LIMIT_DEFAULT: '40/2' },
    });
  }, 120_000);
  afterAll(() => servers.remove());
  beforeEach(async () => {
    ada = await signUp(servers.urls[0]);
  });

  it('let exactly 25 of 200 calls at once pass, and say of each another number of calls left', async () => {
    const { token } = ada;
    const body = { title: 'Parasite', type: 'movie' };
    const answers = await inParallel(200, (index) =>
      call(servers.urls[index % 2]!, { path: ITEMS, token, body }),
    );
    expectExactly(25, answers);
    const list = await call(servers.urls[0], { path: LIST, token });
    expect(list.body.total).toBe(25);
  });

  it('let at most the limit pass in any window, and refuse nobody before that, however the calls come', () =>
    seeded(async (random) => {
      const [limit, windowMs] = [20, 2000];
      const load = async (random: () => number) => {
        const calls = new Calls(await signUp(servers.urls[0]), LIST);
        const end = performance.now() + 8000;
        // Bursts and lulls: at a steady rate a limiter with fixed windows would hardly be noticed.
        while (performance.now() < end || calls.refused.length < limit) {
          await inParallel(between(1, 18, random), () => calls.ask(oneOf(servers.urls, random)));
          await sleep(between(0, 900, random));
        }
        return calls;
      };
      const users = await inParallel(4, () => load(branch(random)));
      for (const { admitted, refused } of users) {
        expect(mostInAnyWindow(admitted, windowMs * (1 - CLOCKS_DIFFER_BY))).toBeLessThanOrEqual(limit);
        const fewest = fewestBeforeRefusal(admitted, refused, windowMs * (1 + CLOCKS_DIFFER_BY));
        expect(fewest).toBeGreaterThanOrEqual(limit);
      }
    }));

  it('give a poller at twice the rate its quota', async () => {
    const [limit, windowMs, intervalMs] = [40, 2000, 25];
    const calls = new Calls(ada, '/v1/auth/me');
    // A slot that falls free goes to the next call: within one interval, or two where somebody pauses just then. So
    // whatever pauses there are, each 2050 ms of the time at pace bring 40 admissions.
    const pace = () => timeAtPace(calls.all, intervalMs);
    let next = performance.now();
    while (pace() < 3 * windowMs) {
      await sleep(Math.max(0, next - performance.now()));
      await calls.ask(servers.urls[calls.all.length % 2]!);
      next = Math.max(next + intervalMs, performance.now());
    }
    expect(calls.admitted.length).toBeGreaterThanOrEqual(0.9 * limit * (pace() / windowMs));
  });
});

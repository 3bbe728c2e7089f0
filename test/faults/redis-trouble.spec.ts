import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { build, type ServerProcess, startServer } from '../support/server-process.js';
import { createPostgres, type Storage } from '../support/stack.js';

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';
const QUOTA = 10;
/** Of the quota of somebody who has used a part of it before the trouble begins. */
const USED = 6;
const WRITERS = 4;

interface Trouble {
  readonly name: string;
  /** A Redis that was only emptied is well. */
  readonly health: 'down' | 'ok';
  readonly begin: (redis: RedisServer) => unknown;
  readonly end: (redis: RedisServer) => unknown;
}

const HUNG: Trouble = {
  name: 'hangs',
  health: 'down',
  begin: (redis) => redis.freeze(),
  end: (redis) => redis.resume(),
};
const KILLED: Trouble = {
  name: 'is killed',
  health: 'down',
  begin: (redis) => redis.kill(),
  end: (redis) => redis.start(),
};
const DEMOTED: Trouble = {
  name: 'becomes a replica',
  health: 'down',
  begin: (redis) => withClient(redis, (client) => client.replicaof('127.0.0.1', '1')),
  end: (redis) => withClient(redis, (client) => client.replicaof('NO', 'ONE')),
};
const FULL: Trouble = {
  name: 'has no memory left',
  health: 'down',
  begin: (redis) => withClient(redis, (client) => client.config('SET', 'maxmemory', '1')),
  end: (redis) => withClient(redis, (client) => client.config('SET', 'maxmemory', '0')),
};
const FLUSHED: Trouble = {
  name: 'is flushed',
  health: 'ok',
  begin: (redis) => withClient(redis, (client) => client.flushall()),
  end: () => undefined,
};

jest.setTimeout(120_000);
beforeAll(build, 120_000);

(hasRedis ? describe : describe.skip)('A Redis', () => {
  let storage: Storage;
  let redis: RedisServer;
  let server: ServerProcess;
  beforeEach(async () => {
    storage = await createPostgres();
    redis = await RedisServer.create();
  });
  afterEach(async () => {
    await server.remove();
    await redis.remove();
    await storage.remove();
  });

  async function serve(): Promise<void> {
    server = await startServer({
      env: {
        ...ROOMY,
        ...storage.env,
        REDIS_URL: redis.url,
        // Longer than any of this takes: what has been used stays used.
        RATE_LIMIT_DEFAULT: `${QUOTA}/3600`,
      },
    });
  }

  const untilHealthIs = (status: 'ok' | 'degraded') =>
    eventually(async () => {
      const { status: code, body } = await call(server.url, { path: '/v1/health/detailed' });
      expect({ code, body }).toEqual({
        code: 200,
        body: { status, dependencies: { database: 'ok', redis: status === 'ok' ? 'ok' : 'down' } },
      });
    });

  /** How many of these calls, sent together, pass under the policy with the small quota. */
  async function passing(member: Member, calls: number): Promise<number> {
    const answers = await Promise.all(
      Array.from({ length: calls }, () => call(server.url, { path: '/v1/auth/me', token: member.token })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
    return statuses.filter((status) => status === 200).length;
  }

  const untilCached = (member: Member) =>
    eventually(async () => {
      const { status, headers } = await call(server.url, { path: LIST, token: member.token });
      expect({ status, cache: headers['x-cache'] }).toEqual({ status: 200, cache: 'HIT' });
    });

  it.each([HUNG, KILLED, DEMOTED, FULL, FLUSHED])(
    'that $name and comes back costs no request its answer, no write its effect and no limit its memory',
    async ({ health, begin, end }) => {
      await serve();
      const spent = await signUp(server.url);
      const saving = await signUp(server.url);
      const reader = await signUp(server.url);
      const load = await Load.start(server.url);
      await untilCached(reader);
      expect(await passing(spent, QUOTA + 2)).toBe(QUOTA);
      expect(await passing(saving, USED)).toBe(USED);
      await load.goesOn();

      await begin(redis);
      expect(await passing(spent, 5)).toBe(0);
      expect(await passing(saving, QUOTA)).toBe(QUOTA - USED);
      await untilHealthIs(health === 'ok' ? 'ok' : 'degraded');
      // From memory, even while Redis is down.
      await untilCached(reader);
      await load.goesOn();
      const late = await signUp(server.url);
      expect(await passing(late, QUOTA + 2)).toBe(QUOTA);
      await load.goesOn();

      await end(redis);
      await untilHealthIs('ok');
      await untilCached(reader);
      await load.goesOn();
      for (const member of [spent, saving, late]) expect(await passing(member, 3)).toBe(0);
      expect(await load.stop()).toEqual([]);
    },
  );

  it('that refuses writes is said to, with the reason, once when it begins and once when it ends', async () => {
    await serve();
    await untilHealthIs('ok');
    await DEMOTED.begin(redis);
    const member = await signUp(server.url);
    await passing(member, QUOTA);
    for (let time = 0; time < 3; time++) await untilHealthIs('degraded');
    await DEMOTED.end(redis);
    await untilHealthIs('ok');
    await eventually(() =>
      expect(
        server
          .logs()
          .filter(({ context }) => context === 'Redis')
          .map(({ level, msg }) => `${String(level)}: ${String(msg)}`),
      ).toEqual([
        'info: connected',
        expect.stringMatching(/^warn: refuses commands \(READONLY .*\); continuing without it$/),
        'info: connected',
      ]),
    );
  });

  it('that is not there at boot is gone without and used when it comes', async () => {
    await redis.kill();
    await serve();
    await untilHealthIs('degraded');
    const spent = await signUp(server.url);
    const reader = await signUp(server.url);
    const load = await Load.start(server.url);
    await untilCached(reader);
    expect(await passing(spent, QUOTA + 2)).toBe(QUOTA);
    await load.goesOn();

    await redis.start();
    await untilHealthIs('ok');
    await untilCached(reader);
    await load.goesOn();
    expect(await passing(spent, 3)).toBe(0);
    expect(await load.stop()).toEqual([]);
  });

  it('that comes and goes all the time, in every way, costs nothing either', async () => {
    await serve();
    const spent = await signUp(server.url);
    const reader = await signUp(server.url);
    const load = await Load.start(server.url);
    expect(await passing(spent, QUOTA + 2)).toBe(QUOTA);
    for (const { begin, end } of [KILLED, HUNG, DEMOTED, FLUSHED, FULL, KILLED]) {
      await begin(redis);
      await sleep(300);
      expect(await passing(spent, 1)).toBe(0);
      await end(redis);
      await sleep(300);
      expect(await passing(spent, 1)).toBe(0);
    }
    await untilHealthIs('ok');
    await untilCached(reader);
    await load.goesOn();
    expect(await load.stop()).toEqual([]);
  });
});

/**
 * Each of its users adds items, one after the other, and looks at the list after each; somebody else with the same
 * account looks at it all the time.
 */
class Load {
  private readonly wrong: string[] = [];
  private readonly rounds = Array<number>(WRITERS).fill(0);
  private isOver = false;
  private readonly everybody: Promise<unknown>;

  private constructor(
    private readonly url: string,
    private readonly users: readonly Member[],
  ) {
    this.everybody = Promise.all(users.flatMap((_user, n) => [this.write(n), this.read(n)]));
  }

  static async start(url: string): Promise<Load> {
    const users: Member[] = [];
    for (let n = 0; n < WRITERS; n++) users.push(await signUp(url));
    return new Load(url, users);
  }

  /** Until every writer has begun and finished some more rounds. */
  async goesOn(): Promise<void> {
    const before = [...this.rounds];
    await eventually(() =>
      expect(this.rounds.map((count, n) => count >= before[n]! + 3 || this.wrong.length > 0)).toEqual(
        Array(WRITERS).fill(true),
      ),
    );
  }

  /** What should not have happened: an answer that is not 2xx, none at all, a list older than what was acknowledged. */
  async stop(): Promise<string[]> {
    this.isOver = true;
    await this.everybody;
    return this.wrong;
  }

  private async write(n: number): Promise<void> {
    const { token } = this.users[n]!;
    while (!this.isOver) {
      const title = `item ${this.rounds[n]! + 1}`;
      await this.ask(async () => {
        const body = { title, type: 'movie' };
        const added = await call(this.url, { path: ITEMS, token, body });
        if (added.status !== 201) throw new Error(`write answered ${added.status}`);
        this.rounds[n]!++;
        const list = await call(this.url, { path: LIST, token });
        this.check(list.status, list.body, this.rounds[n]!, title);
      });
    }
  }

  private async read(n: number): Promise<void> {
    const { token } = this.users[n]!;
    while (!this.isOver) {
      const acknowledged = this.rounds[n]!;
      await this.ask(async () => {
        const { status, body } = await call(this.url, { path: LIST, token });
        this.check(status, body, acknowledged);
      });
    }
  }

  private check(status: number, body: any, acknowledged: number, newest?: string): void {
    if (status !== 200) throw new Error(`read answered ${status}`);
    if (body.total < acknowledged) throw new Error(`${body.total} items after ${acknowledged} acknowledged`);
    if (newest !== undefined && body.watchlist[0].title !== newest)
      throw new Error(`${body.watchlist[0].title} first, after ${newest} was acknowledged`);
  }

  private async ask(question: () => Promise<void>): Promise<void> {
    try {
      await question();
    } catch (error) {
      this.wrong.push(String(error));
      // Who is answered wrongly does not hurry.
      await sleep(100);
    }
  }
}

async function withClient(redis: RedisServer, use: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(redis.url);
  await use(client);
  client.disconnect();
}

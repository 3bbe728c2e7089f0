import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { AttemptStorage } from '../../src/common/rate-limit/attempt-storage.js';
import { RedisConnection } from '../../src/common/redis/redis-connection.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { emptyRedis } from '../support/stack.js';

Logger.overrideLogger(false);

/** Waits that no machine pauses long enough for. */
const SLOW = { firstMs: 3_600_000, longestMs: 3_600_000 };
const RULES = { pair: { free: 5, ...SLOW }, account: { free: 20, ...SLOW } };
const IN_MEMORY = 'in memory';
const IN_REDIS = 'in Redis';
const REDIS_AWAY = 'in memory because Redis is away';
const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
if (!hasRedis) console.warn('*** NO REDIS: the contract of AttemptStorage in Redis is SKIPPED ***');

/** A timer counts from when the event loop last looked at the clock: while it is busy, that is some time ago. */
const TIMER_MS = 50;

let account: string;
beforeEach(() => {
  account = randomUUID();
});
const from = (place: string, isKnown = false) => ({ account, place, isKnown });
const passes = async (storage: AttemptStorage, attempt: ReturnType<typeof from>) =>
  (await storage.reserve(attempt, RULES)).allowed;
const passedOf = async (asked: Promise<boolean>[]) => (await Promise.all(asked)).filter(Boolean).length;

describe.each([IN_MEMORY, REDIS_AWAY, ...(hasRedis ? [IN_REDIS] : [])])(
  `${AttemptStorage.name} %s`,
  (kind) => {
    let connection: RedisConnection | null = null;
    let storage: AttemptStorage;

    beforeAll(async () => {
      if (kind === IN_REDIS) connection = new RedisConnection(await emptyRedis(), 5000);
      if (kind === REDIS_AWAY) connection = new RedisConnection('redis://127.0.0.1:1', 200);
      await connection?.settle();
    });
    afterAll(() => connection?.close());
    beforeEach(() => {
      storage = new AttemptStorage(connection);
    });

    const times = (count: number, place: (n: number) => string, isKnown = false) =>
      passedOf(Array.from({ length: count }, (_, n) => passes(storage, from(place(n), isKnown))));
    const here = () => 'here';
    const elsewhere = (n: number) => `elsewhere-${n}`;

    it('lets five of many that come at once from one place pass', async () => {
      expect(await times(50, here)).toBe(5);
    });

    it('lets twenty of many that come at once from everywhere pass', async () => {
      expect(await times(100, elsewhere)).toBe(20);
    });

    it('says how long to wait', async () => {
      await times(5, here);
      const { waitMs } = await storage.reserve(from('here'), RULES);
      expect(waitMs).toBeGreaterThan(0);
      expect(waitMs).toBeLessThanOrEqual(SLOW.firstMs);
    });

    it('has each wait twice as long as the one before, up to the longest; who waits so long passes', async () => {
      const rules = { ...RULES, pair: { free: 5, firstMs: 400, longestMs: 1000 } };
      await times(5, here);
      for (const longest of [400, 800, 1000, 1000]) {
        const { allowed, waitMs } = await storage.reserve(from('here'), rules);
        // A machine that pauses has waited already.
        if (allowed) continue;
        expect(waitMs).toBeLessThanOrEqual(longest);
        await sleep(waitMs + TIMER_MS);
        expect((await storage.reserve(from('here'), rules)).allowed).toBe(true);
      }
    });

    it('lets pass, however many try elsewhere, who has waited as long as one place may have to', async () => {
      const rules = { pair: { free: 5, firstMs: 300, longestMs: 300 }, account: RULES.account };
      await times(100, elsewhere);
      const { waitMs, ...refusal } = await storage.reserve(from('here'), rules);
      expect(refusal).toEqual({ allowed: false, onlyByAccount: true, isFirstRefusal: false });
      expect(waitMs).toBeGreaterThan(300);
      const again = await storage.reserve(from('here'), rules);
      if (!again.allowed) {
        expect(again.waitMs).toBeLessThanOrEqual(300);
        await sleep(again.waitMs + TIMER_MS);
        expect((await storage.reserve(from('here'), rules)).allowed).toBe(true);
      }
      // Once: then it waits anew.
      expect((await storage.reserve(from('here'), rules)).allowed).toBe(false);
    });

    it('lets the owner pass where they are known, and tells when that would help', async () => {
      await times(100, elsewhere);
      expect(await storage.reserve(from('home'), RULES)).toMatchObject({
        allowed: false,
        onlyByAccount: true,
      });
      expect(await times(10, () => 'home', true)).toBe(5);
      expect(await storage.reserve(from('home', true), RULES)).toMatchObject({
        allowed: false,
        onlyByAccount: false,
      });
    });

    it('forgets both counts after one that was right, and leaves the other places alone', async () => {
      await times(5, () => 'there');
      await times(100, elsewhere);
      await storage.clear(from('here'));
      expect(await passes(storage, from('there'))).toBe(false);
      expect(await times(10, here)).toBe(5);
    });

    it('does not count one that was given back', async () => {
      for (let n = 0; n < 20; n++) {
        expect(await passes(storage, from('here'))).toBe(true);
        await storage.giveBack(from('here'));
      }
      expect(await times(10, here)).toBe(5);
    });

    it('tells of one refusal that it is the first', async () => {
      const verdicts = await Promise.all(
        Array.from({ length: 20 }, () => storage.reserve(from('here'), RULES)),
      );
      expect(verdicts.filter(({ isFirstRefusal }) => isFirstRefusal)).toHaveLength(1);
    });
  },
);

(hasRedis ? describe : describe.skip)(`${AttemptStorage.name} of several processes`, () => {
  let redis: RedisServer;
  let connections: RedisConnection[];
  let here: AttemptStorage;
  let there: AttemptStorage;
  beforeAll(async () => {
    redis = await RedisServer.create();
  });
  afterAll(() => redis.remove());
  beforeEach(async () => {
    connections = [new RedisConnection(redis.url, 5000), new RedisConnection(redis.url, 5000)];
    for (const connection of connections) await connection.settle();
    [here, there] = connections.map((connection) => new AttemptStorage(connection)) as [
      AttemptStorage,
      AttemptStorage,
    ];
  });
  afterEach(() => {
    for (const connection of connections) connection.close();
  });

  const fail = async (storage: AttemptStorage, count: number) => {
    for (let n = 0; n < count; n++) expect(await passes(storage, from('home'))).toBe(true);
  };
  const asked = async <T>(ask: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis(redis.url);
    try {
      return await ask(client);
    } finally {
      client.disconnect();
    }
  };

  it('is one count', async () => {
    const asks = Array.from({ length: 40 }, (_, n) => passes(n % 2 === 0 ? here : there, from('home')));
    expect(await passedOf(asks)).toBe(5);
  });

  it('is forgotten by all after one that was right', async () => {
    await fail(here, 3);
    await fail(there, 2);
    expect(await passes(here, from('home'))).toBe(false);
    await there.clear(from('home'));
    await fail(here, 5);
    expect(await passes(there, from('home'))).toBe(false);
  });

  it('is not forgotten with a Redis that is emptied', async () => {
    await fail(here, 5);
    await asked((client) => client.flushall());
    expect(await passes(here, from('home'))).toBe(false);
    // And told on.
    expect(await passes(there, from('home'))).toBe(false);
  });

  it('keeps nothing in Redis for ever but the name of that, and nothing that says who', async () => {
    await fail(here, 5);
    await passes(here, from('home'));
    await passes(here, from('elsewhere'));
    await asked(async (client) => {
      const keys = await client.keys('*');
      expect(keys.length).toBeGreaterThan(2);
      for (const key of keys.filter((each) => each !== 'attempts:name'))
        expect(await client.pttl(key)).toBeGreaterThan(0);
    });
  });

  it('goes on in each process when Redis dies, with what the others had counted until then', async () => {
    await fail(here, 4);
    await fail(there, 1);
    await redis.kill();
    try {
      expect(await passes(there, from('home'))).toBe(false);
      // This one has not heard of the fifth.
      expect(await passedOf(Array.from({ length: 10 }, () => passes(here, from('home'))))).toBe(1);
    } finally {
      await redis.start();
    }
    // The new one has nothing; it is told.
    await eventually(async () => {
      await Promise.all(connections.map((connection) => connection.ping()));
      expect(await passes(there, from('home'))).toBe(false);
      expect(await asked((client) => client.exists(`attempts:{${account}}:home`))).toBe(1);
    });
  });
});

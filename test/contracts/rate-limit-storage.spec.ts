import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { SlidingLogStorage } from '../../src/common/rate-limit/sliding-log.storage.js';
import { RedisConnection } from '../../src/common/redis/redis-connection.js';
import { mostInAnyWindow, type TimedCall } from '../support/admissions.js';
import { eventually } from '../support/eventually.js';
import { emptyRedis } from '../support/stack.js';

Logger.overrideLogger(false);

const HOUR_MS = 3_600_000;
const IN_MEMORY = 'in memory';
const IN_REDIS = 'in Redis';
const REDIS_AWAY = 'in memory because Redis is away';
const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
if (!hasRedis) console.warn('*** NO REDIS: SlidingLogStorage in Redis is SKIPPED ***');

describe.each([IN_MEMORY, REDIS_AWAY, ...(hasRedis ? [IN_REDIS] : [])])(
  `${SlidingLogStorage.name} %s`,
  (kind) => {
    let connection: RedisConnection | null = null;
    let storages: SlidingLogStorage[];
    let storage: SlidingLogStorage;
    let key: string;

    beforeAll(async () => {
      if (kind === IN_REDIS) connection = new RedisConnection(await emptyRedis(), 5000);
      if (kind === REDIS_AWAY) connection = new RedisConnection('redis://127.0.0.1:1', 200);
      await connection?.connected();
    });
    afterAll(() => connection?.close());
    beforeEach(() => {
      storages = [];
      storage = open();
      key = `default:${randomUUID()}`;
    });
    afterEach(() => {
      for (const each of storages) each.onApplicationShutdown();
    });

    function open(): SlidingLogStorage {
      const opened = new SlidingLogStorage(connection);
      storages.push(opened);
      return opened;
    }

    it('lets as many calls pass as the limit says, and says of each how many are left', async () => {
      const records = [];
      for (let call = 0; call < 5; call++) records.push(await storage.increment(key, HOUR_MS, 3));
      expect(
        records.map(({ isBlocked, totalHits, state }) => [isBlocked, totalHits, state.remaining]),
      ).toEqual([
        [false, 1, 2],
        [false, 2, 1],
        [false, 3, 0],
        [true, 3, 0],
        [true, 3, 0],
      ]);
    });

    it('says when the oldest call leaves the window', async () => {
      const first = await storage.increment(key, HOUR_MS, 2);
      expect(first.timeToExpire).toBe(3600);
      await sleep(20);
      const [second, third] = [
        await storage.increment(key, HOUR_MS, 2),
        await storage.increment(key, HOUR_MS, 2),
      ];
      expect(second.state.resetMs).toBeLessThan(first.state.resetMs - 10);
      expect(second.timeToBlockExpire).toBe(0);
      expect(third).toMatchObject({ isBlocked: true, timeToExpire: 3600, timeToBlockExpire: 3600 });
    });

    it('names at least a second to wait, and enough of them', async () => {
      for (const windowMs of [100, 1000, 1500]) {
        const own = `${key}:${windowMs}`;
        await storage.increment(own, windowMs, 1);
        const { timeToBlockExpire } = await storage.increment(own, windowMs, 1);
        expect(timeToBlockExpire).toBeGreaterThanOrEqual(1);
        // A timer may fire a little early.
        await sleep(timeToBlockExpire * 1000 + 2);
        expect((await storage.increment(own, windowMs, 1)).isBlocked).toBe(false);
      }
    });

    it('lets exactly the limit through of many at once, each with another number of calls left', async () => {
      const records = await Promise.all(
        Array.from({ length: 300 }, () => storage.increment(key, HOUR_MS, 7)),
      );
      const passed = records.filter(({ isBlocked }) => !isBlocked);
      expect(passed.map(({ state }) => state.remaining).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    });

    it('keeps the keys apart', async () => {
      await storage.increment(key, HOUR_MS, 1);
      expect((await storage.increment(`${key}:`, HOUR_MS, 1)).isBlocked).toBe(false);
      expect((await storage.increment(key, HOUR_MS, 1)).isBlocked).toBe(true);
    });

    it('lets all pass again when the window has passed', async () => {
      const burst = async () =>
        (await Promise.all(Array.from({ length: 9 }, () => storage.increment(key, 300, 5)))).filter(
          ({ isBlocked }) => !isBlocked,
        ).length;
      expect(await burst()).toBe(5);
      await sleep(350);
      expect(await burst()).toBe(5);
    });

    it('does not count what it refuses: who never stops asking gets the whole quota', async () => {
      const windowMs = 400;
      let passed = 0;
      let refused = 0;
      await eventually(async () => {
        // Far more often than is allowed.
        const records = await Promise.all([1, 2, 3].map(() => storage.increment(key, windowMs, 2)));
        passed += records.filter(({ isBlocked }) => !isBlocked).length;
        refused += records.filter(({ isBlocked }) => isBlocked).length;
        // Five times the quota: were refusals counted, the first two would be all.
        expect(passed).toBeGreaterThanOrEqual(10);
      });
      expect(refused).toBeGreaterThan(10);
    });

    it('never lets more than the limit through in any window, however the calls come', async () => {
      const [windowMs, limit] = [500, 10];
      const admissions: TimedCall[] = [];
      let refused = 0;
      const ask = async () => {
        const asked = performance.now();
        const { isBlocked } = await storage.increment(key, windowMs, limit);
        if (isBlocked) refused++;
        else admissions.push({ asked, answered: performance.now() });
      };
      const end = Date.now() + 3000;
      const client = async () => {
        while (Date.now() < end) {
          await Promise.all(Array.from({ length: Math.ceil(Math.random() * 4) }, ask));
          await sleep(Math.random() * 120);
        }
      };
      await Promise.all([client(), client(), client()]);
      expect(mostInAnyWindow(admissions, windowMs)).toBeLessThanOrEqual(limit);
      // The load was such that the limit mattered.
      expect(admissions.length).toBeGreaterThan(limit);
      expect(refused).toBeGreaterThan(0);
    });

    if (kind === IN_REDIS) {
      describe('shared by two processes', () => {
        it('is exact', async () => {
          const both = [storage, open()];
          const records = await Promise.all(
            Array.from({ length: 300 }, (_, index) => both[index % 2]!.increment(key, HOUR_MS, 25)),
          );
          const left = records.filter(({ isBlocked }) => !isBlocked).map(({ state }) => state.remaining);
          expect(left.sort((a, b) => b - a)).toEqual(Array.from({ length: 25 }, (_, index) => 24 - index));
        });

        it('never lets more than the limit through in any window', async () => {
          const [windowMs, limit] = [400, 8];
          const admissions: TimedCall[] = [];
          const end = Date.now() + 2500;
          const client = async (own: SlidingLogStorage) => {
            while (Date.now() < end) {
              const asked = performance.now();
              const { isBlocked } = await own.increment(key, windowMs, limit);
              if (!isBlocked) admissions.push({ asked, answered: performance.now() });
              await sleep(Math.random() * 20);
            }
          };
          await Promise.all([client(storage), client(open()), client(open())]);
          expect(mostInAnyWindow(admissions, windowMs)).toBeLessThanOrEqual(limit);
          expect(admissions.length).toBeGreaterThan(limit);
        });
      });

      describe('in what it leaves in Redis', () => {
        let client: Redis;
        beforeAll(async () => {
          client = new Redis(`${process.env['TEST_REDIS_URL']}/${process.env['JEST_WORKER_ID'] ?? 1}`);
        });
        afterAll(() => client.disconnect());

        it('has one entry for each call that passed, and none for those that did not', async () => {
          const both = [storage, open()];
          await Promise.all(
            Array.from({ length: 50 }, (_, index) => both[index % 2]!.increment(key, HOUR_MS, 5)),
          );
          expect(await client.zcard(`rl:${key}`)).toBe(5);
        });

        it('has nothing when the window has passed', async () => {
          await storage.increment(key, 100, 5);
          expect(await client.exists(`rl:${key}`)).toBe(1);
          await eventually(async () => expect(await client.exists(`rl:${key}`)).toBe(0));
        });

        it('hands out no fresh quota when all that is lost', async () => {
          for (let call = 0; call < 4; call++) await storage.increment(key, HOUR_MS, 6);
          await client.flushdb();
          const records = [];
          for (let call = 0; call < 4; call++) records.push(await storage.increment(key, HOUR_MS, 6));
          expect(records.map(({ isBlocked, state }) => [isBlocked, state.remaining])).toEqual([
            [false, 1],
            [false, 0],
            [true, 0],
            [true, 0],
          ]);
        });
      });
    }
  },
);

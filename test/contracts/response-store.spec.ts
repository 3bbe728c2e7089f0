import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { MemoryResponseStore } from '../../src/common/cache/memory-response.store.js';
import { RedisResponseStore } from '../../src/common/cache/redis-response.store.js';
import { MAXIMUM_VALUE_BYTES, type ResponseStore } from '../../src/common/cache/response-store.js';
import { RedisConnection } from '../../src/common/redis/redis-connection.js';
import { eventually } from '../support/eventually.js';
import { emptyRedis } from '../support/stack.js';

Logger.overrideLogger(false);

const MINUTE_MS = 60_000;
const KINDS = ['MemoryResponseStore', 'RedisResponseStore'] as const;
const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
if (!hasRedis) console.warn('*** NO REDIS: RedisResponseStore is SKIPPED ***');

describe.each(KINDS.filter((kind) => hasRedis || kind !== 'RedisResponseStore'))('%s', (kind) => {
  let connection: RedisConnection | undefined;
  let open: (ttlMs: number) => ResponseStore;
  let store: ResponseStore;
  let key: string;

  beforeAll(async () => {
    if (kind === 'MemoryResponseStore') {
      open = (ttlMs) => new MemoryResponseStore(ttlMs, 33_554_432);
    } else {
      const redis = new RedisConnection(await emptyRedis(), 5000);
      await redis.connected();
      connection = redis;
      open = (ttlMs) => new RedisResponseStore(redis, ttlMs);
    }
    store = open(MINUTE_MS);
  });
  afterAll(() => connection?.close());
  beforeEach(() => {
    key = `wl:${randomUUID()}`;
  });

  it('has nothing under a key that nobody stored', async () => {
    expect(await store.get(key)).toBeNull();
  });

  it.each([
    ['JSON', '{"user":"ada@example.com","total":0,"watchlist":[]}'],
    ['one character', '0'],
    ['text that looks like its own framing', '1:00000000:1:'],
    ['line breaks and NUL', 'a\r\nb\0c'],
    ['characters of every length', 'aß映🎬\u2028\ufffd'],
    ['a hundred thousand characters', 'x'.repeat(100_000)],
    ['as many bytes as a page can have', '\u{1F3AC}'.repeat(65_000)],
  ])('gives back what was stored: %s', async (_what, value) => {
    expect(await store.set(key, value)).toBe(true);
    expect(await store.get(key)).toBe(value);
    expect(await store.get(key)).toBe(value);
  });

  it('keeps the later of two values', async () => {
    await store.set(key, 'first');
    expect(await store.set(key, 'second')).toBe(true);
    expect(await store.get(key)).toBe('second');
  });

  it('keeps every key apart', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `${key}:${index}`);
    await Promise.all(names.map((name) => store.set(name, `of ${name}`)));
    expect(await Promise.all(names.map((name) => store.get(name)))).toEqual(
      names.map((name) => `of ${name}`),
    );
    expect(await store.get(key)).toBeNull();
    expect(await store.get(`${key}:`)).toBeNull();
  });

  it('says that it did not store what is too large', async () => {
    expect(await store.set(key, 'x'.repeat(MAXIMUM_VALUE_BYTES + 1))).toBe(false);
    expect(await store.get(key)).toBeNull();
  });

  it('says that it stored only what it then has', async () => {
    for (let length = MAXIMUM_VALUE_BYTES - 20; length <= MAXIMUM_VALUE_BYTES + 1; length++) {
      const isStored = await store.set(`${key}:${length}`, 'x'.repeat(length));
      expect([length, (await store.get(`${key}:${length}`)) !== null]).toEqual([length, isStored]);
    }
  });

  it('forgets after the time to live, and reading does not prolong it', async () => {
    const brief = open(100);
    await brief.set(key, 'soon gone');
    await eventually(async () => expect(await brief.get(key)).toBeNull());
    expect(await brief.set(key, 'back')).toBe(true);
  });

  it('does not forget before', async () => {
    await store.set(key, 'stays');
    const brief = open(1);
    await brief.set(`${key}:brief`, 'goes');
    await eventually(async () => expect(await brief.get(`${key}:brief`)).toBeNull());
    expect(await store.get(key)).toBe('stays');
  });
});

describe('MemoryResponseStore', () => {
  it('forgets what was asked for longest ago when it is full', async () => {
    const store = new MemoryResponseStore(MINUTE_MS, 33_554_432);
    const value = 'x'.repeat(100_000);
    await store.set('asked for', value);
    await store.set('not asked for', value);
    for (let index = 0; index < 300; index++) {
      await store.set(`other ${index}`, value);
      await store.get('asked for');
    }
    expect(await store.get('not asked for')).toBeNull();
    expect(await store.get('asked for')).toBe(value);
  });
});

describe('RedisResponseStore', () => {
  it('says that it cannot be asked while there is no Redis, and throws nothing', async () => {
    const connection = new RedisConnection('redis://127.0.0.1:1', 200);
    const store = new RedisResponseStore(connection, MINUTE_MS);
    for (let time = 0; time < 10; time++) {
      expect(await store.get('key')).toBeUndefined();
      expect(await store.set('key', 'value')).toBe(false);
    }
    connection.close();
  });

  if (hasRedis) {
    it('gives no two values the same lifetime, and none a longer one than it was told', async () => {
      const url = await emptyRedis();
      const connection = new RedisConnection(url, 200);
      await connection.connected();
      const store = new RedisResponseStore(connection, MINUTE_MS);
      const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
      await Promise.all(keys.map((key) => store.set(key, 'value')));
      connection.close();

      const redis = new Redis(url);
      const lifetimes = await Promise.all(keys.map((key) => redis.pttl(key)));
      redis.disconnect();
      expect(Math.max(...lifetimes)).toBeLessThanOrEqual(MINUTE_MS);
      expect(Math.min(...lifetimes)).toBeGreaterThan(0);
      // Of 6,000 possible ones: that 50 fall on no more than 10 does not happen by chance.
      expect(new Set(lifetimes).size).toBeGreaterThan(10);
    });
  }
});

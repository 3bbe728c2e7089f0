import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { eventually } from '../../../test/support/eventually.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { RedisConnection } from './redis-connection.js';

const COMMAND_TIMEOUT_MS = 500;
const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;

describe(RedisConnection.name, () => {
  let connection: RedisConnection;
  let log: string[];
  const write = (level: string) => (message: string) => log.push(`${level}: ${message}`);
  beforeEach(() => {
    log = [];
    Logger.overrideLogger({ log: write('log'), warn: write('warn'), error: write('error') });
  });
  afterEach(() => {
    connection.close();
    Logger.overrideLogger(true);
  });

  const connectTo = async (url: string) => {
    connection = new RedisConnection(url, COMMAND_TIMEOUT_MS);
    await connection.connected();
  };
  const ping = (client: Redis) => client.ping();
  const attempts = (count: number) =>
    Promise.all(Array.from({ length: count }, () => connection.attempt(ping)));
  const backAgain = () => eventually(async () => expect(await connection.attempt(ping)).toBe('PONG'));

  const NO_ANSWER = /closed|isn't writeable|timed out/;
  const CONNECTED = 'log: connected';
  const AWAY = expect.stringMatching(/^warn: not reachable.*; continuing without it$/);

  it.each([
    ['nobody listens', 'redis://127.0.0.1:1'],
    ['there is no such host', 'redis://nowhere.invalid:6379'],
  ])('holds nothing up and says so once where %s', async (_what, url) => {
    await connectTo(url);
    expect(await attempts(20)).toEqual(Array(20).fill(undefined));
    await expect(connection.ping()).rejects.toThrow(NO_ANSWER);
    await eventually(() => expect(log).toEqual([AWAY]));
  });

  if (hasRedis) {
    let server: RedisServer;
    beforeEach(async () => {
      server = await RedisServer.create();
    });
    afterEach(() => server.remove());
    const connect = () => connectTo(server.url);

    describe('with a Redis that answers', () => {
      it('is connected when it has settled, and says so once', async () => {
        await connect();
        expect(await attempts(100)).toEqual(Array(100).fill('PONG'));
        await expect(connection.ping()).resolves.toBeUndefined();
        await connection.connected();
        expect(log).toEqual([CONNECTED]);
      });

      it.each<[string, () => Promise<unknown> | undefined]>([
        ['before it is sent', () => undefined],
        ['before it is answered', () => new Promise((resolve) => setImmediate(resolve))],
      ])('is not blamed for a pause of this process %s', async (_when, begun) => {
        await connect();
        for (let time = 0; time < 3; time++) {
          const answer = connection.attempt(ping);
          await begun();
          const end = performance.now() + 2 * COMMAND_TIMEOUT_MS;
          while (performance.now() < end);
          expect(await answer).toBe('PONG');
        }
      });

      it('gives nothing for a command that Redis refuses', async () => {
        await connect();
        await connection.attempt((client) => client.set('text', 'x'));
        expect(await connection.attempt((client) => client.incr('text'))).toBeUndefined();
        expect(await connection.attempt((client) => client.get('text'))).toBe('x');
      });

      it('is closed without a word, and gives nothing afterwards', async () => {
        await connect();
        connection.close();
        expect(await attempts(3)).toEqual([undefined, undefined, undefined]);
        await expect(connection.ping()).rejects.toThrow(NO_ANSWER);
        expect(log).toEqual([CONNECTED]);
      });
    });

    describe.each([
      ['is not there', () => server.stop(), () => server.start()],
      ['accepts connections and never answers', () => server.freeze(), () => server.resume()],
    ])('with a Redis that at the start %s', (_what, takeAway, giveBack) => {
      it('holds nothing up, gives nothing, says so once, and connects by itself when it is there', async () => {
        await takeAway();
        await connect();
        expect(await attempts(20)).toEqual(Array(20).fill(undefined));
        await expect(connection.ping()).rejects.toThrow(NO_ANSWER);
        await giveBack();
        await backAgain();
        await expect(connection.ping()).resolves.toBeUndefined();
        expect(log.filter((line) => line === CONNECTED)).toHaveLength(1);
        expect(log.length).toBeLessThanOrEqual(2);
        expect(log.at(-1)).toBe(CONNECTED);
      });
    });

    describe.each([
      ['says goodbye', () => server.stop(), () => server.start()],
      ['is killed', () => server.kill(), () => server.start()],
      ['hangs', () => server.freeze(), () => server.resume()],
    ])('with a Redis that %s', (_what, takeAway, giveBack) => {
      it('answers every attempt with nothing, and goes on by itself when it is back', async () => {
        await connect();
        await takeAway();
        expect(await attempts(50)).toEqual(Array(50).fill(undefined));
        await expect(connection.ping()).rejects.toThrow(NO_ANSWER);
        await giveBack();
        await backAgain();
        expect(await attempts(50)).toEqual(Array(50).fill('PONG'));
      });

      it('says each change once, however much is asked meanwhile', async () => {
        await connect();
        for (let round = 1; round <= 2; round++) {
          await takeAway();
          await eventually(async () => {
            await attempts(10);
            expect(log).toHaveLength(2 * round);
          });
          await giveBack();
          await backAgain();
        }
        expect(log).toEqual([CONNECTED, AWAY, CONNECTED, AWAY, CONNECTED]);
      });

      it('settles what was under way', async () => {
        await connect();
        const underWay = Array.from({ length: 20 }, () =>
          connection.attempt((client) => client.blpop('nothing', 60)),
        );
        await takeAway();
        expect(await Promise.all(underWay)).toEqual(Array(20).fill(undefined));
        await giveBack();
        await backAgain();
      });

      it('does nothing twice', async () => {
        await connect();
        expect(await connection.attempt((client) => client.incr('count'))).toBe(1);
        await takeAway();
        await Promise.all(
          Array.from({ length: 20 }, () => connection.attempt((client) => client.incr('count'))),
        );
        // A connection that was given up, and what was sent on it may still be done.
        await eventually(() => expect(log).toEqual([CONNECTED, AWAY]));
        await giveBack();
        await backAgain();
        expect(Number(await connection.attempt((client) => client.get('count')))).toBeLessThanOrEqual(21);
      });
    });

    it('leaves a Redis alone that has failed three times, and tries it again later', async () => {
      await connect();
      server.freeze();
      await attempts(3);
      let sent = 0;
      const counted = (client: Redis) => {
        sent++;
        return client.ping();
      };
      await Promise.all(Array.from({ length: 100 }, () => connection.attempt(counted)));
      expect(sent).toBe(0);
      server.resume();
      await eventually(async () => expect(await connection.attempt(counted)).toBe('PONG'));
      expect(sent).toBeGreaterThan(0);
    });
  }
});

import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
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
    await expect(connection.check()).rejects.toThrow(NO_ANSWER);
    await eventually(() => expect(log).toEqual([AWAY]));
  });

  if (hasRedis) {
    let server: RedisServer;
    beforeEach(async () => {
      server = await RedisServer.create();
    });
    afterEach(() => server.remove());
    const connect = () => connectTo(server.url);

    it('goes on without a Redis that does not have the database, and never uses another one', async () => {
      await connectTo(`${server.url}/9999`);
      await eventually(() => expect(connection.commands.status).toBe('end'));
      expect(await attempts(20)).toEqual(Array(20).fill(undefined));
      expect(log).toEqual(['warn: refuses commands (ERR DB index is out of range); continuing without it']);
    });

    describe('with a Redis that answers', () => {
      it('is connected when it has settled, and says so once', async () => {
        await connect();
        expect(await attempts(100)).toEqual(Array(100).fill('PONG'));
        await expect(connection.check()).resolves.toBeUndefined();
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

      it('gives nothing for a key that another program has written to, and says so once', async () => {
        await connect();
        await connection.attempt((client) => client.set('text', 'x'));
        for (let time = 0; time < 2; time++) {
          expect(await connection.attempt((client) => client.lpush('text', 'y'))).toBeUndefined();
          expect(await connection.attempt((client) => client.get('text'))).toBe('x');
        }
        expect(log).toEqual([CONNECTED, expect.stringMatching(/^warn: refuses commands \(WRONGTYPE /)]);
      });

      it('begins every key with the prefix, also in scripts', async () => {
        connection = new RedisConnection(server.url, COMMAND_TIMEOUT_MS, 'here:');
        connection.define('setByScript', `return redis.call('SET', KEYS[1], '')`, 1);
        await connection.connected();
        await connection.attempt((client) => client.set('a', ''));
        await connection.attempt((client) => client.call('set', 'b', ''));
        await connection.attempt((client) =>
          (client as Redis & { setByScript(key: string): Promise<string> }).setByScript('c'),
        );
        const admin = new Redis(server.url);
        expect((await admin.keys('*')).filter((key) => !key.startsWith('here:'))).toEqual([]);
        expect(await admin.dbsize()).toBeGreaterThanOrEqual(3);
        admin.disconnect();
      });

      it('is closed without a word, and gives nothing afterwards', async () => {
        await connect();
        connection.close();
        expect(await attempts(3)).toEqual([undefined, undefined, undefined]);
        await expect(connection.check()).rejects.toThrow(NO_ANSWER);
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
        await expect(connection.check()).rejects.toThrow(NO_ANSWER);
        await giveBack();
        await backAgain();
        await expect(connection.check()).resolves.toBeUndefined();
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
        await expect(connection.check()).rejects.toThrow(NO_ANSWER);
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

    const killOthers = (admin: Redis) => admin.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
    const replicate = (admin: Redis) => admin.replicaof('127.0.0.1', '1');
    const promote = (admin: Redis) => admin.replicaof('NO', 'ONE');
    const forbid =
      (...rules: string[]) =>
      (admin: Redis) =>
        admin.acl('SETUSER', 'default', ...rules);
    const permit = forbid('+@all', 'allkeys');

    describe.each<[string, string, (admin: Redis) => unknown, (admin: Redis) => unknown]>([
      ['has become a replica', 'READONLY', replicate, promote],
      [
        'has no memory left',
        'OOM',
        (admin) => admin.config('SET', 'maxmemory', '1'),
        (admin) => admin.config('SET', 'maxmemory', '0'),
      ],
      [
        'has too few replicas',
        'NOREPLICAS',
        (admin) => admin.config('SET', 'min-replicas-to-write', '1'),
        (admin) => admin.config('SET', 'min-replicas-to-write', '0'),
      ],
      [
        'wants a password',
        'NOAUTH',
        async (admin) => {
          await admin.config('SET', 'requirepass', 'sesame');
          await killOthers(admin);
        },
        (admin) => admin.config('SET', 'requirepass', ''),
      ],
      [
        'has no room for another client',
        'ERR max number of clients',
        async (admin) => {
          await admin.config('SET', 'maxclients', '1');
          await killOthers(admin);
        },
        (admin) => admin.config('SET', 'maxclients', '100'),
      ],
      ['forbids a command', 'NOPERM', forbid('-set'), permit],
      ['forbids the keys', 'NOPERM', forbid('resetkeys', '~others:*'), permit],
      ['forbids only the command that is used', 'NOPERM', forbid('-zadd'), permit],
      [
        'is busy with a script',
        'BUSY',
        async (admin) => {
          await admin.config('SET', 'busy-reply-threshold', '1');
          void admin.eval('while true do end', 0).catch(() => undefined);
        },
        async () => {
          const another = new Redis(server.url, {
            enableReadyCheck: false,
            disableClientInfo: true,
            protocol: 2,
          });
          await another.script('KILL');
          another.disconnect();
        },
      ],
    ])('with a Redis that %s', (_what, reason, begin, end) => {
      const write = (client: Redis) => client.zadd('set', 1, 'member');
      let admin: Redis;
      beforeEach(async () => {
        await connect();
        admin = new Redis(server.url);
        await admin.ping();
      });
      afterEach(() => admin.disconnect());

      it('gives nothing, says why once, is down, and goes on by itself when it accepts writes', async () => {
        await connection.attempt(write);
        await begin(admin);
        const REFUSES = expect.stringContaining(`(${reason}`);
        await eventually(async () => {
          await connection.check().catch(() => undefined);
          expect(await connection.attempt(write)).toBeUndefined();
          expect(log.at(-1)).toEqual(REFUSES);
        });
        for (let time = 0; time < 3; time++) await expect(connection.check()).rejects.toThrow(Error);
        expect(connection.isUsed).toBe(false);
        expect(log.filter((line) => line === CONNECTED)).toHaveLength(1);
        expect(log.filter((line) => line.includes(reason))).toHaveLength(1);

        await end(admin);
        await eventually(async () => expect(await connection.attempt(write)).toBe(0));
        await expect(connection.check()).resolves.toBeUndefined();
        expect(log.at(-1)).toBe(CONNECTED);
        expect(log.filter((line) => line === CONNECTED)).toHaveLength(2);
      });
    });

    it('leaves a Redis alone that has failed, and tries it again later', async () => {
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

import { Redis } from 'ioredis';
import type { Response } from 'supertest';
import { queryHash } from '../src/common/cache/cache-keys.js';
import { SessionsService } from '../src/auth/sessions/sessions.service.js';
import { UsersService } from '../src/users/users.service.js';
import { ItemsService } from '../src/watchlists/items/items.service.js';
import { actingOn, type Actor, asAdmin, asUser, randomEmail, tokenFor } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectInvalid } from './support/expected.js';
import { gate } from './support/gate.js';
import { RedisServer } from './support/redis-server.js';
import { createPostgres, createSqlite, createStorage, stack, type Storage } from './support/stack.js';

const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';
const ADMIN_ITEMS = '/v1/admin/watchlists/items';

interface Item {
  readonly id: number;
  readonly title: string;
}
type Outcome = 'HIT' | 'MISS' | 'BYPASS';

const titlesOf = ({ body }: Pick<Response, 'body'>) =>
  (body as { watchlist: Item[] }).watchlist.map(({ title }) => title);

async function add(actor: Actor, title = 'Parasite'): Promise<Item> {
  const { body } = await actor.post(ITEMS, { title, type: 'movie' }).expect(201);
  return (body as { item: Item }).item;
}

/** Reads the list, and expects it to come from there and to have exactly these titles, newest first. */
async function expectList(actor: Actor, outcome: Outcome, titles?: string[], query = ''): Promise<Response> {
  const response = await actor.get(`${LIST}${query && `?${query}`}`).expect(200);
  expect({ outcome: response.headers['x-cache'], titles: titlesOf(response) }).toEqual({
    outcome,
    titles: titles ?? titlesOf(response),
  });
  return response;
}

/** As many as wanted at once, without the cost of a password each. */
function asManyUsers(server: TestApp, count: number): Promise<Actor[]> {
  const users = server.app.get(UsersService, { strict: false });
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { id, email } = await users.create(randomEmail(), 'v0$none', 'user');
      return actingOn(server, { id, email, token: await tokenFor(server, id) });
    }),
  );
}

/** A gate in front of the database: readers of lists have been counted in, and wait in it, or behind it, until it opens. */
function holdListReads(server: TestApp, where: 'before reading' | 'after reading') {
  const watchlists = server.app.get(ItemsService, { strict: false });
  const page = watchlists.page.bind(watchlists);
  const { opened, open } = gate();
  let arrived = 0;
  const spy = jest.spyOn(watchlists, 'page').mockImplementation(async (filter) => {
    const rows = where === 'after reading' ? await page(filter) : undefined;
    arrived++;
    await opened;
    return rows ?? page(filter);
  });
  return {
    spy,
    arrivals: (count: number) => eventually(() => expect(arrived).toBeGreaterThanOrEqual(count)),
    /** Whoever comes from now on is not held. */
    letNewcomersPass: () => spy.mockImplementation(page),
    open,
  };
}

describe('the cache of the list', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  describe('in a server as it comes', () => {
    let storage: Storage;
    let server: TestApp;
    let admin: Actor;
    let ada: Actor;
    beforeAll(async () => {
      storage = await createStorage();
      server = await createTestApp({ storage });
      admin = await asAdmin(server);
    });
    afterAll(async () => {
      await server.close();
      await storage.remove();
    });
    beforeEach(async () => {
      [ada] = (await asManyUsers(server, 1)) as [Actor];
    });

    it('computes an answer once and then has it', async () => {
      await add(ada);
      const computed = await expectList(ada, 'MISS', ['Parasite']);
      const kept = await expectList(ada, 'HIT', ['Parasite']);
      expect(kept.text).toBe(computed.text);
      for (const name of ['etag', 'content-type', 'content-length', 'cache-control', 'vary'])
        expect([name, kept.headers[name]]).toEqual([name, computed.headers[name]]);
    });

    it('keeps every character as it was', async () => {
      const title = '\u{1F3AC} "映画" \\ \u2028 e\u0301 \ufffd'.normalize('NFC');
      await add(ada, title);
      await expectList(ada, 'MISS', [title]);
      await expectList(ada, 'HIT', [title]);
    });

    it('keeps the largest page that there can be', async () => {
      // Each character of these is four bytes, or is written as two.
      for (let index = 0; index < 100; index++) await add(ada, (index % 2 ? '\u{1F3AC}' : '"').repeat(255));
      await expectList(ada, 'MISS', undefined, 'limit=100');
      expect(titlesOf(await expectList(ada, 'HIT', undefined, 'limit=100'))).toHaveLength(100);
    });

    it('keeps an empty list too', async () => {
      await expectList(ada, 'MISS', []);
      await expectList(ada, 'HIT', []);
    });

    describe('after a write', () => {
      const owner = (actor: Actor) => ({ actor, items: ITEMS, user_id: undefined });
      const byAdmin = (actor: Actor) => ({ actor: admin, items: ADMIN_ITEMS, user_id: actor.id });

      describe.each([
        ['its owner', owner],
        ['an admin', byAdmin],
      ])('by %s', (_who, acting) => {
        it.each<[string, (item: Item) => Promise<unknown>, string[]]>([
          [
            'add',
            async () => {
              const { actor, items, user_id } = acting(ada);
              await actor.post(items, { title: 'Severance', type: 'show', user_id }).expect(201);
            },
            ['Severance', 'Parasite'],
          ],
          [
            'change of title',
            async ({ id }) => {
              const { actor, items } = acting(ada);
              await actor.patch(`${items}/${id}`, { title: 'Mother' }).expect(200);
            },
            ['Mother'],
          ],
          [
            'delete',
            async ({ id }) => {
              const { actor, items } = acting(ada);
              await actor.delete(`${items}/${id}`).expect(204);
            },
            [],
          ],
        ])('(%s) the next read computes the new state', async (_what, write, titles) => {
          const item = await add(ada);
          await expectList(ada, 'MISS', ['Parasite']);
          const old = await expectList(ada, 'HIT', ['Parasite']);
          await write(item);
          const changed = await expectList(ada, 'MISS', titles);
          expect(changed.headers['etag']).not.toBe(old.headers['etag']);
          await expectList(ada, 'HIT', titles);
          await ada.get(LIST).set('if-none-match', old.headers['etag']!).expect(200);
        });

        it('(change of type) every page and filter shows the new state', async () => {
          const { id } = await add(ada);
          for (const outcome of ['MISS', 'HIT'] as const) {
            await expectList(ada, outcome, ['Parasite'], 'type=movie');
            await expectList(ada, outcome, [], 'type=show');
          }
          const { actor, items } = acting(ada);
          await actor.patch(`${items}/${id}`, { type: 'show' }).expect(200);
          await expectList(ada, 'MISS', [], 'type=movie');
          await expectList(ada, 'MISS', ['Parasite'], 'type=show');
        });

        it('that changes nothing, or is refused, the answer stays', async () => {
          const { id } = await add(ada);
          const { headers } = await expectList(ada, 'MISS', ['Parasite']);
          const { actor, items } = acting(ada);
          await actor.patch(`${items}/${id}`, { title: ' Parasite ', type: 'movie' }).expect(200);
          await actor.patch(`${items}/${id}`, { title: '' }).expect(422);
          await actor.post(items, { title: 'Severance' }).expect(422);
          await actor.delete(`${items}/2147483647`).expect(404);
          expect((await expectList(ada, 'HIT', ['Parasite'])).headers['etag']).toBe(headers['etag']);
        });
      });

      it("of somebody else's, the answer stays", async () => {
        const [grace] = (await asManyUsers(server, 1)) as [Actor];
        await add(ada);
        await expectList(ada, 'MISS', ['Parasite']);
        await add(grace, 'Dark');
        await admin.post(ADMIN_ITEMS, { title: 'Dune', type: 'movie', user_id: grace.id }).expect(201);
        await expectList(ada, 'HIT', ['Parasite']);
      });

      it('a read that began before it neither answers later ones nor stays in their way', async () => {
        await add(ada, 'Old');
        const gate = holdListReads(server, 'after reading');
        const early = ada.get(LIST).then((response) => response);
        await gate.arrivals(1);
        gate.letNewcomersPass();
        await add(ada, 'New');
        await expectList(ada, 'MISS', ['New', 'Old']);
        gate.open();
        expect(titlesOf(await early)).toEqual(['Old']);
        await expectList(ada, 'HIT', ['New', 'Old']);
      });
    });

    describe('takes for the same question', () => {
      it.each([
        ['', 'skip=0'],
        ['', 'limit=10'],
        ['', 'sort=created_at_desc'],
        ['', 'sort=created_at_desc&skip=0&limit=10'],
        ['type=movie', 'limit=10&type=movie&skip=0'],
        ['limit=5&skip=1', 'skip=1&limit=5'],
        ['sort=title_asc&type=show&limit=2', 'limit=2&skip=0&type=show&sort=title_asc'],
        ['limit=5', '%6Cimit=%35'],
      ])('?%s and ?%s', async (first, second) => {
        await add(ada);
        const one = await expectList(ada, 'MISS', undefined, first);
        const other = await expectList(ada, 'HIT', undefined, second);
        expect(other.headers['etag']).toBe(one.headers['etag']);
        expect(other.text).toBe(one.text);
      });

      it('the path with a trailing slash', async () => {
        await expectList(ada, 'MISS');
        await ada.get(`${LIST}/`).expect(200).expect('x-cache', 'HIT');
      });

      it('HEAD', async () => {
        const head = () =>
          server.request().head(LIST).set('authorization', `Bearer ${ada.token}`).expect(200);
        expect((await head()).headers['x-cache']).toBe('MISS');
        await expectList(ada, 'HIT', []);
        expect((await head()).headers['x-cache']).toBe('HIT');
      });
    });

    it('takes what differs in any parameter for different questions', async () => {
      await add(ada, 'A');
      await add(ada, 'B');
      const answers: Response[] = [];
      for (const query of [
        '',
        'limit=1',
        'skip=1',
        'type=movie',
        'type=show',
        'sort=title_asc',
        'skip=1&limit=1',
      ])
        answers.push(await expectList(ada, 'MISS', undefined, query));
      expect(new Set(answers.map(({ headers }) => headers['etag'])).size).toBe(answers.length);
    });

    it('keeps nothing of a question that is refused', async () => {
      for (let time = 0; time < 2; time++) {
        const response = await ada.get(`${LIST}?limit=0`);
        expectInvalid(response, 'limit');
        for (const name of ['etag', 'x-cache', 'vary'])
          expect(response.headers[name] ?? '').not.toMatch(/Authorization|HIT|MISS|W\//);
      }
      expectInvalid(await ada.get(`${LIST}?limit=0`).set('if-none-match', '*'), 'limit');
    });

    it.each([
      ['cache-control', 'no-cache'],
      ['cache-control', 'no-store, max-age=0'],
      ['cache-control', 'only-if-cached'],
      ['pragma', 'no-cache'],
    ])('does not look at the request’s %s: %s', async (name, value) => {
      await ada.get(LIST).set(name, value).expect(200).expect('x-cache', 'MISS');
      await ada.get(LIST).set(name, value).expect(200).expect('x-cache', 'HIT');
    });

    describe('ETag and If-None-Match', () => {
      let etag: string;
      beforeEach(async () => {
        await add(ada);
        etag = (await expectList(ada, 'MISS')).headers['etag']!;
      });

      const opaque = (tag: string) => tag.replace('W/', '');

      it('is weak, and the same as long as nothing changes', async () => {
        expect(etag).toMatch(/^W\/"[\x21\x23-\x7e]+"$/);
        expect((await expectList(ada, 'HIT')).headers['etag']).toBe(etag);
      });

      it.each<[string, (etag: string) => string]>([
        ['the tag', (tag) => tag],
        ['the tag without its W/ (the comparison is weak)', opaque],
        ['a list with the tag at its end', (tag) => `"a", W/"b", ${tag}`],
        ['a list with the tag at its beginning', (tag) => `${opaque(tag)},"a"`],
        ['a list without spaces', (tag) => `W/"a",${tag},W/"b"`],
        ['a list with more spaces', (tag) => `W/"a"  ,\t${tag}  , W/"b"`],
        ['an asterisk', () => '*'],
      ])('answers 304 to %s', async (_what, ifNoneMatch) => {
        const response = await ada.get(LIST).set('if-none-match', ifNoneMatch(etag));
        expect({ status: response.status, text: response.text }).toEqual({ status: 304, text: '' });
        expect(response.headers).toMatchObject({
          etag,
          'x-cache': 'HIT',
          'cache-control': 'private, no-cache',
          vary: expect.stringMatching(/(^|, )Authorization(,|$)/),
        });
        expect(response.headers).not.toHaveProperty('content-type');
        expect(response.headers).not.toHaveProperty('content-length');
        expect(response.headers['x-request-id']).toBeTruthy();
      });

      it.each<[string, (etag: string) => string]>([
        ['another tag', () => 'W/"another"'],
        ['other tags', () => '"a", W/"b", "*"'],
        ['nothing', () => ''],
        ['the tag without its quotes', (tag) => opaque(tag).replaceAll('"', '')],
        ['the tag in capitals', (tag) => tag.toUpperCase()],
        ['the tag with a small w', (tag) => tag.replace('W/', 'w/')],
        ['the tag and something behind it', (tag) => `${tag}x`],
        ['a part of the tag', (tag) => `${tag.slice(0, -3)}"`],
      ])('answers 200 to %s', async (_what, ifNoneMatch) => {
        const response = await ada.get(LIST).set('if-none-match', ifNoneMatch(etag)).expect(200);
        expect(titlesOf(response)).toEqual(['Parasite']);
        expect(response.headers).toMatchObject({
          etag,
          'x-cache': 'HIT',
          'cache-control': 'private, no-cache',
          'content-type': 'application/json; charset=utf-8',
          vary: expect.stringMatching(/(^|, )Authorization(,|$)/),
        });
      });

      it('answers 304 by the version alone: nothing is read and nothing is needed from the store', async () => {
        const page = jest.spyOn(server.app.get(ItemsService, { strict: false }), 'page');
        const { headers } = await expectList(ada, 'MISS', undefined, 'limit=1');
        await ada.get(`${LIST}?limit=1`).set('if-none-match', headers['etag']!).expect(304);
        expect(page).toHaveBeenCalledTimes(1);
      });

      it('computes for an asterisk what is not there yet', async () => {
        const ask = () => ada.get(`${LIST}?limit=2`).set('if-none-match', '*').expect(304);
        await ask().expect('x-cache', 'MISS');
        await ask().expect('x-cache', 'HIT');
      });

      it('answers HEAD alike', async () => {
        const head = (tag: string) =>
          server.request().head(LIST).set('authorization', `Bearer ${ada.token}`).set('if-none-match', tag);
        await head(etag).expect(304).expect('etag', etag);
        await head('"another"').expect(200).expect('etag', etag);
      });

      it('is of no use for a question that would be refused, whoever knows how tags are made', async () => {
        const defaults = { skip: '0', limit: '10', sort: 'created_at_desc' };
        const tagOf = (query: Record<string, string>) =>
          etag.replace(/[^.]+$/, `${queryHash(query, defaults)}"`);
        expect(tagOf({})).toBe(etag);
        for (const [field, value] of [
          ['limit', '0'],
          ['skip', '1e3'],
          ['fields', 'id'],
        ] as const) {
          const response = await ada
            .get(`${LIST}?${field}=${value}`)
            .set('if-none-match', tagOf({ [field]: value }));
          expectInvalid(response, field);
        }
      });

      it('is never the tag of another page, of an earlier state or of another user', async () => {
        const unlike = (actor: Actor, query = '') => actor.get(`${LIST}?${query}`).set('if-none-match', etag);
        await unlike(ada, 'limit=1').expect(200);
        const [grace] = (await asManyUsers(server, 1)) as [Actor];
        // As many writes as ada's list has had.
        await add(grace, 'Dark');
        expect(titlesOf(await unlike(grace).expect(200))).toEqual(['Dark']);
        const { id } = await add(ada, 'Dune');
        await unlike(ada).expect(200);
        await ada.delete(`${ITEMS}/${id}`).expect(204);
        expect(titlesOf(await unlike(ada).expect(200))).toEqual(['Parasite']);
      });
    });

    it('never shows anybody the list of somebody else', async () => {
      const users = await asManyUsers(server, 100);
      await Promise.all(users.map((user) => add(user, `Only for ${user.id}`)));
      for (let time = 0; time < 3; time++) {
        const answers = await Promise.all(users.map((user) => user.get(`${LIST}?limit=5`).expect(200)));
        expect(answers.map(({ body }) => body as unknown)).toEqual(
          users.map(({ id, email }) =>
            expect.objectContaining({
              user: email,
              total: 1,
              watchlist: [expect.objectContaining({ title: `Only for ${id}` })],
            }),
          ),
        );
        for (const { headers } of answers) expect(headers['x-cache']).toBe(time === 0 ? 'MISS' : 'HIT');
      }
    });

    it('computes once for all who ask the same at once', async () => {
      await add(ada);
      const findActive = jest.spyOn(server.app.get(SessionsService, { strict: false }), 'findActive');
      const gate = holdListReads(server, 'before reading');
      const reads = Promise.all(Array.from({ length: 30 }, () => ada.get(LIST).expect(200)));
      await eventually(() => expect(findActive).toHaveBeenCalledTimes(30));
      await gate.arrivals(1);
      gate.open();
      const answers = await reads;
      expect(gate.spy).toHaveBeenCalledTimes(1);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(titlesOf(answers[0]!)).toEqual(['Parasite']);
    });

    it('lets nobody wait for a computation that failed', async () => {
      const watchlists = server.app.get(ItemsService, { strict: false });
      jest.spyOn(watchlists, 'page').mockRejectedValueOnce(new Error('the disk is on fire'));
      await ada.get(LIST).expect(500);
      await expectList(ada, 'MISS', []);
    });

    if (stack() === 'postgres+redis') {
      describe('in Redis', () => {
        let redis: Redis;
        let withoutMemory: TestApp;
        beforeAll(async () => {
          redis = new Redis(storage.env['REDIS_URL']!);
          withoutMemory = await createTestApp({ storage, env: { CACHE_MEMORY_BYTES: '0' } });
        });
        afterAll(async () => {
          redis.disconnect();
          await withoutMemory.close();
        });
        beforeEach(() => {
          ada = actingOn(withoutMemory, ada);
        });

        /** The one key under which ada's list is kept. */
        async function keyOfList(): Promise<string> {
          const keys = await redis.keys(`${server.unitOfWork.epoch}:wl:list:${ada.id}:*`);
          expect(keys).toHaveLength(1);
          return keys[0]!;
        }

        it('is kept for a little less than CACHE_TTL_SECONDS at most', async () => {
          await expectList(ada, 'MISS');
          const left = await redis.pttl(await keyOfList());
          expect(left).toBeGreaterThan(0);
          expect(left).toBeLessThanOrEqual(30_000);
        });

        it('is computed again when Redis has been flushed', async () => {
          await add(ada);
          await expectList(ada, 'MISS', ['Parasite']);
          await redis.flushdb();
          await expectList(ada, 'MISS', ['Parasite']);
          await expectList(ada, 'HIT', ['Parasite']);
        });

        const FORGED = '{"user":"eve@example.com","skip":0,"limit":10,"total":0,"watchlist":[]}';

        it.each<[string, (stored: string) => string | Buffer]>([
          ['nothing', () => ''],
          ['garbage', () => 'garbage'],
          ['bytes that are no text', () => Buffer.from([0x31, 0x3a, 0xff, 0xfe, 0x00, 0x80])],
          ['another answer without a checksum', () => FORGED],
          ['another answer with the old checksum', (stored) => stored.slice(0, 11) + FORGED],
          ['a later version of the schema', (stored) => stored.replace('1:', '2:')],
          ['an earlier version of the schema', (stored) => stored.replace('1:', '0:')],
          ['half of the answer', (stored) => stored.slice(0, stored.length / 2)],
          ['all of the answer but its end', (stored) => stored.slice(0, -1)],
          ['only the beginning', (stored) => stored.slice(0, 5)],
          ['the answer and something behind it', (stored) => `${stored} `],
          ['one wrong character', (stored) => stored.replace('Parasite', 'Parasito')],
          [
            'a wrong checksum',
            (stored) => stored.replace(/:(.)/, (_all, digit) => `:${digit === '0' ? 1 : 0}`),
          ],
          ['a huge value', (stored) => stored + ' '.repeat(1_000_000)],
        ])('takes %s for a miss, and stores the answer again', async (_what, poison) => {
          await add(ada);
          const { text } = await expectList(ada, 'MISS', ['Parasite']);
          const key = await keyOfList();
          const stored = (await redis.get(key))!;
          const poisoned = poison(stored);
          expect(String(poisoned)).not.toBe(stored);
          await redis.set(key, poisoned);
          expect((await expectList(ada, 'MISS', ['Parasite'])).text).toBe(text);
          expect(await redis.get(key)).toBe(stored);
          await expectList(ada, 'HIT', ['Parasite']);
        });

        it('goes on without a value that is of another type', async () => {
          await add(ada);
          await expectList(ada, 'MISS', ['Parasite']);
          const key = await keyOfList();
          await redis.del(key);
          await redis.rpush(key, 'not a string');
          await expectList(ada, 'BYPASS', ['Parasite']);
          await redis.del(key);
          await expectList(ada, 'MISS', ['Parasite']);
        });
      });

      describe('of two servers', () => {
        let other: TestApp;
        beforeAll(async () => {
          other = await createTestApp({ storage });
        });
        afterAll(() => other.close());

        it('is one', async () => {
          await add(ada);
          const { headers, text } = await expectList(ada, 'MISS', ['Parasite']);
          const there = await expectList(actingOn(other, ada), 'HIT', ['Parasite']);
          expect(there.text).toBe(text);
          expect(there.headers['etag']).toBe(headers['etag']);
          await actingOn(other, ada).get(LIST).set('if-none-match', headers['etag']!).expect(304);
        });

        it('is never older on one than a write that the other has acknowledged', async () => {
          const [here, there] = [ada, actingOn(other, ada)];
          const titles: string[] = [];
          for (let round = 0; round < 15; round++) {
            const [writer, reader] = round % 2 === 0 ? [here, there] : [there, here];
            const { headers } = await reader.get(`${LIST}?limit=100`).expect(200);
            titles.unshift(`Title ${round}`);
            await add(writer, titles[0]);
            const fresh = await reader
              .get(`${LIST}?limit=100`)
              .set('if-none-match', headers['etag']!)
              .expect(200);
            expect(titlesOf(fresh)).toEqual(titles);
            await expectList(writer, 'HIT', titles, 'limit=100');
          }
        });

        it('is never older while others read all the time', async () => {
          const [here, there] = [ada, actingOn(other, ada)];
          let acknowledged = 0;
          let done = false;
          const outcomes: string[] = [];
          const readers = [here, there, there].map(async (reader) => {
            while (!done) {
              const atLeast = acknowledged;
              const { body, headers } = await reader.get(`${LIST}?limit=1`).expect(200);
              expect((body as { total: number }).total).toBeGreaterThanOrEqual(atLeast);
              outcomes.push(headers['x-cache']!);
            }
          });
          for (let written = 1; written <= 30; written++) {
            await add(written % 2 === 0 ? here : there);
            acknowledged = written;
          }
          done = true;
          await Promise.all(readers);
          expect(new Set(outcomes)).toEqual(new Set(['HIT', 'MISS']));
        });
      });
    }
  });

  describe('with CACHE_TTL_SECONDS=1', () => {
    let server: TestApp;
    beforeAll(async () => {
      server = await createTestApp({ env: { CACHE_TTL_SECONDS: '1' } });
    });
    afterAll(() => server.close());

    it('ends after that time, however often it is asked for', async () => {
      const ada = await asUser(server);
      await add(ada);
      await eventually(() => expectList(ada, 'HIT', ['Parasite']));
      await eventually(() => expectList(ada, 'MISS', ['Parasite']));
      await eventually(() => expectList(ada, 'HIT', ['Parasite']));
    });
  });

  describe('with CACHE_TTL_SECONDS=0', () => {
    let server: TestApp;
    let ada: Actor;
    beforeAll(async () => {
      server = await createTestApp({ env: { CACHE_TTL_SECONDS: '0' } });
      ada = await asUser(server);
    });
    afterAll(() => server.close());

    it('is passed by', async () => {
      await add(ada);
      const page = jest.spyOn(server.app.get(ItemsService, { strict: false }), 'page');
      await expectList(ada, 'BYPASS', ['Parasite']);
      await expectList(ada, 'BYPASS', ['Parasite']);
      expect(page).toHaveBeenCalledTimes(2);
    });

    it('leaves ETag and 304 as they are', async () => {
      const { headers } = await expectList(ada, 'BYPASS');
      await ada.get(LIST).set('if-none-match', headers['etag']!).expect(304).expect('x-cache', 'HIT');
      await add(ada, 'Dune');
      await ada.get(LIST).set('if-none-match', headers['etag']!).expect(200).expect('x-cache', 'BYPASS');
    });
  });

  if (stack() === 'postgres+redis') {
    describe.each<[string, (redis: RedisServer) => unknown, (redis: RedisServer) => unknown]>([
      ['stopped', (redis) => redis.stop(), (redis) => redis.start()],
      ['killed', (redis) => redis.kill(), (redis) => redis.start()],
      ['frozen', (redis) => redis.freeze(), (redis) => redis.resume()],
    ])('while Redis is %s', (_how, takeAway, bringBack) => {
      let redis: RedisServer;
      let storage: Storage;
      let server: TestApp;
      let withMemory: TestApp;
      beforeAll(async () => {
        redis = await RedisServer.create();
        storage = await createPostgres();
        server = await createTestApp({
          storage,
          env: { REDIS_URL: redis.url, REDIS_COMMAND_TIMEOUT_MS: '500', CACHE_MEMORY_BYTES: '0' },
        });
        withMemory = await createTestApp({
          storage,
          env: { REDIS_URL: redis.url, REDIS_COMMAND_TIMEOUT_MS: '500' },
        });
      });
      afterAll(async () => {
        await Promise.all([server.close(), withMemory.close()]);
        await storage.remove();
        await redis.remove();
      });

      it('is a hit from memory, before and after a write', async () => {
        const ada = await asUser(withMemory);
        await add(ada, 'Before');
        await expectList(ada, 'MISS', ['Before']);
        await takeAway(redis);
        await expectList(ada, 'HIT', ['Before']);
        await add(ada, 'Meanwhile');
        await expectList(ada, 'MISS', ['Meanwhile', 'Before']);
        await expectList(ada, 'HIT', ['Meanwhile', 'Before']);
        await bringBack(redis);
      });

      it('is computed by a server without memory, which uses Redis again when it is back', async () => {
        const ada = await asUser(server);
        await add(ada, 'Before');
        // Until the server has connected to Redis again after the test before.
        await eventually(() => expectList(ada, 'HIT', ['Before']));

        await takeAway(redis);
        for (let time = 0; time < 5; time++) await expectList(ada, 'BYPASS', ['Before']);
        await add(ada, 'Meanwhile');
        const { headers } = await expectList(ada, 'BYPASS', ['Meanwhile', 'Before']);
        await ada.get(LIST).set('if-none-match', headers['etag']!).expect(304).expect('x-cache', 'HIT');

        await bringBack(redis);
        await eventually(() => expectList(ada, 'HIT', ['Meanwhile', 'Before']));
        await add(ada, 'After');
        await expectList(ada, 'MISS', ['After', 'Meanwhile', 'Before']);
        await expectList(ada, 'HIT', ['After', 'Meanwhile', 'Before']);
      });
    });

    it('is passed by while there has not been a Redis yet, and used once there is', async () => {
      const redis = await RedisServer.create();
      await redis.stop();
      const storage = await createSqlite();
      const server = await createTestApp({
        storage,
        env: { REDIS_URL: redis.url, REDIS_COMMAND_TIMEOUT_MS: '500', CACHE_MEMORY_BYTES: '0' },
      });
      try {
        const ada = await asUser(server);
        await add(ada);
        await expectList(ada, 'BYPASS', ['Parasite']);
        await redis.start();
        await eventually(() => expectList(ada, 'HIT', ['Parasite']));
      } finally {
        await server.close();
        await storage.remove();
        await redis.remove();
      }
    });
  }
});

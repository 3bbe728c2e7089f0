import type { Response } from 'supertest';
import { AuditLog } from '../src/audit/audit-log.entity.js';
import { UsersService } from '../src/users/users.service.js';
import { derivedColumns } from '../src/watchlists/items/item-text.js';
import { WatchlistItem } from '../src/watchlists/items/item.entity.js';
import type { ItemQuery } from '../src/watchlists/items/item-query.js';
import { ItemsService } from '../src/watchlists/items/items.service.js';
import { Watchlist } from '../src/watchlists/lists/list.entity.js';
import { type Actor, asUser, randomEmail } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectInvalid, expectProblem, UNSET_FIELDS } from './support/expected.js';
import { stack } from './support/stack.js';

const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';
/** The longest that a title may be, of characters that take two code units each. */
const ASTRAL_255 = '\u{1F3AC}'.repeat(255);
const LONG_AGO = new Date('2020-02-29T12:34:56.789Z');

interface Item {
  readonly id: number;
  readonly title: string;
  readonly type: 'movie' | 'show';
  readonly created_at: string;
  readonly updated_at: string;
  readonly version: number;
}
type Type = Item['type'];
type Method = 'get' | 'head' | 'post' | 'patch' | 'delete';

describe('watchlists', () => {
  let server: TestApp;
  let ada: Actor;
  beforeAll(async () => {
    server = await createTestApp();
    ada = await asUser(server);
  });
  afterAll(() => server.close());

  async function add(actor: Actor, title = 'Parasite', type: Type = 'movie'): Promise<Item> {
    const { body } = await actor.post(ITEMS, { title, type }).expect(201);
    return (body as { item: Item }).item;
  }

  async function read(actor: Actor, { id }: Pick<Item, 'id'>): Promise<Item> {
    const { body } = await actor.get(`${ITEMS}/${id}`).expect(200);
    return (body as { item: Item }).item;
  }

  async function list(actor: Actor, query = '') {
    const { body } = await actor.get(`${LIST}?${query}`).expect(200);
    return body as { user: string; skip: number; limit: number; total: number; watchlist: Item[] };
  }

  /** The text of the body is sent as it is, so that it can hold what no JavaScript object can. */
  const sendRaw = (actor: Actor, method: 'post' | 'patch' | 'delete', path: string, json: string) =>
    server
      .request()
      [method](path)
      .set('authorization', `Bearer ${actor.token}`)
      .set('content-type', 'application/json')
      .send(json);

  const send = (actor: Actor, method: Method, path: string, body?: object) =>
    server.request()[method](path).set('authorization', `Bearer ${actor.token}`).send(body);

  const auditRows = ({ id }: Pick<Item, 'id'>) =>
    server.unitOfWork.read((manager) =>
      manager.find(AuditLog, {
        where: { resourceType: 'watchlist_item', resourceId: id },
        order: { id: 'ASC' },
      }),
    );

  /** As if it had been added, and last changed, at that time. */
  const backdate = ({ id }: Pick<Item, 'id'>, time = LONG_AGO) =>
    server.unitOfWork.write((manager) =>
      manager.update(WatchlistItem, { id }, { createdAt: time, updatedAt: time }),
    );

  /** Straight into the database, where a test needs many. */
  async function fill(ownerId: number, count: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, index) => {
      const title = `Title ${(index * 7919) % count}`;
      const createdAt = new Date(LONG_AGO.getTime() + index);
      const type: Type = index % 2 === 0 ? 'movie' : 'show';
      const times = { createdAt, updatedAt: createdAt };
      const derived = derivedColumns({ title, notes: null, tags: [] });
      return { userId: ownerId, title, ...derived, type, ...times, version: 1 };
    });
    await server.unitOfWork.write(async (manager) => {
      for (let start = 0; start < count; start += 500)
        await manager.insert(WatchlistItem, rows.slice(start, start + 500));
      const shows = Math.floor(count / 2);
      await manager.upsert(
        Watchlist,
        { userId: ownerId, version: 1, movie_planned: count - shows, show_planned: shows } as object,
        ['userId'],
      );
    });
  }

  const INVALID_TITLES: [string, unknown][] = [
    ['is missing', undefined],
    ['is null', null],
    ['is a number', 1],
    ['is a truth value', true],
    ['is a list', ['Parasite']],
    ['is an object', { title: 'Parasite' }],
    ['is empty', ''],
    ['is nothing but white space', ' \t\r\n\u00a0\u3000\ufeff'],
    ['has 256 characters', 'x'.repeat(256)],
    ['has 256 characters that take two code units each', '\u{1F3AC}'.repeat(256)],
    ['has thousands of characters', 'x'.repeat(10_000)],
    ['has a NUL', 'Para\0site'],
    ['has a line break', 'Para\nsite'],
    ['ends with a NUL', 'Parasite\0'],
  ];

  const INVALID_TYPES: [string, unknown][] = [
    ['is missing', undefined],
    ['is null', null],
    ['is unknown', 'book'],
    ['is in capitals', 'MOVIE'],
    ['has white space around it', ' movie '],
    ['is empty', ''],
    ['is a list', ['movie']],
    ['is a number', 0],
    ['is a name that every object has', 'toString'],
    ['has a NUL', 'movie\0'],
  ];

  const NORMALIZED: [string, string, string][] = [
    ['spaces around it', '  Parasite  ', 'Parasite'],
    ['any white space around it', '\ufeff\u3000\t\n Parasite \r\n\u00a0\u2028', 'Parasite'],
    ['spaces within it', 'In  the   Mood', 'In  the   Mood'],
    ['decomposed characters', 'Ame\u0301lie', 'Am\u00e9lie'],
    ['a character that only has another spelling', '\u212bngstr\u00f6m', '\u00c5ngstr\u00f6m'],
    ['compatibility characters', '\ufb01nal \u2167', '\ufb01nal \u2167'],
    ['characters of every length', 'aß映🎬', 'aß映🎬'],
    ['joined emoji', '👩\u200d👩\u200d👧\u200d👦', '👩\u200d👩\u200d👧\u200d👦'],
    ['quotes and markup', `<b>"O'Brien"</b> \\ %_`, `<b>"O'Brien"</b> \\ %_`],
    ['255 characters', 'x'.repeat(255), 'x'.repeat(255)],
    ['255 characters and spaces around them', ` ${'x'.repeat(255)} `, 'x'.repeat(255)],
    ['255 characters that take two code units each', ASTRAL_255, ASTRAL_255],
    ['255 characters once composed', 'e\u0301'.repeat(255), '\u00e9'.repeat(255)],
    ['255 characters whose sorting key is long', '\ufdfa'.repeat(255), '\ufdfa'.repeat(255)],
    ['neighbours of the control characters', ' ~\u00a0!~', '~\u00a0!~'],
  ];

  const CONTROL_CHARACTERS = [...Array(0xa0).keys()]
    .filter((code) => code <= 0x1f || code >= 0x7f)
    .map((code) => String.fromCodePoint(code));

  describe('POST /v1/watchlists/items', () => {
    it('adds an item and says where it is', async () => {
      const before = Date.now();
      const response = await ada.post(ITEMS, { title: 'Parasite', type: 'movie' }).expect(201);
      const { item } = response.body as { item: Item };
      expect(response.body).toEqual({
        status: 'ok',
        item: {
          id: expect.any(Number),
          title: 'Parasite',
          type: 'movie',
          ...UNSET_FIELDS,
          version: expect.any(Number),
          created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          updated_at: item.created_at,
        },
      });
      expect(Date.parse(item.created_at)).toBeGreaterThanOrEqual(before);
      expect(Date.parse(item.created_at)).toBeLessThanOrEqual(Date.now());
      expect(response.headers['location']).toBe(`${ITEMS}/${item.id}`);
      expect((await ada.get(response.headers['location']!).expect(200)).body).toEqual(response.body);
    });

    it.each(['movie', 'show'] as const)('adds a %s', async (type) => {
      expect((await read(ada, await add(ada, 'Severance', type))).type).toBe(type);
    });

    it('adds the same title twice', async () => {
      const grace = await asUser(server);
      const first = await add(grace, 'Dune');
      const second = await add(grace, 'Dune');
      expect(second.id).not.toBe(first.id);
      expect(await list(grace)).toMatchObject({ total: 2, watchlist: [second, first] });
    });

    it('writes one audit row with it', async () => {
      const item = await add(ada, 'Dark', 'show');
      expect(await auditRows(item)).toEqual([
        expect.objectContaining({
          action: 'watchlist_item.created',
          actorId: ada.id,
          actorEmail: ada.email,
          changes: { title: { from: null, to: 'Dark' }, type: { from: null, to: 'show' } },
        }),
      ]);
    });

    it.each(NORMALIZED)('stores a title with %s', async (_what, title, stored) => {
      const item = await add(ada, title);
      expect(item.title).toBe(stored);
      expect((await read(ada, item)).title).toBe(stored);
    });

    it.each(INVALID_TITLES)('refuses a title that %s', async (_what, title) => {
      expectInvalid(await ada.post(ITEMS, { title, type: 'movie' }), 'title');
    });

    it.each(INVALID_TYPES)('refuses a type that %s', async (_what, type) => {
      expectInvalid(await ada.post(ITEMS, { title: 'Parasite', type }), 'type');
    });

    it('refuses every control character', async () => {
      for (const character of CONTROL_CHARACTERS)
        expectInvalid(await ada.post(ITEMS, { title: `Para${character}site`, type: 'movie' }), 'title');
      expect(CONTROL_CHARACTERS).toHaveLength(65);
    });

    it.each([
      ['a high surrogate alone in the title', String.raw`{"title":"Para\ud800site","type":"movie"}`, 'title'],
      ['a low surrogate alone in the title', String.raw`{"title":"\udc00","type":"movie"}`, 'title'],
      [
        'two surrogates in the wrong order',
        String.raw`{"title":"Para\udfac\ud83csite","type":"movie"}`,
        'title',
      ],
      ['a surrogate alone in the type', String.raw`{"title":"Parasite","type":"movie\ud800"}`, 'type'],
      ['an escaped NUL', String.raw`{"title":"Para\u0000site","type":"movie"}`, 'title'],
    ])('refuses %s', async (_what, json, field) => {
      expectInvalid(await sendRaw(ada, 'post', ITEMS, json), field);
    });

    it('takes an escaped pair of surrogates for the character that it is', async () => {
      const json = String.raw`{"title":"\ud83c\udfac","type":"movie"}`;
      const { body } = await sendRaw(ada, 'post', ITEMS, json).expect(201);
      expect((body as { item: Item }).item.title).toBe('🎬');
    });

    it.each([
      ['an empty object', {}, ['title', 'type']],
      ['no body', undefined, ['title', 'type']],
      ['everything wrong at once', { title: '', type: 'book', year: 19 }, ['title', 'type', 'year']],
      ['an id', { title: 'Parasite', type: 'movie', id: 1 }, ['id']],
      ["somebody else's id as the owner", { title: 'Parasite', type: 'movie', user_id: 1 }, ['user_id']],
      ['a creation time', { title: 'Parasite', type: 'movie', created_at: LONG_AGO }, ['created_at']],
      ['another case', { Title: 'Parasite', type: 'movie' }, ['Title', 'title']],
      ['a name that every object has', { title: 'A', type: 'movie', constructor: 1 }, ['constructor']],
      ['two more of them', { title: 'A', type: 'movie', valueOf: 1, toString: 1 }, ['toString', 'valueOf']],
    ])('names every field that is wrong with %s', async (_what, body, fields) => {
      expectInvalid(await ada.post(ITEMS, body), ...fields);
    });

    it('stores nothing of what it refuses', async () => {
      const grace = await asUser(server);
      await grace.post(ITEMS, { title: 'Parasite', type: 'book' }).expect(422);
      await grace.post(ITEMS, { title: '', type: 'movie' }).expect(422);
      await grace.post(`${ITEMS}?x=1`, { title: 'Parasite', type: 'movie' }).expect(422);
      expect(await list(grace)).toMatchObject({ total: 0, watchlist: [] });
    });

    it('loses and doubles nothing when one user adds 100 items at once', async () => {
      const grace = await asUser(server);
      const titles = Array.from({ length: 100 }, (_, index) => `Title ${index}`);
      const answers = await Promise.all(titles.map((title) => grace.post(ITEMS, { title, type: 'movie' })));
      expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(201));

      const ids = answers.map(({ body }) => (body as { item: Item }).item.id).sort((a, b) => a - b);
      const { total, watchlist } = await list(grace, 'limit=100&sort=created_at_asc');
      expect(total).toBe(100);
      expect(watchlist.map(({ id }) => id).sort((a, b) => a - b)).toEqual(ids);
      expect(watchlist.map(({ title }) => title).sort()).toEqual([...titles].sort());

      const rows = await server.unitOfWork.read((manager) =>
        manager.findBy(AuditLog, { actorId: grace.id, action: 'watchlist_item.created' }),
      );
      expect(rows.map(({ resourceId }) => resourceId!).sort((a, b) => a - b)).toEqual(ids);
    });
  });

  describe('GET /v1/watchlists', () => {
    it('is empty for somebody new', async () => {
      const grace = await asUser(server);
      expect(await list(grace)).toEqual({
        user: grace.email,
        skip: 0,
        limit: 10,
        total: 0,
        has_more: false,
        next_cursor: null,
        counts: { planned: 0, watching: 0, watched: 0, on_hold: 0, dropped: 0 },
        version: 0,
        watchlist: [],
      });
    });

    it("has only the caller's own items", async () => {
      const [grace, linus] = [await asUser(server), await asUser(server)];
      const [hers, his] = [await add(grace, 'Hers'), await add(linus, 'His')];
      expect((await list(grace)).watchlist).toEqual([hers]);
      expect((await list(linus)).watchlist).toEqual([his]);
    });

    describe('a page at a time', () => {
      let grace: Actor;
      beforeAll(async () => {
        grace = await asUser(server);
        await fill(grace.id, 101);
      });

      it.each([
        ['', { skip: 0, limit: 10 }, 10],
        ['skip=0', { skip: 0, limit: 10 }, 10],
        ['limit=1', { skip: 0, limit: 1 }, 1],
        ['limit=100', { skip: 0, limit: 100 }, 100],
        ['skip=1&limit=100', { skip: 1, limit: 100 }, 100],
        ['skip=95', { skip: 95, limit: 10 }, 6],
        ['limit=2&skip=100', { skip: 100, limit: 2 }, 1],
        ['skip=101', { skip: 101, limit: 10 }, 0],
        ['skip=2147483647&limit=100', { skip: 2_147_483_647, limit: 100 }, 0],
        ['%73kip=%31', { skip: 1, limit: 10 }, 10],
      ])('?%s', async (query, bounds, count) => {
        const { watchlist, ...rest } = await list(grace, query);
        const hasMore = bounds.skip + count < 101;
        expect(rest).toEqual({
          user: grace.email,
          ...bounds,
          total: 101,
          has_more: hasMore,
          next_cursor: hasMore ? expect.stringMatching(/^[\w-]+$/) : null,
          counts: { planned: 101, watching: 0, watched: 0, on_hold: 0, dropped: 0 },
          version: 1,
        });
        expect(watchlist).toHaveLength(count);
      });

      it.each([
        ['type=movie', 51],
        ['type=show', 50],
        ['type=show&skip=49&limit=5', 50],
        ['type=movie&skip=2147483647', 51],
      ])('counts what matches: ?%s', async (query, total) => {
        const page = await list(grace, query);
        expect(page.total).toBe(total);
        for (const { type } of page.watchlist) expect(query).toContain(`type=${type}`);
      });
    });

    it('counts nothing where nothing matches', async () => {
      const grace = await asUser(server);
      await add(grace, 'Severance', 'show');
      expect(await list(grace, 'type=movie')).toMatchObject({ total: 0, watchlist: [] });
      expect(await list(grace, 'type=movie&skip=5')).toMatchObject({ total: 0, watchlist: [] });
    });

    it.each([
      ...['skip', 'limit'].flatMap((name) =>
        [
          '1e1',
          '0x10',
          '%205',
          '5%20',
          '+5',
          '%2B5',
          '-1',
          '01',
          '00',
          '1.0',
          '1_0',
          '',
          'abc',
          'NaN',
          '٣',
          'null',
        ]
          .concat('2147483648', '9007199254740993', '99999999999999999999')
          .map((value) => [`${name}=${value}`, name]),
      ),
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['skip', 'skip'],
      ['skip=1&skip=1', 'skip'],
      ['limit=5&limit=6', 'limit'],
      ['skip=1&s%6Bip=1', 'skip'],
      ['skip[]=1', 'skip[]'],
      ['skip[a]=1', 'skip[a]'],
      ['type=', 'type'],
      ['type=Movie', 'type'],
      ['type=book', 'type'],
      ['type=movie%00', 'type'],
      ['type=movie,show', 'type'],
      ['type=movie&type=movie', 'type'],
      ['type=movie&type=show', 'type'],
      ['sort=', 'sort'],
      ['sort=title', 'sort'],
      ['sort=TITLE_ASC', 'sort'],
      ['sort=id;DROP%20TABLE%20users', 'sort'],
      ['sort=toString', 'sort'],
      ['sort=title_asc&sort=title_desc', 'sort'],
      ['foo=1', 'foo'],
      ['foo', 'foo'],
      ['=1', ''],
      ['Limit=1', 'Limit'],
      ['user_id=1', 'user_id'],
      ['_=1', '_'],
      ['%00=1', '\0'],
      ['__proto__=1', '__proto__'],
      ['constructor=1', 'constructor'],
      ['toString=1', 'toString'],
      ['hasOwnProperty=1', 'hasOwnProperty'],
    ] as [string, string][])('refuses ?%s', async (query, field) => {
      expectInvalid(await ada.get(`${LIST}?${query}`), field);
    });

    it('names every parameter that is wrong', async () => {
      expectInvalid(
        await ada.get(`${LIST}?skip=-1&limit=0&type=x&sort=x&foo=1`),
        'skip',
        'limit',
        'type',
        'sort',
        'foo',
      );
    });

    describe('by time of adding', () => {
      /** Twelve items in the order of their times, of which neighbours share one; the ids are in another order. */
      let items: Item[];
      let grace: Actor;
      beforeAll(async () => {
        grace = await asUser(server);
        const added: Item[] = [];
        for (let index = 0; index < 12; index++)
          added.push(await add(grace, `Title ${index}`, index % 3 === 0 ? 'show' : 'movie'));
        // 0, 1, 2 | 6, 7, 8 | 3, 4, 5 | 9, 10, 11, three of each at one time.
        items = [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11].map((index) => added[index]!);
        for (const [index, item] of items.entries())
          await backdate(item, new Date(LONG_AGO.getTime() + Math.floor(index / 3)));
      });

      it.each([
        ['newest first when nothing is said', '', -1],
        ['newest first', 'created_at_desc', -1],
        ['oldest first', 'created_at_asc', 1],
      ])('%s, ties by id, in pages that never overlap', async (_what, sort, direction) => {
        const expected = direction === 1 ? items : items.toReversed();
        for (const type of [undefined, 'movie', 'show'] as const) {
          expect(await allTitles(grace, { sort, type, limit: 5 })).toEqual(
            expected.filter((item) => type === undefined || item.type === type).map(({ title }) => title),
          );
        }
      });
    });

    describe('by title', () => {
      /**
       * In the order of their sorting keys. Titles in one row have the same key (case, accents, width, a leading article and spelling aside).
       * The end is where UTF-16 would have another order: there the astral characters come before U+E000.
       */
      const TITLES = [
        ['!'],
        ['10 Things'],
        ['\u2460st', '1st'],
        ['9 to 5'],
        ['a', 'A', '\u{1D49C}', '\uff21'],
        ['a-b'],
        ['A_b'],
        ['AB'],
        ['A b'],
        ['Banana', 'banana', 'BANANA'],
        ['\u00c9clair', '\u00e9clair', 'Eclair'],
        ['\ufb01nal', 'FINAL'],
        ['Final 2'],
        ['The Godfather', 'godfather'],
        ['Istanbul', 'istanbul', '\u0130stanbul'],
        ['\u33a1', 'M2'],
        ['STRASSE'],
        ['stra\u00dfe', 'STRA\u1e9eE'],
        ['\u216b', 'XII'],
        ['Zebra', '\uff3aebra'],
        ['\u03a9mega', '\u03c9MEGA'],
        ['\u30d1\u30f3', '\uff8a\uff9f\uff9d'],
        ['\u6620\u753b'],
        ['\ue000'],
        ['\ufffc'],
        ['\ufffd'],
        ['\u{10400}', '\u{10428}'],
        ['\u{1F3AC}'],
        ['\u{20000}'],
      ];
      let grace: Actor;
      beforeAll(async () => {
        grace = await asUser(server);
        // Backwards, but those of one key in the order above, which is then that of their ids.
        for (const [index, titles] of [...TITLES.entries()].toReversed())
          for (const title of titles) await add(grace, title, index % 2 === 0 ? 'movie' : 'show');
      });

      it.each([
        ['title_asc', 1],
        ['title_desc', -1],
      ])(
        '%s, the same on every database, ties by id, in pages that never overlap',
        async (sort, direction) => {
          for (const type of [undefined, 'movie', 'show'] as const) {
            const ascending = TITLES.filter(
              (_titles, index) => type === undefined || (type === 'movie') === (index % 2 === 0),
            ).flat();
            expect(await allTitles(grace, { sort, type, limit: 7 })).toEqual(
              direction === 1 ? ascending : ascending.toReversed(),
            );
          }
        },
      );

      it('follows a title that is changed', async () => {
        const linus = await asUser(server);
        const [first] = [await add(linus, 'Alien'), await add(linus, 'Brazil')];
        await linus.patch(`${ITEMS}/${first.id}`, { title: 'casablanca' }).expect(200);
        expect(await allTitles(linus, { sort: 'title_asc', limit: 1 })).toEqual(['Brazil', 'casablanca']);
      });
    });

    /** Page after page until the last one, as a client would. */
    async function allTitles(
      actor: Actor,
      { sort, type, limit }: { sort: string; type?: Type; limit: number },
    ): Promise<string[]> {
      const titles: string[] = [];
      for (let total = 1; titles.length < total;) {
        const parameters = [`limit=${limit}`, `skip=${titles.length}`];
        if (sort) parameters.push(`sort=${sort}`);
        if (type) parameters.push(`type=${type}`);
        const page = await list(actor, parameters.join('&'));
        expect(page.watchlist).toHaveLength(Math.min(limit, page.total - titles.length));
        total = page.total;
        titles.push(...page.watchlist.map(({ title }) => title));
      }
      return titles;
    }

    describe('asked for by many at once', () => {
      const titlesOf = (page: { rows: readonly { title: string }[]; total: number }) => ({
        titles: page.rows.map(({ title }) => title),
        total: page.total,
      });
      let service: ItemsService;
      let owners: Actor[];
      beforeAll(async () => {
        service = server.app.get(ItemsService, { strict: false });
        owners = await Promise.all([0, 1, 2].map(() => asUser(server)));
        for (const [n, owner] of owners.entries()) {
          for (const film of ['f', 'g', 'h', 'i'].slice(0, n + 1)) {
            await add(owner, `${film} of ${n}`, film === 'g' ? 'show' : 'movie');
          }
        }
      });
      const filter = (
        owner: { id: number },
        { type, ...rest }: Partial<ItemQuery> & { type?: Type } = {},
      ) => ({
        ownerId: owner.id,
        filter: { type },
        sort: 'title_asc' as const,
        skip: 0,
        limit: 10,
        ...rest,
      });

      it('gives each the page that was asked for, also the same one twice, an empty one and nobody’s', async () => {
        const [first, second, third] = owners as [Actor, Actor, Actor];
        const statements = await statementsDuring(async () => {
          const pages = await Promise.all([
            service.page(filter(third)),
            service.page(filter(first)),
            service.page(filter(second, { skip: 1, limit: 1 })),
            service.page(filter(third, { skip: 1, limit: 1 })),
            service.page(filter(third)),
            service.page(filter(second, { skip: 5 })),
            service.page(filter({ id: 2_147_483_647 })),
          ]);
          expect(pages.map(titlesOf)).toEqual([
            { titles: ['f of 2', 'g of 2', 'h of 2'], total: 3 },
            { titles: ['f of 0'], total: 1 },
            { titles: ['g of 1'], total: 2 },
            { titles: ['g of 2'], total: 3 },
            { titles: ['f of 2', 'g of 2', 'h of 2'], total: 3 },
            { titles: [], total: 2 },
            { titles: [], total: 0 },
          ]);
        });
        expect(statements).toHaveLength(stack() === 'postgres+redis' ? 1 : 7);
      });

      it('does not mix up types and sorts', async () => {
        const third = owners[2]!;
        const pages = await Promise.all([
          service.page(filter(third, { sort: 'title_desc' })),
          service.page(filter(third, { type: 'movie' })),
          service.page(filter(third, { type: 'show' })),
          service.page(filter(third, { type: 'movie', sort: 'created_at_desc', limit: 1 })),
        ]);
        expect(pages.map(titlesOf)).toEqual([
          { titles: ['h of 2', 'g of 2', 'f of 2'], total: 3 },
          { titles: ['f of 2', 'h of 2'], total: 2 },
          { titles: ['g of 2'], total: 1 },
          { titles: ['h of 2'], total: 2 },
        ]);
      });

      it('shows a write what it has done so far', async () => {
        const { id } = await asUser(server);
        const page = await server.unitOfWork.write(async () => {
          await service.add(id, { title: 'Okja', type: 'movie' }, { id, email: null });
          return service.page(filter({ id }));
        });
        expect(titlesOf(page)).toEqual({ titles: ['Okja'], total: 1 });
      });
    });

    describe('costs the same however long the list is', () => {
      let grace: Actor;
      beforeAll(async () => {
        grace = await asUser(server);
        await fill(grace.id, 500);
        const users = server.app.get(UsersService, { strict: false });
        for (let other = 0; other < 5; other++) {
          const { id } = await users.create(randomEmail(), 'v0$none', 'user');
          await fill(id, 1000);
        }
        await server.unitOfWork.write((manager) => manager.query('ANALYZE watchlist_items'));
      });

      it.each([
        ['', 'ix_watchlist_items_created'],
        ['sort=created_at_asc', 'ix_watchlist_items_created'],
        ['sort=title_asc', 'ix_watchlist_items_title'],
        ['sort=title_desc', 'ix_watchlist_items_title'],
        ['type=movie', 'ix_watchlist_items_type_created'],
        ['type=show&sort=created_at_asc', 'ix_watchlist_items_type_created'],
        ['type=movie&sort=title_asc', 'ix_watchlist_items_type_title'],
        ['type=show&sort=title_desc', 'ix_watchlist_items_type_title'],
        ['type=show&sort=title_desc&skip=100', 'ix_watchlist_items_type_title'],
      ])('?%s reads in the order of %s', async (query, index) => {
        const statements = await statementsDuring(() => list(grace, query));
        expect(statements).toHaveLength(1);
        // Said, and not left to the index that happens to be used.
        expect(statements[0]!.sql).toMatch(/ORDER BY item\.\w+ (ASC|DESC), item\.id \1 /);
        const plan = await explain(statements[0]!);
        expect(plan).toMatch(new RegExp(`\\b${index}\\b`));
        expect(plan).not.toMatch(
          /Seq Scan on watchlist_items|^SCAN item(?! LEFT-JOIN)|\bSort\b|TEMP B-TREE/m,
        );
      });

      it('and the number behind the last page is not counted', async () => {
        expect(await list(grace, 'type=movie&skip=500')).toMatchObject({ total: 250, watchlist: [] });
      });
    });

    interface Statement {
      readonly sql: string;
      readonly parameters: unknown[] | undefined;
    }

    /** What the server itself asks of the items' table meanwhile. */
    async function statementsDuring(work: () => Promise<unknown>): Promise<Statement[]> {
      const statements: Statement[] = [];
      const connection = await server.unitOfWork.read(async (manager) => manager.connection);
      const logQuery = jest
        .spyOn(connection.logger, 'logQuery')
        .mockImplementation((sql, parameters) => void statements.push({ sql, parameters }));
      await work();
      logQuery.mockRestore();
      return statements.filter(({ sql }) => sql.includes('watchlist_items'));
    }

    async function explain({ sql, parameters }: Statement): Promise<string> {
      const command = stack() === 'postgres+redis' ? 'EXPLAIN' : 'EXPLAIN QUERY PLAN';
      const rows = await server.unitOfWork.read((manager) =>
        manager.query<Record<string, unknown>[]>(`${command} ${sql}`, parameters),
      );
      return rows.map((row) => String(row['QUERY PLAN'] ?? row['detail'])).join('\n');
    }
  });

  describe('GET /v1/watchlists/items/{item_id}', () => {
    it('returns the item', async () => {
      const item = await add(ada, 'Severance', 'show');
      const { body } = await ada.get(`${ITEMS}/${item.id}`).expect(200);
      expect(body).toEqual({ status: 'ok', item });
    });

    it('has times to the millisecond, in UTC', async () => {
      const item = await add(ada);
      await backdate(item);
      expect(await read(ada, item)).toMatchObject({
        created_at: '2020-02-29T12:34:56.789Z',
        updated_at: '2020-02-29T12:34:56.789Z',
      });
    });
  });

  describe('PATCH /v1/watchlists/items/{item_id}', () => {
    it.each<[string, { title?: string; type?: Type }]>([
      ['the title', { title: 'Gisaengchung' }],
      ['the type', { type: 'show' }],
      ['both', { title: 'Gisaengchung', type: 'show' }],
      ['the case of a letter', { title: 'parasite' }],
    ])('changes %s, and leaves the rest', async (_what, change) => {
      const item = await add(ada, 'Parasite', 'movie');
      await backdate(item);
      const before = Date.now();
      const { body } = await ada.patch(`${ITEMS}/${item.id}`, change).expect(200);
      const { item: changed } = body as { item: Item };
      expect(body).toEqual({
        status: 'ok',
        item: {
          ...item,
          ...change,
          version: item.version + 1,
          created_at: LONG_AGO.toISOString(),
          updated_at: changed.updated_at,
        },
      });
      expect(Date.parse(changed.updated_at)).toBeGreaterThanOrEqual(before);
      expect(await read(ada, item)).toEqual(changed);
    });

    it('writes one audit row that has what changed and nothing else', async () => {
      const item = await add(ada, 'Parasite', 'movie');
      await ada.patch(`${ITEMS}/${item.id}`, { title: 'Parasite', type: 'show' }).expect(200);
      expect((await auditRows(item)).slice(1)).toEqual([
        expect.objectContaining({
          action: 'watchlist_item.updated',
          actorId: ada.id,
          changes: { type: { from: 'movie', to: 'show' } },
        }),
      ]);
    });

    it.each([
      ['the same title', { title: 'Amélie' }],
      ['the same type', { type: 'movie' }],
      ['the same title in another spelling', { title: '  Ame\u0301lie ' }],
      ['both as they are', { title: 'Amélie', type: 'movie' }],
    ])('with %s changes nothing', async (_what, same) => {
      const grace = await asUser(server);
      const item = await add(grace, 'Amélie', 'movie');
      await backdate(item);
      const stored = await read(grace, item);
      const { headers } = await grace.get(LIST).expect('x-cache', 'MISS');

      expect((await grace.patch(`${ITEMS}/${item.id}`, same).expect(200)).body).toEqual({
        status: 'ok',
        item: stored,
      });

      expect(await read(grace, item)).toEqual(stored);
      expect(stored.updated_at).toBe(LONG_AGO.toISOString());
      expect(await auditRows(item)).toHaveLength(1);
      await grace.get(LIST).expect(200).expect('x-cache', 'HIT').expect('etag', headers['etag']!);
    });

    it.each(NORMALIZED)('stores a title with %s', async (_what, title, stored) => {
      const item = await add(ada, 'Untitled');
      await ada.patch(`${ITEMS}/${item.id}`, { title }).expect(200);
      expect((await read(ada, item)).title).toBe(stored);
    });

    describe('refuses', () => {
      let item: Item;
      beforeAll(async () => {
        item = await add(ada);
      });
      afterEach(async () => {
        expect(await read(ada, item)).toEqual(item);
        expect(await auditRows(item)).toHaveLength(1);
      });

      it.each(INVALID_TITLES.slice(1))('a title that %s', async (_what, title) => {
        expectInvalid(await ada.patch(`${ITEMS}/${item.id}`, { title }), 'title');
      });

      it.each(INVALID_TYPES.slice(1))('a type that %s', async (_what, type) => {
        expectInvalid(await ada.patch(`${ITEMS}/${item.id}`, { type }), 'type');
      });

      it('every control character', async () => {
        for (const character of CONTROL_CHARACTERS)
          expectInvalid(await ada.patch(`${ITEMS}/${item.id}`, { title: `Para${character}site` }), 'title');
      });

      it.each([
        ['an empty object', {}, ['body']],
        ['no body', undefined, ['body']],
        ['null for both', { title: null, type: null }, ['title', 'type']],
        ['nothing but an unknown field', { colour: 'red' }, ['body', 'colour']],
        ['an unknown field beside a good one', { title: 'Mother', colour: 'red' }, ['colour']],
        ['one bad field beside a good one', { title: 'Mother', type: 'book' }, ['type']],
        ['an id', { title: 'Mother', id: 1 }, ['id']],
        ['another owner', { title: 'Mother', user_id: 1 }, ['user_id']],
      ])('%s', async (_what, body, fields) => {
        expectInvalid(await ada.patch(`${ITEMS}/${item.id}`, body), ...fields);
      });

      it.each([
        ['a surrogate alone in the title', String.raw`{"title":"Para\ud800site"}`, ['title']],
        ['a surrogate alone in the type', String.raw`{"type":"\udfff"}`, ['type']],
        ['an escaped NUL', String.raw`{"title":"Para\u0000site"}`, ['title']],
      ])('%s', async (_what, json, fields) => {
        expectInvalid(await sendRaw(ada, 'patch', `${ITEMS}/${item.id}`, json), ...fields);
      });
    });
  });

  describe('DELETE /v1/watchlists/items/{item_id}', () => {
    const NO_CONTENT = { status: 204, text: '' };

    function expectNoContent(response: Response): void {
      expect({ status: response.status, text: response.text }).toEqual(NO_CONTENT);
      expect(response.headers).not.toHaveProperty('content-type');
      expect(response.headers).not.toHaveProperty('content-length');
    }

    it('takes the item off the list, once', async () => {
      const grace = await asUser(server);
      const [first, second] = [await add(grace, 'Alien'), await add(grace, 'Brazil')];
      expectNoContent(await grace.delete(`${ITEMS}/${first.id}`));
      expectProblem(await grace.get(`${ITEMS}/${first.id}`), 404, 'ITEM_NOT_FOUND');
      expectProblem(await grace.delete(`${ITEMS}/${first.id}`), 404, 'ITEM_NOT_FOUND');
      expectProblem(await grace.patch(`${ITEMS}/${first.id}`, { title: 'Aliens' }), 404, 'ITEM_NOT_FOUND');
      expect(await list(grace)).toMatchObject({ total: 1, watchlist: [second] });
    });

    it('writes one audit row, which has what was there', async () => {
      const item = await add(ada, 'Dark', 'show');
      await ada.delete(`${ITEMS}/${item.id}`).expect(204);
      await ada.delete(`${ITEMS}/${item.id}`).expect(404);
      expect((await auditRows(item)).slice(1)).toEqual([
        expect.objectContaining({
          action: 'watchlist_item.deleted',
          actorId: ada.id,
          changes: { title: { from: 'Dark', to: null }, type: { from: 'show', to: null } },
        }),
      ]);
    });

    it('lets exactly one of two that race have it', async () => {
      const item = await add(ada);
      const answers = await Promise.all([1, 2, 3, 4].map(() => ada.delete(`${ITEMS}/${item.id}`)));
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 404, 404, 404]);
      expect(await auditRows(item)).toHaveLength(2);
    });

    it.each([
      ['no body', ''],
      ['an empty object', '{}'],
    ])('takes a JSON content type with %s', async (_what, json) => {
      const item = await add(ada);
      expectNoContent(await sendRaw(ada, 'delete', `${ITEMS}/${item.id}`, json));
    });

    it('refuses a body that says anything', async () => {
      const item = await add(ada);
      expectInvalid(
        await ada.delete(`${ITEMS}/${item.id}`).send({ force: true, title: 'x' }),
        'force',
        'title',
      );
      expect(await read(ada, item)).toEqual(item);
    });
  });

  describe('an id', () => {
    const REQUESTS: [Method, object | undefined][] = [
      ['get', undefined],
      ['patch', { title: 'Mine now' }],
      ['delete', undefined],
    ];

    describe.each(REQUESTS)('of %s', (method, body) => {
      it("of somebody else's item is like one that nobody has", async () => {
        const grace = await asUser(server);
        const hers = await add(grace);
        const foreign = await send(ada, method, `${ITEMS}/${hers.id}`, body);
        const unknown = await send(ada, method, `${ITEMS}/2147483647`, body);
        expectProblem(foreign, 404, 'ITEM_NOT_FOUND');
        expectProblem(unknown, 404, 'ITEM_NOT_FOUND');
        expect(foreign.body.detail).toBe(unknown.body.detail);
        expect(await read(grace, hers)).toEqual(hers);
        expect(await auditRows(hers)).toHaveLength(1);
      });

      it.each([
        '0',
        '01',
        '+1',
        '-1',
        '1e3',
        '0x10',
        '1.0',
        '1.',
        '1_0',
        '%201',
        '1%20',
        '1%0a',
        '%00',
        '%D9%A1',
        'abc',
        'null',
        'NaN',
        'Infinity',
        '1,2',
        '1;2',
        '2147483648',
        '9007199254740993',
      ])('%s is one that nobody has', async (id) => {
        expectProblem(await send(ada, method, `${ITEMS}/${id}`, body), 404, 'ITEM_NOT_FOUND');
      });
    });

    it('may be as long as an address may be, and is one that nobody has', async () => {
      for (const id of ['1'.repeat(4000), 'x'.repeat(8000)])
        expectProblem(await ada.get(`${ITEMS}/${id}`), 404, 'ITEM_NOT_FOUND');
    });

    it('may be percent-encoded', async () => {
      const item = await add(ada);
      const encoded = [...String(item.id)].map((digit) => `%3${digit}`).join('');
      expect((await ada.get(`${ITEMS}/${encoded}`).expect(200)).body).toEqual({ status: 'ok', item });
    });

    it.each(['1', 'abc', '2147483648'])('(%s) is looked at after the body and the query', async (id) => {
      expectInvalid(await ada.patch(`${ITEMS}/${id}`, {}), 'body');
      expectInvalid(await ada.patch(`${ITEMS}/${id}`, { title: '' }), 'title');
      expectInvalid(await ada.get(`${ITEMS}/${id}?x=1`), 'x');
      expectInvalid(await ada.delete(`${ITEMS}/${id}?x=1`), 'x');
    });
  });

  describe('a query parameter where there are none', () => {
    let item: Item;
    beforeAll(async () => {
      item = await add(ada);
    });

    it.each<[Method, string, object | undefined]>([
      ['get', '/v1/auth/me', undefined],
      ['post', ITEMS, { title: 'Parasite', type: 'movie' }],
      ['get', `${ITEMS}/{id}`, undefined],
      ['patch', `${ITEMS}/{id}`, { title: 'Mother' }],
      ['delete', `${ITEMS}/{id}`, undefined],
    ])('is refused: %s %s', async (method, template, body) => {
      const path = template.replace('{id}', String(item.id));
      expectInvalid(await send(ada, method, `${path}?x=1`, body), 'x');
      expectInvalid(await send(ada, method, `${path}/?limit=1&skip=0&skip=1`, body), 'limit', 'skip');
      expectInvalid(await send(ada, method, `${path}?__proto__=1`, body), '__proto__');
      expect(await read(ada, item)).toEqual(item);
    });

    it('is named together with what is wrong with the body', async () => {
      expectInvalid(
        await ada.post(`${ITEMS}?x=1`, { title: '', colour: 'red' }),
        'colour',
        'title',
        'type',
        'x',
      );
      expectInvalid(await ada.patch(`${ITEMS}/${item.id}?x=1`, {}), 'body', 'x');
    });
  });

  it('may be asked with a trailing slash everywhere', async () => {
    const grace = await asUser(server);
    const added = await grace.post(`${ITEMS}/`, { title: 'Parasite', type: 'movie' }).expect(201);
    const { item } = added.body as { item: Item };
    expect(added.headers['location']).toBe(`${ITEMS}/${item.id}`);
    const path = `${ITEMS}/${item.id}/`;
    expect((await grace.get(path).expect(200)).body).toEqual({ status: 'ok', item });
    expect((await grace.get(`${LIST}/?limit=1`).expect(200)).body).toMatchObject({
      limit: 1,
      watchlist: [item],
    });
    expect((await grace.get(`${LIST}/`).expect(200)).body).toMatchObject({ limit: 10, watchlist: [item] });
    expect((await grace.patch(path, { type: 'show' }).expect(200)).body.item.type).toBe('show');
    await grace.delete(path).expect(204);
    expectProblem(await grace.get(path), 404, 'ITEM_NOT_FOUND');
  });

  describe('HEAD', () => {
    let item: Item;
    beforeAll(async () => {
      item = await add(ada);
    });

    it.each([
      ['the list', () => LIST, 200],
      ['a page of it', () => `${LIST}?limit=1&type=movie`, 200],
      ['an item', () => `${ITEMS}/${item.id}`, 200],
      ['an item that is not there', () => `${ITEMS}/2147483647`, 404],
      ['a bad query', () => `${LIST}?limit=0`, 422],
    ])('of %s is GET without the body', async (_what, pathOf, status) => {
      const got = await send(ada, 'get', pathOf());
      const headed = await send(ada, 'head', pathOf());
      expect([got.status, headed.status]).toEqual([status, status]);
      expect(got.text).not.toBe('');
      expect(headed.text ?? '').toBe('');
      for (const name of ['content-type', 'content-length', 'cache-control', 'etag', 'vary'])
        expect([name, headed.headers[name]]).toEqual([name, got.headers[name]]);
    });
  });

  describe('Cache-Control', () => {
    const own = (method: Method, path: string, body?: object) => () => send(ada, method, path, body);
    const anonymous = () => server.request().get(LIST);
    const PATH = (item: Item) => `${ITEMS}/${item.id}`;

    it('is private and to be revalidated for the list', async () => {
      await ada.get(LIST).expect(200).expect('cache-control', 'private, no-cache');
    });

    it.each<[number, string, () => PromiseLike<Response>]>([
      [201, 'adding', own('post', ITEMS, { title: 'Parasite', type: 'movie' })],
      [422, 'adding what is not acceptable', own('post', ITEMS, {})],
      [200, 'an item', async () => ada.get(PATH(await add(ada)))],
      [404, 'an unknown item', own('get', `${ITEMS}/abc`)],
      [200, 'changing', async () => ada.patch(PATH(await add(ada)), { title: 'Mother' })],
      [422, 'changing nothing', async () => ada.patch(PATH(await add(ada)), {})],
      [204, 'deleting', async () => ada.delete(PATH(await add(ada)))],
      [404, 'deleting what is not there', own('delete', `${ITEMS}/2147483647`)],
      [422, 'a list that was asked for wrongly', own('get', `${LIST}?limit=0`)],
      [401, 'a list for nobody', anonymous],
      [405, 'a method that the list does not have', own('post', LIST, {})],
      [404, 'a path that is not there', own('get', `${LIST}/nothing`)],
    ])('is no-store for %s %s', async (status, _what, ask) => {
      const response = await ask();
      expect([response.status, response.headers['cache-control']]).toEqual([status, 'no-store']);
    });
  });

  describe('adding, in one transaction', () => {
    it('has an audit row with its own id for each of several that are added at once', async () => {
      const { id: ownerId } = await asUser(server);
      const service = server.app.get(ItemsService, { strict: false });
      const titles = ['Alien', 'Brazil', 'Casablanca', 'Dune'];
      const items = await server.unitOfWork.write(() =>
        Promise.all(
          titles.map((title) => service.add(ownerId, { title, type: 'movie' }, { id: ownerId, email: null })),
        ),
      );
      expect(new Set(items.map(({ id }) => id)).size).toBe(4);
      for (const item of items) {
        const rows = await auditRows(item);
        expect(rows.map(({ changes }) => changes['title'])).toEqual([{ from: null, to: item.title }]);
      }
    });

    it('says of an owner who is not there that there is none, also within a larger write', async () => {
      const service = server.app.get(ItemsService, { strict: false });
      const adding = () =>
        service.add(2_147_483_647, { title: 'Okja', type: 'movie' }, { id: null, email: null });
      await expect(adding()).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
      await expect(server.unitOfWork.write(adding)).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
    });
  });
});

import { AuditLog } from '../src/audit/audit-log.entity.js';
import { type Actor, asAdmin, asUser } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectInvalid, expectProblem, UNSET_FIELDS } from './support/expected.js';

const ITEMS = '/v1/watchlists/items';
const ADMIN_ITEMS = '/v1/admin/watchlists/items';
const LETTER = '\u{1F3AC}';
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

type Item = Readonly<Record<string, unknown>> & { readonly id: number; readonly version: number };

/** Of each field: values that are stored, and as what. */
const VALID: readonly [field: string, given: unknown, stored?: unknown][] = [
  ['year', 1870],
  ['year', 2200],
  ...['planned', 'watching', 'watched', 'on_hold', 'dropped'].map((status): [string, string] => [
    'status',
    status,
  ]),
  ['rating', 0.1],
  ['rating', 8.5],
  ['rating', 10],
  ['notes', `First line\n\tsecond ${LETTER}`],
  ['notes', '  spaces around \n', 'spaces around'],
  ['notes', 'one\r\ntwo\rthree', 'one\ntwo\nthree'],
  ['notes', 'Ame\u0301lie', 'Am\u00e9lie'],
  ['notes', LETTER.repeat(5000)],
  ['tags', []],
  ['tags', ['Sci-Fi', 'date night', '映画']],
  ['tags', [' cinema ', 'Ame\u0301lie'], ['cinema', 'Am\u00e9lie']],
  ['tags', ['Noir', 'NOIR', 'b', 'noir', 'ÉTÉ', 'été'], ['Noir', 'b', 'ÉTÉ']],
  ['tags', Array.from({ length: 20 }, (_, index) => `${10 + index}${LETTER.repeat(38)}`)],
  ['tags', Array.from({ length: 21 }, () => 'same'), ['same']],
  ['poster_url', 'https://example.com/a.jpg?size=2#top'],
  ['poster_url', 'https://example.com/'.padEnd(2000, 'x')],
  ['runtime_minutes', 1],
  ['runtime_minutes', 5000],
  ['release_date', '2019-05-30'],
  ['release_date', '2024-02-29'],
  ['watched_at', '2026-11-23T08:30:00+01:00', '2026-11-23T07:30:00.000Z'],
  ['watched_at', '2026-11-23', '2026-11-23T12:00:00.000Z'],
];

const INVALID: readonly [field: string, given: unknown][] = [
  ...[1869, 2201, 2019.5, '2019', true, [2019], {}].map((value): [string, unknown] => ['year', value]),
  ...['seen', 'WATCHED', '', 1, ['planned'], 'toString'].map((value): [string, unknown] => ['status', value]),
  ...[0, 0.05, 8.25, 10.1, -1, '9', true, [9]].map((value): [string, unknown] => ['rating', value]),
  ...['', ' \n', 'x'.repeat(5001), 'a\u0000b', 'a\u0007b', 'a\u0085b', 7, ['a']].map(
    (value): [string, unknown] => ['notes', value],
  ),
  ...[
    'noir',
    [1],
    [''],
    [' '],
    ['a,b'],
    ['a\nb'],
    ['\u200b'],
    ['x'.repeat(41)],
    [['a']],
    [null],
    { 0: 'a' },
    Array.from({ length: 21 }, (_, index) => `${index}`),
  ].map((value): [string, unknown] => ['tags', value]),
  ...[
    'http://example.com/a.jpg',
    'example.com/a.jpg',
    'https://',
    'https://ada:secret@example.com/',
    'https://example.com/a b',
    'javascript:alert(1)',
    'https://example.com/'.padEnd(2001, 'x'),
    7,
  ].map((value): [string, unknown] => ['poster_url', value]),
  ...[0, 5001, 1.5, '90'].map((value): [string, unknown] => ['runtime_minutes', value]),
  ...['2019-02-29', '2019-5-30', '30.05.2019', '2019-05-30T00:00:00Z', '2019', 20190530].map(
    (value): [string, unknown] => ['release_date', value],
  ),
  ...['yesterday', '2026-02-30', '2026-11-23T08:30', 1795422600, {}].map((value): [string, unknown] => [
    'watched_at',
    value,
  ]),
];

describe('the fields of an item', () => {
  let server: TestApp;
  let ada: Actor;
  let admin: Actor;
  beforeAll(async () => {
    server = await createTestApp();
    ada = await asUser(server);
    admin = await asAdmin(server);
  });
  afterAll(() => server.close());

  const itemIn = ({ body }: { readonly body: unknown }) => (body as { readonly item: Item }).item;
  const add = async (fields: object = {}) =>
    itemIn(await ada.post(ITEMS, { title: 'Parasite', type: 'movie', ...fields }).expect(201));
  const read = async ({ id }: Item) => itemIn(await ada.get(`${ITEMS}/${id}`).expect(200));
  const patch = ({ id }: Item, fields: object) => ada.patch(`${ITEMS}/${id}`, fields);
  const changesOf = async ({ id }: Item) => {
    const rows = await server.unitOfWork.read((manager) =>
      manager.find(AuditLog, {
        where: { resourceType: 'watchlist_item', resourceId: id },
        order: { id: 'ASC' },
      }),
    );
    return rows.map(({ changes }) => changes);
  };

  const FULL = {
    title: 'Dark',
    type: 'show',
    year: 2017,
    status: 'watching',
    rating: 9.5,
    notes: 'With Ana.\nIn German.',
    tags: ['german', 'Time travel'],
    poster_url: 'https://example.com/dark.jpg',
    runtime_minutes: 60,
    release_date: '2017-12-01',
    progress: { season: 2, episode: 4 },
    watched_at: '2026-11-01T12:00:00.000Z',
  };
  let works = 0;
  /** With ids that no other item has. */
  const full = () => ({ ...FULL, ids: { tmdb: ++works } });

  it('are unset in an item that has only a title and a type', async () => {
    const item = await add();
    expect(item).toMatchObject(UNSET_FIELDS);
    expect(await changesOf(item)).toEqual([
      { title: { from: null, to: 'Parasite' }, type: { from: null, to: 'movie' } },
    ]);
  });

  it('are stored, listed and audited together', async () => {
    const fields = full();
    const item = await add(fields);
    expect(item).toMatchObject(fields);
    expect(await read(item)).toEqual(item);
    const { body } = await ada.get('/v1/watchlists?type=show').expect(200);
    expect((body as { watchlist: Item[] }).watchlist).toContainEqual(item);
    const [changes] = await changesOf(item);
    expect(Object.fromEntries(Object.entries(changes!).map(([name, { to }]) => [name, to]))).toEqual(fields);
  });

  it.each(VALID)('stores %s: %j', async (field, given, stored = given) => {
    const added = await add({ [field]: given });
    expect(added[field]).toEqual(stored);
    const other = await add();
    const changed = itemIn(await patch(other, { [field]: given }).expect(200));
    expect(changed[field]).toEqual(stored);
    expect(await read(added)).toEqual(added);
    expect(await read(other)).toEqual(changed);
  });

  it.each(INVALID)('refuses %s: %j', async (field, given) => {
    const item = await add();
    expectInvalid(await ada.post(ITEMS, { title: 'Parasite', type: 'movie', [field]: given }), field);
    expectInvalid(await patch(item, { [field]: given }), field);
    expectInvalid(await admin.patch(`${ADMIN_ITEMS}/${item.id}`, { [field]: given }), field);
    expect(await read(item)).toEqual(item);
  });

  it('say what is wrong, all at once', async () => {
    const response = await ada.post(ITEMS, {
      title: 'Parasite',
      type: 'movie',
      year: 19,
      rating: 11,
      tags: 'noir',
      release_date: 'May',
      watched_at: 'now',
      poster_url: 'x',
      progress: 2,
    });
    expect((response.body as { errors: unknown }).errors).toEqual([
      { field: 'year', message: 'must be a whole number from 1870 to 2200' },
      { field: 'rating', message: 'must be a number from 0.1 to 10 with at most one decimal' },
      {
        field: 'tags',
        message:
          'must be a list of at most 20 tags. A tag is text of 1 to 40 characters without commas or control characters',
      },
      { field: 'poster_url', message: 'must be an https:// address of at most 2000 characters' },
      { field: 'release_date', message: 'must be a date such as 2026-11-23' },
      { field: 'progress', message: 'must be an object' },
      {
        field: 'watched_at',
        message: 'must be a time such as 2026-11-23T08:30:00Z, or a date such as 2026-11-23',
      },
    ]);
  });

  describe('in a change', () => {
    it.each(Object.keys(UNSET_FIELDS))('are cleared by null: %s', async (field) => {
      const { [field]: unset } = UNSET_FIELDS as Record<string, unknown>;
      const item = await add(full());
      const changed = itemIn(await patch(item, { [field]: null }).expect(200));
      expect(changed).toEqual({
        ...item,
        [field]: unset,
        updated_at: expect.stringMatching(INSTANT),
        version: item.version + 1,
      });
      expect((await changesOf(item))[1]).toEqual({ [field]: { from: item[field], to: unset } });
    });

    it.each(['title', 'type'])('refuse null for %s', async (field) => {
      expectInvalid(await patch(await add(), { [field]: null }), field);
    });

    it('leave the item alone when they have these values already', async () => {
      const fields = full();
      const item = await add(fields);
      expect(itemIn(await patch(item, fields).expect(200))).toEqual(item);
      expect(await changesOf(item)).toHaveLength(1);
    });

    it('replace the tags and the progress as a whole', async () => {
      const item = await add(full());
      const changed = itemIn(await patch(item, { tags: ['noir'], progress: { season: 3 } }).expect(200));
      expect(changed).toMatchObject({ tags: ['noir'], progress: { season: 3 } });
      expect(changed['progress']).toEqual({ season: 3 });
    });

    it('can come as a merge patch', async () => {
      const { id } = await add();
      const { body } = await ada
        .patch(`${ITEMS}/${id}`)
        .set('content-type', 'application/merge-patch+json')
        .send('{"year":2019}')
        .expect(200);
      expect(itemIn({ body })).toMatchObject({ year: 2019 });
    });
  });

  describe('ids', () => {
    const ids = {
      imdb: 'tt0000001',
      tmdb: 2147483647,
      tvdb: 2,
      tvmaze: 3,
      trakt: 4,
      simkl: 5,
      mal: 6,
      anilist: 7,
      wikidata: 'Q1',
      letterboxd: 'https://boxd.it/2b',
    };
    let owner: Actor;
    beforeEach(async () => {
      owner = await asUser(server);
    });
    const send = (fields: object) => owner.post(ITEMS, { title: 'Parasite', type: 'movie', ...fields });
    const addTo = async (fields: object) => itemIn(await send(fields).expect(201));
    const change = ({ id }: Item, fields: object) => owner.patch(`${ITEMS}/${id}`, fields);

    function expectExists(response: Awaited<ReturnType<typeof send>>, { id }: Item): void {
      expect(response.body).toMatchObject({
        status: 409,
        code: 'ITEM_EXISTS',
        existing_item_id: id,
        existing_item_deleted: false,
      });
    }

    it('are stored', async () => {
      const item = await addTo({ ids });
      expect(item['ids']).toEqual(ids);
      expect(itemIn(await owner.get(`${ITEMS}/${item.id}`))).toEqual(item);
    });

    it.each([
      [{ imdb: '6751668' }, 'ids.imdb'],
      [{ imdb: 'tt123456' }, 'ids.imdb'],
      [{ tmdb: '496243' }, 'ids.tmdb'],
      [{ tmdb: 0 }, 'ids.tmdb'],
      [{ mal: 2147483648 }, 'ids.mal'],
      [{ wikidata: 'P1' }, 'ids.wikidata'],
      [{ letterboxd: 'x'.repeat(101) }, 'ids.letterboxd'],
      [{ letterboxd: 'a b' }, 'ids.letterboxd'],
      [{ plex: 1 }, 'ids.plex'],
      [['tt6751668'], 'ids'],
      ['tt6751668', 'ids'],
    ])('are refused: %j', async (given, field) => {
      expectInvalid(await send({ ids: given }), field);
    });

    it('are merged by a change, in which null removes one of them', async () => {
      const item = await addTo({ ids: { imdb: 'tt0000001', tmdb: 1 } });
      const changed = itemIn(await change(item, { ids: { tmdb: null, mal: 6 } }).expect(200));
      expect(changed['ids']).toEqual({ imdb: 'tt0000001', mal: 6 });
      await addTo({ ids: { tmdb: 1 } });
      expectExists(await send({ ids: { mal: 6 } }), item);
    });

    it('are all removed by null', async () => {
      const item = await addTo({ ids });
      expect(itemIn(await change(item, { ids: null }).expect(200))['ids']).toEqual({});
      await addTo({ ids });
    });

    it('are unique on a list, among movies and among shows', async () => {
      const movie = await addTo({ ids: { tmdb: 1, imdb: 'tt0000001' } });
      const show = await addTo({ type: 'show', ids: { tmdb: 1 } });
      expectExists(await send({ ids: { tmdb: 1 } }), movie);
      expectExists(await send({ ids: { imdb: 'tt0000001', tmdb: 2 } }), movie);
      expectExists(await change(show, { type: 'movie' }), movie);
      const other = await addTo({ ids: { tmdb: 3 } });
      expectExists(await change(other, { ids: { tmdb: 1 } }), movie);
      await change(movie, { ids: { tmdb: 1 }, title: 'Okja' }).expect(200);
      const { body } = await owner.get('/v1/watchlists').expect(200);
      expect(body).toMatchObject({ total: 3 });
    });

    it('of other lists are of no concern', async () => {
      await addTo({ ids });
      owner = await asUser(server);
      await addTo({ ids });
    });

    it('are free again when the item is deleted for good', async () => {
      const item = await addTo({ ids });
      await owner.delete(`${ITEMS}/${item.id}?permanent=true`).expect(204);
      await addTo({ ids });
    });

    it('are unique also when two items come at the same time', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => send({ ids: { tmdb: 9 } })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    });
  });

  describe('progress', () => {
    it.each([
      [{ season: 1 }, { season: 1 }],
      [
        { season: 999, episode: 999 },
        { season: 999, episode: 999 },
      ],
      [{ season: 2, episode: null }, { season: 2 }],
    ])('is stored: %j', async (progress, stored) => {
      const item = await add({ type: 'show', progress });
      expect(item['progress']).toEqual(stored);
      expect(await read(item)).toEqual(item);
    });

    it.each([
      [{}, 'progress.season'],
      [{ episode: 1 }, 'progress.season'],
      [{ season: 0 }, 'progress.season'],
      [{ season: 1, episode: 1000 }, 'progress.episode'],
      [{ season: 1, page: 3 }, 'progress.page'],
      [[{ season: 1 }], 'progress'],
      ['S1', 'progress'],
    ])('is refused: %j', async (progress, field) => {
      expectInvalid(await ada.post(ITEMS, { title: 'Dark', type: 'show', progress }), field);
    });

    it('is refused for a movie, also for a show that becomes one', async () => {
      expectInvalid(
        await ada.post(ITEMS, { title: 'Okja', type: 'movie', progress: { season: 1 } }),
        'progress',
      );
      const show = await add(full());
      expectInvalid(await patch(show, { type: 'movie' }), 'progress');
      const { body } = await patch(show, { type: 'movie', progress: null }).expect(200);
      expect(itemIn({ body })).toMatchObject({ type: 'movie', progress: null });
    });
  });

  describe('watched_at', () => {
    it('is the time at which the item became watched, when none is given', async () => {
      const before = Date.now();
      const added = await add({ status: 'watched' });
      const changed = itemIn(await patch(await add(), { status: 'watched' }).expect(200));
      for (const { watched_at } of [added, changed]) {
        expect(Date.parse(watched_at as string)).toBeGreaterThanOrEqual(before);
        expect(Date.parse(watched_at as string)).toBeLessThanOrEqual(Date.now());
      }
      expect((await changesOf(changed))[1]).toMatchObject({
        watched_at: { from: null, to: changed['watched_at'] },
      });
    });

    it.each(['2020-02-29T12:00:00.000Z', null])(
      'is what is given with the status: %j',
      async (watched_at) => {
        expect(await add({ status: 'watched', watched_at })).toMatchObject({ watched_at });
        expect(itemIn(await patch(await add(), { status: 'watched', watched_at }).expect(200))).toMatchObject(
          {
            watched_at,
          },
        );
      },
    );

    it('stays when the item is no longer watched, and while it stays watched', async () => {
      const item = await add({ status: 'watched' });
      const rated = itemIn(await patch(item, { status: 'watched', rating: 7 }).expect(200));
      const planned = itemIn(await patch(item, { status: 'planned' }).expect(200));
      expect([rated['watched_at'], planned['watched_at']]).toEqual([item['watched_at'], item['watched_at']]);
    });
  });

  it('can be as large as they are allowed to be, all together', async () => {
    const escaped = (letter: string, count: number) =>
      JSON.stringify(letter.repeat(count)).replace(
        /[^ -~]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    const tags = Array.from({ length: 20 }, (_, index) => escaped(String.fromCodePoint(0x1f300 + index), 40));
    const body = `{"title":${escaped(LETTER, 255)},"type":"movie","notes":${escaped(LETTER, 5000)},
      "tags":[${tags.join(',')}],"poster_url":"${'https://example.com/'.padEnd(2000, 'x')}"}`;
    const { body: answer } = await ada
      .post(ITEMS)
      .set('content-type', 'application/json')
      .send(body)
      .expect(201);
    expect(itemIn({ body: answer })).toMatchObject({ notes: LETTER.repeat(5000) });
    const tooLarge = await ada.post(ITEMS, { title: 'x'.repeat(82_000), type: 'movie' });
    expectProblem(tooLarge, 413, 'BODY_TOO_LARGE');
  });

  it('can be set by an admin, as by the owner', async () => {
    const { body } = await admin.post(ADMIN_ITEMS, { ...full(), user_id: ada.id }).expect(201);
    const item = itemIn({ body });
    expect(item).toMatchObject({ ...FULL, owner: { id: ada.id } });
    await admin.patch(`${ADMIN_ITEMS}/${item.id}`, { rating: null, tags: ['noir'] }).expect(200);
    expect(await read(item)).toMatchObject({ ...FULL, rating: null, tags: ['noir'] });
  });
});

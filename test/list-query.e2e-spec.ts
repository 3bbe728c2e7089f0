import type { Response } from 'supertest';
import { sortKey } from '../src/common/folded.js';
import { type Actor, asAdmin, asUser } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectInvalid } from './support/expected.js';

const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';
const STATUSES = ['planned', 'watching', 'watched', 'on_hold', 'dropped'] as const;
const SORTS = [
  'created_at_desc',
  'created_at_asc',
  'title_asc',
  'title_desc',
  'updated_at_desc',
  'year_desc',
  'year_asc',
  'rating_desc',
  'rating_asc',
  'release_date_desc',
  'release_date_asc',
  'watched_at_desc',
  'manual',
] as const;
type Sort = (typeof SORTS)[number];

interface Item {
  readonly id: number;
  readonly title: string;
  readonly type: 'movie' | 'show';
  readonly status: (typeof STATUSES)[number];
  readonly year: number | null;
  readonly rating: number | null;
  readonly notes: string | null;
  readonly tags: readonly string[];
  readonly ids: Readonly<Record<string, string | number>>;
  readonly release_date: string | null;
  readonly watched_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

interface Page {
  readonly total: number;
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly counts: Readonly<Record<Item['status'], number>>;
  readonly version: number;
  readonly watchlist: readonly Item[];
}

/** Several share a title, a year, a rating or nothing at all, so that ties and unset values occur in every sort. */
const FIELDS: readonly object[] = [
  {
    title: 'Dune',
    type: 'movie',
    year: 1984,
    rating: 6,
    tags: ['Sci-Fi', 'desert'],
    ids: { tmdb: 841, imdb: 'tt0087182' },
  },
  {
    title: 'Dune',
    type: 'movie',
    year: 2021,
    rating: 8.5,
    tags: ['sci-fi'],
    status: 'watched',
    watched_at: '2021-10-01',
    ids: { tmdb: 438631 },
    release_date: '2021-09-15',
  },
  {
    title: 'The Godfather',
    type: 'movie',
    year: 1972,
    rating: 10,
    status: 'watched',
    watched_at: '2020-01-01',
    release_date: '1972-03-24',
  },
  {
    title: 'Amélie',
    type: 'movie',
    year: 2001,
    notes: 'With Ana, 100% sure',
    tags: ['date night'],
    release_date: '2001-04-25',
  },
  { title: 'ÅNGSTRÖM', type: 'show', year: 2001, status: 'dropped', rating: 0.1 },
  {
    title: 'Angst',
    type: 'movie',
    notes: 'not_for Ana',
    tags: ['date night', 'horror'],
    release_date: '2001-04-25',
  },
  {
    title: 'Dark',
    type: 'show',
    year: 2017,
    status: 'watching',
    progress: { season: 2 },
    rating: 8.5,
    tags: ['sci-fi', 'german'],
    ids: { tmdb: 70523 },
  },
  { title: 'A Quiet Place', type: 'movie', status: 'on_hold', runtime_minutes: 90 },
  {
    title: 'Severance',
    type: 'show',
    status: 'watching',
    poster_url: 'https://example.com/s.jpg',
    year: 2022,
  },
  {
    title: 'Okja',
    type: 'movie',
    year: 2017,
    status: 'watched',
    watched_at: '2021-10-01',
    ids: { mal: 70523 },
  },
  { title: '映画 ＡＢＣ', type: 'movie', tags: ['日本'] },
  { title: 'Plain', type: 'movie' },
];

/** Query parameters, and which items match them. */
const FILTERS: readonly [query: string, matches: (item: Item) => boolean][] = [
  ['', () => true],
  ['type=show', ({ type }) => type === 'show'],
  ['year_from=2001', ({ year }) => (year ?? 0) >= 2001],
  ['year_to=2001', ({ year }) => year !== null && year <= 2001],
  ['year_from=1984&year_to=2017', ({ year }) => year !== null && year >= 1984 && year <= 2017],
  ['rating_from=8.5', ({ rating }) => (rating ?? 0) >= 8.5],
  ['rating_to=6', ({ rating }) => rating !== null && rating <= 6],
  ['rating_from=0.1&rating_to=8.5', ({ rating }) => rating !== null && rating <= 8.5],
  ['tag=SCI-FI', ({ tags }) => tags.some((tag) => tag.toLowerCase() === 'sci-fi')],
  ['tag=sci-fi,german', ({ title }) => title === 'Dark'],
  ['tag=date%20night', ({ tags }) => tags.includes('date night')],
  ['tag=date', () => false],
  ['q=dune', ({ title }) => title === 'Dune'],
  ['q=AMELIE', ({ title }) => title === 'Amélie'],
  ['q=angst', ({ title }) => ['ÅNGSTRÖM', 'Angst'].includes(title)],
  ['q=ana%20night', ({ title }) => ['Amélie', 'Angst'].includes(title)],
  ['q=abc', ({ title }) => title.startsWith('映画')],
  ['q=100%25', ({ title }) => title === 'Amélie'],
  ['q=%25', ({ notes }) => notes?.includes('%') === true],
  ['q=t_f', ({ title }) => title === 'Angst'],
  ['q=%5C', () => false],
  ['has=rating', ({ rating }) => rating !== null],
  ['has=rating,tags', ({ rating, tags }) => rating !== null && tags.length > 0],
  ['lacks=year', ({ year }) => year === null],
  ['lacks=tags,notes', ({ tags, notes }) => tags.length === 0 && notes === null],
  ['has=ids', ({ ids }) => Object.keys(ids).length > 0],
  ['lacks=ids.imdb&has=ids.tmdb', ({ ids }) => ids['imdb'] === undefined && ids['tmdb'] !== undefined],
  ['has=progress', ({ title }) => title === 'Dark'],
  ['has=poster_url', ({ title }) => title === 'Severance'],
  ['has=runtime_minutes', ({ title }) => title === 'A Quiet Place'],
  [
    'has=watched_at,release_date',
    ({ watched_at, release_date }) => watched_at !== null && release_date !== null,
  ],
  ['ids=imdb:tt0087182,tmdb:70523', ({ ids }) => ids['imdb'] === 'tt0087182' || ids['tmdb'] === 70523],
  ['ids=wikidata:Q1', () => false],
];

/** Compares as the sort does; unset values come last. */
function comparing(sort: Sort): (a: Item, b: Item) => number {
  const descending = sort.endsWith('_desc') ? -1 : 1;
  const valueOf = (item: Item): Buffer | string | number | null => {
    const field = sort.replace(/_(asc|desc)$/, '');
    if (field === 'title') return sortKey(item.title);
    return field === 'manual' ? item.id : (item as unknown as Record<string, string | number | null>)[field]!;
  };
  return (a, b) => {
    const [left, right] = [valueOf(a), valueOf(b)];
    if (left === null || right === null) {
      if (left !== right) return left === null ? 1 : -1;
    } else {
      const order = Buffer.isBuffer(left)
        ? Buffer.compare(left, right as Buffer)
        : left < right
          ? -1
          : +(left > right);
      if (order !== 0) return order * descending;
    }
    return (a.id - b.id) * descending;
  };
}

describe('the list', () => {
  let server: TestApp;
  let ada: Actor;
  let admin: Actor;
  let items: readonly Item[];
  beforeAll(async () => {
    server = await createTestApp();
    [ada, admin] = [await asUser(server), await asAdmin(server)];
    // Somebody else's items match nothing.
    const other = await asUser(server);
    for (const fields of FIELDS) {
      await other.post(ITEMS, fields).expect(201);
      await ada.post(ITEMS, fields).expect(201);
    }
    const { body } = await ada.get(`${LIST}?limit=100`).expect(200);
    items = (body as Page).watchlist;
    expect(items).toHaveLength(FIELDS.length);
  });
  afterAll(() => server.close());

  const get = async (query: string, actor = ada, list = LIST): Promise<Page> =>
    (await actor.get(`${list}?${query}`).expect(200)).body as Page;
  const ids = (page: Pick<Page, 'watchlist'>) => page.watchlist.map(({ id }) => id);

  async function walk(query: string, limit: number): Promise<number[]> {
    const found: number[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page = await get(`${query}&limit=${limit}${cursor && `&cursor=${cursor}`}`);
      expect(page.has_more).toBe(page.next_cursor !== null);
      found.push(...ids(page));
      cursor = page.next_cursor;
    }
    return found;
  }

  describe.each(FILTERS)('with the filter ?%s', (query, matches) => {
    it('has exactly what matches, counted by status, also for an admin', async () => {
      const expected = items.filter(matches);
      const counts = Object.fromEntries(
        STATUSES.map((status) => [status, expected.filter((item) => item.status === status).length]),
      );
      const page = await get(`${query}&limit=100`);
      expect(ids(page)).toEqual(expected.map(({ id }) => id));
      expect(page).toMatchObject({ total: expected.length, counts, has_more: false, next_cursor: null });
      for (const statuses of [['planned'], ['watched', 'watching'], ['dropped', 'on_hold', 'planned']]) {
        const some = await get(`${query}&status=${statuses.join(',')}&limit=100`);
        const those = expected.filter(({ status }) => statuses.includes(status));
        expect(ids(some)).toEqual(those.map(({ id }) => id));
        expect(some).toMatchObject({ total: those.length, counts });
      }
      const asAdmins = await get(`${query}&user_id=${ada.id}&limit=100`, admin, '/v1/admin/watchlists');
      expect(ids(asAdmins)).toEqual(ids(page));
      expect(asAdmins).toMatchObject({ total: expected.length, counts });
      const ofAll = await get(`${query}&limit=100`, admin, '/v1/admin/watchlists');
      expect(ofAll.total).toBe(2 * expected.length);
    });
  });

  describe.each(SORTS)('sorted by %s', (sort) => {
    it('has the same order by pages and by cursor, unset values last, ties by id', async () => {
      for (const [query, matches] of FILTERS.slice(0, 3)) {
        const expected = items
          .filter(matches)
          .sort(comparing(sort))
          .map(({ id }) => id);
        expect(ids(await get(`${query}&sort=${sort}&limit=100`))).toEqual(expected);
        for (const limit of [1, 5]) {
          expect(await walk(`${query}&sort=${sort}`, limit)).toEqual(expected);
          const skipped: number[] = [];
          while (skipped.length < expected.length)
            skipped.push(...ids(await get(`${query}&sort=${sort}&limit=${limit}&skip=${skipped.length}`)));
          expect(skipped).toEqual(expected);
        }
      }
    });
  });

  describe('by cursor', () => {
    it('neither repeats nor misses an item when others are added, changed and deleted meanwhile', async () => {
      const owner = await asUser(server);
      const add = async (title: string) =>
        ((await owner.post(ITEMS, { title, type: 'movie' }).expect(201)).body as { item: Item }).item.id;
      const stays: number[] = [];
      for (const letter of 'bdfhjlnprt') stays.push(await add(letter));
      const found: number[] = [];
      for (let cursor: string | null = '', turn = 0; cursor !== null; turn++) {
        const { body }: Response = await owner
          .get(`${LIST}?sort=title_asc&limit=3${cursor && `&cursor=${cursor}`}`)
          .expect(200);
        found.push(...ids(body as Page));
        cursor = (body as Page).next_cursor;
        const before = await add(`a${turn}`);
        await add(`z${turn}`);
        // The item at which the cursor points goes, too.
        await owner.delete(`${ITEMS}/${before}`).expect(204);
        if (turn === 0) await owner.delete(`${ITEMS}/${found.at(-1)}`).expect(204);
        if (turn === 8) break;
      }
      expect(found.filter((id) => stays.includes(id))).toEqual(stays);
      expect(new Set(found).size).toBe(found.length);
    });

    it.each<[string, (cursor: string) => string]>([
      ['another sort', (cursor) => `sort=year_asc&limit=2&cursor=${cursor}`],
      ['another filter', (cursor) => `sort=title_asc&type=movie&limit=2&cursor=${cursor}`],
      ['no cursor at all', () => 'sort=title_asc&cursor=abc'],
      ['no JSON', () => `sort=title_asc&cursor=${Buffer.from('[').toString('base64url')}`],
      ['too few parts', () => `sort=title_asc&cursor=${Buffer.from('[1]').toString('base64url')}`],
      ['nothing', () => 'cursor='],
      ['two cursors', (cursor) => `sort=title_asc&cursor=${cursor}&cursor=${cursor}`],
      ['more than any cursor has', () => `cursor=${'x'.repeat(4097)}`],
    ])('refuses %s', async (_what, query) => {
      const { next_cursor } = await get('sort=title_asc&limit=2');
      expectInvalid(await ada.get(`${LIST}?${query(next_cursor!)}`), 'cursor');
    });

    it.each(SORTS)('refuses a value that %s never has', async (sort) => {
      const { next_cursor } = await get(`sort=${sort}&limit=2`);
      const [filter, , id] = JSON.parse(Buffer.from(next_cursor!, 'base64url').toString()) as [
        string,
        unknown,
        number,
      ];
      for (const written of [{}, [], true, 'a\0', 'x'.repeat(3000), 1.23456, 1e300]) {
        const forged = Buffer.from(JSON.stringify([filter, written, id])).toString('base64url');
        const { status } = await ada.get(`${LIST}?sort=${sort}&cursor=${forged}`);
        // A title can be any text.
        expect(status).toBe(written === 'a\0' && sort.startsWith('title') ? 200 : 422);
      }
      for (const wrongId of [0, -1, 1.5, '1', 2 ** 31]) {
        const forged = Buffer.from(JSON.stringify([filter, null, wrongId])).toString('base64url');
        expectInvalid(await ada.get(`${LIST}?sort=${sort}&cursor=${forged}`), 'cursor');
      }
    });

    it("refuses another user's", async () => {
      const other = await asUser(server);
      const { next_cursor } = await get('limit=2');
      expectInvalid(await other.get(`${LIST}?limit=2&cursor=${next_cursor}`), 'cursor');
    });

    it('and a number to skip refuse each other', async () => {
      const { next_cursor } = await get('limit=2');
      expectInvalid(await ada.get(`${LIST}?limit=2&cursor=${next_cursor}&skip=1`), 'skip');
      expect(ids(await get(`limit=2&cursor=${next_cursor}&skip=0`))).toHaveLength(2);
    });
  });

  describe('has a Link header', () => {
    const linksOf = ({ headers }: Response) =>
      Object.fromEntries(
        [...String(headers['link']).matchAll(/<([^>]+)>; rel="(\w+)"/g)].map(([, target, rel]) => [
          rel,
          target!,
        ]),
      );

    it('that leads through all pages, from the cache, too', async () => {
      const query = 'type=movie&q=a&sort=title_asc&limit=2';
      const expected = ids(await get(`${query.replace('limit=2', 'limit=100')}`));
      const found: number[] = [];
      for (let next: string | undefined = `${LIST}?${query}`; next !== undefined;) {
        const response: Response = await ada.get(next).expect(200);
        const again = await ada.get(next).expect(200);
        expect([again.headers['x-cache'], again.headers['link'], again.text]).toEqual([
          'HIT',
          response.headers['link'],
          response.text,
        ]);
        expect(linksOf(response)['first']).toBe(`${LIST}?${query}`);
        found.push(...ids(response.body as Page));
        ({ next } = linksOf(response));
      }
      expect(found).toEqual(expected);
    });

    it('with the page before, where pages are skipped', async () => {
      expect(linksOf(await ada.get(`${LIST}?limit=3&skip=5`))).toMatchObject({
        first: `${LIST}?limit=3`,
        prev: `${LIST}?limit=3&skip=2`,
      });
      expect(linksOf(await ada.get(`${LIST}?limit=3&skip=2`))).toMatchObject({ prev: `${LIST}?limit=3` });
      expect(Object.keys(linksOf(await ada.get(`${LIST}?limit=100`)))).toEqual(['first']);
    });

    it('for an admin', async () => {
      const response = await admin.get(`/v1/admin/watchlists?user_id=${ada.id}&limit=2`).expect(200);
      const next = await admin.get(linksOf(response)['next']!).expect(200);
      expect([...ids(response.body as Page), ...ids(next.body as Page)]).toEqual(ids(await get('limit=4')));
    });
  });

  it('says its version, which rises with each change', async () => {
    const owner = await asUser(server);
    expect((await get('', owner)).version).toBe(0);
    const { body } = await owner.post(ITEMS, { title: 'Okja', type: 'movie' }).expect(201);
    expect((await get('', owner)).version).toBe(1);
    expect((await get('year_from=2000', owner)).version).toBe(1);
    await owner.patch(`${ITEMS}/${(body as { item: Item }).item.id}`, { status: 'watched' }).expect(200);
    expect(await get('', owner)).toMatchObject({ version: 2, counts: { planned: 0, watched: 1 } });
  });

  it.each([
    ['status', ['', 'seen', 'planned,seen', 'planned,', 'PLANNED', 'planned&status=watched']],
    ['tag', ['', ',', 'a,,b', 'x'.repeat(41), Array(21).fill('a').join(','), 'a&tag=b']],
    ['q', ['', 'x'.repeat(101), 'a&q=b']],
    ['year_from', ['', '1869', '2201', '2019.5', 'now']],
    ['year_to', ['', '1869', '2201']],
    ['rating_from', ['', '0', '10.1', '8.25', '1e0', '+1', '8.5&rating_from=9']],
    ['rating_to', ['', '11']],
    ['has', ['', 'title', 'status', 'ids.plex', 'year,', 'constructor']],
    ['lacks', ['', 'id', 'toString']],
    ['ids', ['', 'imdb', 'imdb:', ':1', 'plex:1', 'tmdb:1 2', Array(101).fill('tmdb:1').join(',')]],
    ['sort', ['', 'year', 'manual_desc', 'toString']],
    ['deleted', ['', '1', 'yes', 'TRUE']],
  ])('refuses %s: %j', async (name, values) => {
    for (const value of values) expectInvalid(await ada.get(`${LIST}?${name}=${value}`), name);
  });
});

import { type Actor, asUser } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectInvalid, expectProblem } from './support/expected.js';

const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';

interface Item {
  readonly id: number;
  readonly title: string;
  readonly version: number;
}

describe('an overview of the list', () => {
  let server: TestApp;
  let owner: Actor;
  beforeAll(async () => {
    server = await createTestApp();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    owner = await asUser(server);
  });

  const itemIn = ({ body }: { readonly body: unknown }) => (body as { readonly item: Item }).item;
  const add = async (title: string, fields = {}) =>
    itemIn(await owner.post(ITEMS, { title, type: 'movie', ...fields }).expect(201));
  const get = async <Body>(path: string) => (await owner.get(`${LIST}/${path}`).expect(200)).body as Body;

  describe('GET /v1/watchlists/summary', () => {
    const NOTHING = {
      total: 0,
      movies: 0,
      shows: 0,
      planned: 0,
      watching: 0,
      watched: 0,
      on_hold: 0,
      dropped: 0,
      average_rating: null,
      added_last_30_days: 0,
      watched_last_30_days: 0,
      next_title: null,
    };

    it('is all zeros for somebody new', async () => {
      expect(await get('summary')).toEqual(NOTHING);
    });

    it('has the numbers of the list, without the trash', async () => {
      await add('Dune', { rating: 8.5, status: 'watched' });
      await add('Okja', { rating: 7, status: 'watched', watched_at: '2020-01-01' });
      await add('Dark', { type: 'show', status: 'watching' });
      await add('Next');
      await add('Later');
      const { id } = await add('Gone', { rating: 1 });
      await owner.delete(`${ITEMS}/${id}`).expect(204);
      const summary = {
        ...NOTHING,
        total: 5,
        movies: 4,
        shows: 1,
        planned: 2,
        watching: 1,
        watched: 2,
        average_rating: 7.8,
        added_last_30_days: 5,
        watched_last_30_days: 1,
        next_title: 'Next',
      };
      expect(await get('summary')).toEqual(summary);
      const again = await owner.get(`${LIST}/summary`).expect(200);
      expect([again.headers['x-cache'], again.body]).toEqual(['HIT', summary]);
      await owner.get(`${LIST}/summary`).set('if-none-match', again.headers['etag']!).expect(304);
    });
  });

  describe('GET /v1/watchlists/tags', () => {
    it('counts each tag, the most frequent first, as the newest item spells it', async () => {
      await add('One', { tags: ['sci-fi', 'Été'] });
      await add('Two', { tags: ['Sci-Fi', 'date night'] });
      await add('Three', { type: 'show', tags: ['SCI-FI'] });
      await add('None');
      const { id } = await add('Gone', { tags: ['gone'] });
      await owner.delete(`${ITEMS}/${id}`).expect(204);
      const tags = [
        { tag: 'SCI-FI', count: 3 },
        { tag: 'date night', count: 1 },
        { tag: 'Été', count: 1 },
      ];
      expect(await get('tags')).toEqual({ tags });
      expect(await get('tags?q=ete')).toEqual({ tags: [tags[2]] });
      expect(await get('tags?q=night%20DATE')).toEqual({ tags: [tags[1]] });
      // Not the cached answer of another route or query.
      expect(await get('summary')).toMatchObject({ total: 4 });
      expect(await get('tags?q=nothing')).toEqual({ tags: [] });
    });
  });

  describe('GET /v1/watchlists/pick', () => {
    interface Pick {
      readonly seed: string;
      readonly item?: Item;
    }

    it('picks the same item for the same seed, and all of them for many seeds', async () => {
      const items = [await add('One'), await add('Two'), await add('Three')];
      await add('Seen', { status: 'watched' });
      const picked = new Set<number>();
      for (let seed = 0; seed < 40; seed++) {
        const first = await get<Pick>(`pick?status=planned&seed=${seed}`);
        expect(await get<Pick>(`pick?seed=${seed}&status=planned`)).toEqual(first);
        picked.add(first.item!.id);
      }
      expect([...picked].sort()).toEqual(items.map(({ id }) => id).sort());
    });

    it('tells the seed that it has chosen', async () => {
      await add('One');
      await add('Two');
      const { seed, item } = await get<Pick>('pick');
      expect(await get<Pick>(`pick?seed=${seed}`)).toMatchObject({ item });
    });

    it('picks nothing where nothing matches', async () => {
      await add('One');
      expect(await get('pick?type=show&seed=x')).toEqual({ status: 'ok', seed: 'x' });
    });

    it.each(['seed=', `seed=${'x'.repeat(101)}`, 'limit=1', 'sort=manual'])('refuses ?%s', async (query) => {
      expectInvalid(await owner.get(`${LIST}/pick?${query}`), query.split('=')[0]!);
    });
  });

  describe('POST /v1/watchlists/items/{item_id}/move', () => {
    const order = async () => {
      const { watchlist } = (await owner.get(`${LIST}?sort=manual&limit=100`).expect(200)).body as {
        watchlist: Item[];
      };
      return watchlist.map(({ title }) => title).join('');
    };
    const move = ({ id }: Item, place: object) => owner.post(`${ITEMS}/${id}/move`, place);

    it('puts an item before or after another one, first or last', async () => {
      const [a, b, c, d] = [await add('a'), await add('b'), await add('c'), await add('d')];
      expect(await order()).toBe('abcd');
      await move(d, { before: b.id }).expect(200);
      expect(await order()).toBe('adbc');
      await move(a, { after: b.id }).expect(200);
      expect(await order()).toBe('dbac');
      await move(c, { to: 'first' }).expect(200);
      expect(await order()).toBe('cdba');
      await move(c, { to: 'last' }).expect(200);
      expect(await order()).toBe('dbac');
      await add('e');
      expect(await order()).toBe('dbace');
    });

    it('says the item, whose version rises only when its place changes', async () => {
      const [a, b] = [await add('a'), await add('b')];
      const moved = await move(b, { to: 'first' }).expect(200);
      expect(itemIn(moved)).toEqual({ ...b, version: b.version + 1 });
      for (const place of [{ to: 'first' }, { before: a.id }])
        expect(itemIn(await move(b, place).expect(200)).version).toBe(b.version + 1);
      await move(b, { to: 'last' }).set('if-match', moved.headers['etag']!).expect(200);
      expectProblem(
        await move(b, { to: 'first' }).set('if-match', moved.headers['etag']!),
        412,
        'PRECONDITION_FAILED',
      );
      expect(await order()).toBe('ab');
    });

    it('finds a place between two items however often it is asked', async () => {
      const [, b, c] = [await add('a'), await add('b'), await add('c')];
      for (let turn = 0; turn < 30; turn++) {
        await move(turn % 2 ? b : c, { to: 'first' }).expect(200);
        await move(turn % 2 ? c : b, { after: (turn % 2 ? b : c).id }).expect(200);
      }
      expect(await order()).toBe('bca');
    });

    it('loses nothing when many moves come at the same time', async () => {
      const items = [];
      for (const title of 'abcdefgh') items.push(await add(title));
      const answers = await Promise.all(items.map((item) => move(item, { to: 'first' })));
      expect(answers.map(({ status }) => status)).toEqual(items.map(() => 200));
      expect([...(await order())].sort().join('')).toBe('abcdefgh');
    });

    it.each<[object, string]>([
      [{}, 'body'],
      [{ to: 'first', before: 1 }, 'body'],
      [{ to: 'top' }, 'to'],
      [{ before: '1' }, 'before'],
      [{ before: 2_147_483_647 }, 'before'],
      [{ after: 0 }, 'after'],
      [{ after: 2_147_483_647 }, 'after'],
      [{ position: 3 }, 'position'],
    ])('refuses %j', async (place, field) => {
      const a = await add('a');
      await add('b');
      const response = await move(a, place);
      expectProblem(response, 422, 'VALIDATION_FAILED');
      expect((response.body as { errors: { field: string }[] }).errors.map((error) => error.field)).toContain(
        field,
      );
      expect(await order()).toBe('ab');
    });

    it("refuses the item itself, another user's item and one in the trash", async () => {
      const [a, b] = [await add('a'), await add('b')];
      await owner.delete(`${ITEMS}/${b.id}`).expect(204);
      const theirs = await asUser(server);
      const other = itemIn(await theirs.post(ITEMS, { title: 'x', type: 'movie' }).expect(201));
      for (const { id } of [a, b, other]) expectInvalid(await move(a, { after: id }), 'after');
      expectProblem(await move(other, { to: 'first' }), 404, 'ITEM_NOT_FOUND');
      expectProblem(await move(b, { to: 'first' }), 404, 'ITEM_NOT_FOUND');
    });
  });
});

import { WatchlistItem } from '../src/watchlists/items/item.entity.js';
import { ItemsService } from '../src/watchlists/items/items.service.js';
import { type Actor, asAdmin, asUser } from './support/actors.js';
import { auditLogs } from './support/audit-trail.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectInvalid, expectProblem } from './support/expected.js';

const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';
const TRASH = '/v1/watchlists/trash';
const ADMIN_ITEMS = '/v1/admin/watchlists/items';
const DAY_MS = 86_400_000;
/** Nobody has an item with this id. */
const NO_ID = 2_147_483_647;

interface Item {
  readonly id: number;
  readonly title: string;
  readonly version: number;
  readonly deleted_at?: string;
  readonly purge_at?: string;
}

describe('the trash', () => {
  let server: TestApp;
  let admin: Actor;
  let owner: Actor;
  beforeAll(async () => {
    server = await createTestApp({ env: { TRASH_RETENTION_DAYS: '7' } });
    admin = await asAdmin(server);
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    owner = await asUser(server);
  });

  const itemIn = ({ body }: { readonly body: unknown }) => (body as { readonly item: Item }).item;
  const add = async (title = 'Parasite', fields = {}) =>
    itemIn(await owner.post(ITEMS, { title, type: 'movie', ...fields }).expect(201));
  const remove = ({ id }: Pick<Item, 'id'>) => owner.delete(`${ITEMS}/${id}`);
  const restore = ({ id }: Pick<Item, 'id'>, actor = owner) => actor.post(`${ITEMS}/${id}/restore`);
  const list = async (query = '') => {
    const { body, headers } = await owner.get(`${LIST}?${query}`).expect(200);
    return {
      ...(body as { total: number; version: number; watchlist: Item[] }),
      cache: headers['x-cache'] as string,
    };
  };
  const titles = ({ watchlist }: { readonly watchlist: readonly Item[] }) =>
    watchlist.map(({ title }) => title);
  const storedRows = () =>
    server.unitOfWork.read((manager) => manager.countBy(WatchlistItem, { userId: owner.id }));
  /** As if the time of everything in the owner's trash were up. */
  const letTimePass = () =>
    server.unitOfWork.write((manager) =>
      manager.query('UPDATE watchlist_items SET purge_at = deleted_at WHERE user_id = $1', [owner.id]),
    );

  it('has what was deleted, with the time at which that ends', async () => {
    const [stays, goes] = [await add('Stays'), await add('Goes', { rating: 9 })];
    const before = Date.now();
    await remove(goes).expect(204);
    expect(await list()).toMatchObject({ total: 1, watchlist: [stays], counts: { planned: 1 } });
    const trash = await list('deleted=true');
    expect(trash).toMatchObject({ total: 1, counts: { planned: 1 } });
    const [item] = trash.watchlist as [Item];
    expect(item).toEqual({
      ...goes,
      version: goes.version + 1,
      deleted_at: expect.any(String),
      purge_at: expect.any(String),
    });
    const deletedAt = Date.parse(item.deleted_at!);
    expect(deletedAt).toBeGreaterThanOrEqual(before);
    expect(deletedAt).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(item.purge_at!) - deletedAt).toBe(7 * DAY_MS);
  });

  it('can be searched, filtered and sorted as the list', async () => {
    for (const title of ['Dune', 'Dark', 'Okja']) await remove(await add(title, { year: 2021 }));
    await add('Drive', { year: 2021 });
    expect(titles(await list('deleted=true&q=d&sort=title_asc&year_from=2021'))).toEqual(['Dark', 'Dune']);
    expect(titles(await list('deleted=false&q=d'))).toEqual(['Drive']);
  });

  it('hides its items: they cannot be read, changed or deleted again', async () => {
    const item = await add();
    await remove(item).expect(204);
    expectProblem(await owner.get(`${ITEMS}/${item.id}`), 404, 'ITEM_NOT_FOUND');
    expectProblem(await owner.patch(`${ITEMS}/${item.id}`, { title: 'Okja' }), 404, 'ITEM_NOT_FOUND');
    expectProblem(await remove(item), 404, 'ITEM_NOT_FOUND');
    expectProblem(await admin.get(`${ADMIN_ITEMS}/${item.id}`), 404, 'ITEM_NOT_FOUND');
  });

  describe('gives items back', () => {
    it('as they were, once', async () => {
      const item = await add('Dark', {
        type: 'show',
        progress: { season: 2 },
        tags: ['noir'],
        ids: { tmdb: 1 },
      });
      await remove(item).expect(204);
      const response = await restore(item).expect(200);
      expect(itemIn(response)).toEqual({ ...item, version: item.version + 2 });
      expect(response.headers['etag']).toMatch(/^"/);
      expect(await list()).toMatchObject({ total: 1, watchlist: [itemIn(response)] });
      expect((await list('deleted=true')).total).toBe(0);
      expectProblem(await restore(item), 404, 'ITEM_NOT_FOUND');
    });

    it('only to their owner', async () => {
      const item = await add();
      await remove(item).expect(204);
      const other = await asUser(server);
      expectProblem(await restore(item, other), 404, 'ITEM_NOT_FOUND');
      expectProblem(await restore({ id: NO_ID }), 404, 'ITEM_NOT_FOUND');
      await restore(item).expect(200);
    });

    it('also by an admin', async () => {
      const item = await add();
      await admin.delete(`${ADMIN_ITEMS}/${item.id}`).expect(204);
      const { body } = await admin.post(`${ADMIN_ITEMS}/${item.id}/restore`).expect(200);
      expect(body).toMatchObject({ item: { id: item.id, owner: { id: owner.id } } });
      expect((await list()).total).toBe(1);
    });

    it('once when two ask at the same time', async () => {
      const item = await add();
      await remove(item).expect(204);
      const answers = await Promise.all([1, 2, 3, 4].map(() => restore(item)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404, 404]);
      expect((await list()).total).toBe(1);
    });

    it('only in the state that If-Match names', async () => {
      const response = await owner.post(ITEMS, { title: 'Okja', type: 'movie' }).expect(201);
      const item = itemIn(response);
      await remove(item).expect(204);
      const stale = await restore(item).set('if-match', response.headers['etag']!);
      expectProblem(stale, 412, 'PRECONDITION_FAILED');
      await restore(item).set('if-match', '*').expect(200);
    });
  });

  it('keeps the ids of its items', async () => {
    const item = await add('Dune', { ids: { tmdb: 841 } });
    await remove(item).expect(204);
    const { body } = await owner
      .post(ITEMS, { title: 'Dune', type: 'movie', ids: { tmdb: 841 } })
      .expect(409);
    expect(body).toMatchObject({
      code: 'ITEM_EXISTS',
      existing_item_id: item.id,
      existing_item_deleted: true,
    });
    await owner.delete(`${ITEMS}/${item.id}?permanent=true`).expect(204);
    await add('Dune', { ids: { tmdb: 841 } });
  });

  describe('ends', () => {
    it('for one item, which can also come from the list', async () => {
      const [listed, deleted] = [await add('Listed'), await add('Deleted')];
      await remove(deleted).expect(204);
      await owner.delete(`${ITEMS}/${listed.id}?permanent=true`).expect(204);
      await owner.delete(`${ITEMS}/${deleted.id}?permanent=true`).expect(204);
      expect([(await list()).total, (await list('deleted=true')).total, await storedRows()]).toEqual([
        0, 0, 0,
      ]);
      for (const item of [listed, deleted]) {
        expectProblem(await restore(item), 404, 'ITEM_NOT_FOUND');
        expectProblem(await owner.delete(`${ITEMS}/${item.id}?permanent=true`), 404, 'ITEM_NOT_FOUND');
      }
    });

    it('for all items, and leaves the list alone', async () => {
      await add('Stays');
      for (const title of ['One', 'Two']) await remove(await add(title)).expect(204);
      const other = await asUser(server);
      const others = itemIn(await other.post(ITEMS, { title: 'Hers', type: 'movie' }).expect(201));
      await other.delete(`${ITEMS}/${others.id}`).expect(204);
      await owner.delete(TRASH).expect(204);
      await owner.delete(TRASH).expect(204);
      expect([titles(await list()), titles(await list('deleted=true'))]).toEqual([['Stays'], []]);
      expect(await storedRows()).toBe(1);
      await restore(others, other).expect(200);
    });

    it('by itself when the time of an item is up', async () => {
      const service = server.app.get(ItemsService, { strict: false });
      await remove(await add('Old')).expect(204);
      expect(titles(await list('deleted=true'))).toEqual(['Old']);
      await letTimePass();
      await remove(await add('New')).expect(204);
      await add('Stays');
      expect(titles(await list('deleted=true&sort=title_asc'))).toEqual(['New', 'Old']);
      while (await service.purgeExpired());
      // Not from the cache of before.
      expect(titles(await list('deleted=true&sort=title_asc'))).toEqual(['New']);
      expect([titles(await list()), await storedRows()]).toEqual([['Stays'], 2]);
    });
  });

  it('is audited', async () => {
    const item = await add('Okja');
    const trail = async () =>
      (await auditLogs(admin, { actor_id: owner.id, limit: 100 })).audit_logs
        .filter(({ resource_type }) => resource_type.startsWith('watchlist'))
        .map(({ action, resource_id, changes }) => [action, resource_id, changes])
        .reverse();
    const fields = { title: 'Okja', type: 'movie' };
    const gone = Object.fromEntries(Object.entries(fields).map(([name, from]) => [name, { from, to: null }]));
    const there = Object.fromEntries(Object.entries(fields).map(([name, to]) => [name, { from: null, to }]));
    await remove(item).expect(204);
    await restore(item).expect(200);
    await remove(item).expect(204);
    await owner.delete(TRASH).expect(204);
    const last = await add('Okja');
    await owner.delete(`${ITEMS}/${last.id}?permanent=true`).expect(204);
    expect(await trail()).toEqual([
      ['watchlist_item.created', item.id, there],
      ['watchlist_item.deleted', item.id, gone],
      ['watchlist_item.restored', item.id, there],
      ['watchlist_item.deleted', item.id, gone],
      ['watchlist.trash_emptied', owner.id, { trash: { from: 1, to: 0 } }],
      ['watchlist_item.created', last.id, there],
      ['watchlist_item.purged', last.id, gone],
    ]);
  });

  it.each(['', '1', 'yes', 'true&permanent=true'])('refuses ?permanent=%s', async (value) => {
    const item = await add();
    expectInvalid(await owner.delete(`${ITEMS}/${item.id}?permanent=${value}`), 'permanent');
    expect((await list()).total).toBe(1);
  });
});

import type { Response } from 'supertest';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, randomEmail } from './support/actors.js';
import { appearanceOf } from './support/appearance.js';
import { rowsLeftBy } from './support/audit-trail.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectInvalid, expectProblem } from './support/expected.js';
import { createStorage, stack, type Storage } from './support/stack.js';

const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';
const ADMINS_ITEMS = '/v1/admin/watchlists/items';
const AT_ONCE = 24;
const STRONG = /^"[0-9a-f]{8}\.\d+\.\d+\.[\w.-]+"$/;

interface Item {
  readonly id: number;
  readonly title: string;
  readonly updated_at: string;
}
interface TaggedItem extends Item {
  readonly path: string;
  readonly etag: string;
}

const tagOf = ({ headers }: Response) => headers['etag']!;
const itemOf = ({ body }: Response) => (body as { item: Item }).item;

/** On SQLite one server has the file to itself; on PostgreSQL two share the database and Redis. */
describe('conditional requests', () => {
  let storage: Storage;
  let servers: TestApp[];
  let server: TestApp;
  let ada: Actor;
  let admin: Actor;
  beforeAll(async () => {
    storage = await createStorage();
    const count = stack() === 'postgres+redis' ? 2 : 1;
    servers = await Promise.all(Array.from({ length: count }, () => createTestApp({ storage })));
    server = servers[0]!;
    ada = await asUser(server);
    admin = await asAdmin(server);
  });
  afterAll(async () => {
    await Promise.all(servers.map((each) => each.close()));
    await storage.remove();
  });

  /** The same person on one server after the other. */
  const on = (n: number, actor: Actor) => actingOn(servers[n % servers.length]!, actor);

  async function add(owner = ada): Promise<TaggedItem> {
    const response = await owner.post(ITEMS, { title: 'Parasite', type: 'movie' }).expect(201);
    const item = itemOf(response);
    return { ...item, path: `${ITEMS}/${item.id}`, etag: tagOf(response) };
  }

  /** As an admin has it: at another address, and with its owner. */
  async function addAsAdmin(owner = ada): Promise<TaggedItem> {
    const fields = { user_id: owner.id, title: 'Parasite', type: 'movie' };
    const response = await admin.post(ADMINS_ITEMS, fields).expect(201);
    const item = itemOf(response);
    return { ...item, path: `${ADMINS_ITEMS}/${item.id}`, etag: tagOf(response) };
  }

  const actionsOn = async ({ id }: Item) => {
    const { body } = await admin
      .get(`/v1/admin/audit-logs?limit=100&resource_type=watchlist_item&resource_id=${id}`)
      .expect(200);
    return (body as { audit_logs: { action: string }[] }).audit_logs.map(({ action }) => action).reverse();
  };

  describe('ETag', () => {
    it('is strong: answers with the same tag have the same bytes', async () => {
      const { path } = await add();
      const bytes = new Map<string, string>();
      for (const response of [
        await ada.get(path).expect(200),
        await ada.patch(path, { title: 'Amélie \u{1F3AC}' }).expect(200),
        await ada.get(path).expect(200),
        await ada.patch(path, { title: 'Amélie \u{1F3AC}' }).expect(200),
        await admin.get(path.replace(ITEMS, ADMINS_ITEMS)).expect(200),
        await admin.patch(path.replace(ITEMS, ADMINS_ITEMS), { title: 'Mother' }).expect(200),
      ]) {
        expect(tagOf(response)).toMatch(STRONG);
        expect(bytes.get(tagOf(response)) ?? response.text).toBe(response.text);
        bytes.set(tagOf(response), response.text);
        expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
        expect(response.headers['cache-control']).toBe('no-store');
      }
    });

    it('of an item is the same when it is added, read and left as it is, on every server', async () => {
      const { path, etag } = await add();
      for (const n of servers.keys()) {
        expect(tagOf(await on(n, ada).get(path).expect(200))).toBe(etag);
        expect(tagOf(await on(n, ada).patch(path, { title: 'Parasite' }).expect(200))).toBe(etag);
      }
    });

    it("as an admin has it is the same too, and another than its owner's", async () => {
      const { path, etag, id } = await addAsAdmin();
      for (const n of servers.keys()) expect(tagOf(await on(n, admin).get(path).expect(200))).toBe(etag);
      expect(tagOf(await admin.patch(path, { title: 'Parasite' }).expect(200))).toBe(etag);
      expect(tagOf(await ada.get(`${ITEMS}/${id}`).expect(200))).not.toBe(etag);
      await admin.get(path).set('if-none-match', etag).expect(304);
    });

    it("as an admin has it changes with the owner's address, which does not make an edit stale", async () => {
      const eve = await asUser(server);
      const { path, etag } = await addAsAdmin(eve);
      await eve.patch('/v1/auth/me', { email: randomEmail(), current_password: PASSWORD }).expect(200);
      expect(tagOf(await admin.get(path).set('if-none-match', etag).expect(200))).not.toBe(etag);
      await admin.patch(path, { title: 'Okja' }).set('if-match', etag).expect(200);
    });

    it('is another one after every change, also when it is changed back', async () => {
      const { path, etag } = await add();
      const tags = [etag];
      for (const fields of [{ title: 'Okja' }, { type: 'show' }, { title: 'Parasite', type: 'movie' }]) {
        const changed = await ada.patch(path, fields).expect(200);
        expect(tagOf(await ada.get(path).expect(200))).toBe(tagOf(changed));
        tags.push(tagOf(changed));
      }
      expect(new Set(tags).size).toBe(tags.length);
    });

    it('differs between items that are alike but for their id', async () => {
      expect((await add()).etag).not.toBe((await add()).etag);
    });

    it('is on no answer that has no item', async () => {
      const { path, etag } = await add();
      const answers = [
        await ada.get(`${ITEMS}/2147483647`),
        await ada.patch(path, {}),
        await ada.patch(path, { title: 'Okja' }).set('if-match', '"another"'),
        await ada.delete(path).set('if-match', etag),
      ];
      expect(answers.map(({ status }) => status)).toEqual([404, 422, 412, 204]);
      for (const answer of answers) expect(answer.headers).not.toHaveProperty('etag');
    });
  });

  describe('If-None-Match', () => {
    it.each<[string, (etag: string) => string]>([
      ['the tag', (etag) => etag],
      ['the tag as a weak one', (etag) => `W/${etag}`],
      ['a list with the tag', (etag) => `"a" , ${etag},W/"b"`],
      ['an asterisk', () => '*'],
    ])('of an item: 304 to %s', async (_what, ifNoneMatch) => {
      const { path, etag } = await add();
      const response = await ada.get(path).set('if-none-match', ifNoneMatch(etag)).expect(304);
      expect(response.text).toBe('');
      expect(response.headers).toMatchObject({ etag, 'cache-control': 'no-store' });
      expect(response.headers).not.toHaveProperty('content-type');
      const head = server.request().head(path).set('authorization', `Bearer ${ada.token}`);
      await head.set('if-none-match', ifNoneMatch(etag)).expect(304).expect('etag', etag);
    });

    it.each<[string, (etag: string) => string]>([
      ['another tag', () => '"another"'],
      ['the tag without quotes', (etag) => etag.replaceAll('"', '')],
      ['nothing', () => ''],
    ])('of an item: 200 to %s', async (_what, ifNoneMatch) => {
      const { path, etag, id } = await add();
      const response = await ada.get(path).set('if-none-match', ifNoneMatch(etag)).expect(200);
      expect(itemOf(response).id).toBe(id);
    });

    it('is answered 404 where there is nothing, and changes nothing for who writes', async () => {
      const { path, etag } = await add();
      expectProblem(await ada.get(`${ITEMS}/2147483647`).set('if-none-match', '*'), 404, 'ITEM_NOT_FOUND');
      const changed = await ada.patch(path, { title: 'Okja' }).set('if-none-match', etag).expect(200);
      expect(itemOf(changed).title).toBe('Okja');
    });
  });

  /** Whoever may change an item, and how it is theirs. */
  describe.each([
    ['its owner', () => ada, () => add()],
    ['an admin', () => admin, () => addAsAdmin()],
  ] as const)('If-Match by %s', (_who, whose, addOne) => {
    const ACCEPTED: [string, (etag: string) => string][] = [
      ['the tag', (etag) => etag],
      ['a list with the tag', (etag) => `"a", W/"b" ,${etag}`],
      ['the tag weak, and strong too', (etag) => `W/${etag}, ${etag}`],
      ['an asterisk', () => '*'],
    ];

    it.each(ACCEPTED)('changes and deletes what is there for %s', async (_what, ifMatch) => {
      const item = await addOne();
      const changed = await whose()
        .patch(item.path, { title: 'Okja' })
        .set('if-match', ifMatch(item.etag))
        .expect(200);
      expect(itemOf(changed)).toMatchObject({ id: item.id, title: 'Okja' });
      await whose()
        .delete(item.path)
        .set('if-match', ifMatch(tagOf(changed)))
        .expect(204);
      expectProblem(await ada.get(`${ITEMS}/${item.id}`), 404, 'ITEM_NOT_FOUND');
    });

    const STALE = [412, 'PRECONDITION_FAILED'] as const;
    const MALFORMED = [400, 'BAD_REQUEST'] as const;
    it.each<[string, (etag: string) => string, readonly [number, string]]>([
      ['another tag', () => '"another"', STALE],
      ['the tag as a weak one', (etag) => `W/${etag}`, MALFORMED],
      ['the tag without quotes', (etag) => etag.replaceAll('"', ''), MALFORMED],
      ['the tag in a list that is malformed', (etag) => `${etag}, rubbish`, MALFORMED],
      ['the tag and an asterisk', (etag) => `*, ${etag}`, MALFORMED],
      ['an asterisk in quotes', () => '"*"', STALE],
      ['nothing', () => '', MALFORMED],
      ['a part of the tag', (etag) => `${etag.slice(0, etag.indexOf('.', 10))}"`, STALE],
    ])('refuses %s, and does nothing', async (_what, ifMatch, refusal) => {
      const item = await addOne();
      const before = await ada.get(`${ITEMS}/${item.id}`).expect(200);
      const list = await ada.get(LIST).expect(200);
      const rows = await rowsLeftBy(admin, async () => {
        for (const response of [
          await whose().patch(item.path, { title: 'Okja' }).set('if-match', ifMatch(item.etag)),
          // Not even where nothing would change.
          await whose().patch(item.path, { title: 'Parasite' }).set('if-match', ifMatch(item.etag)),
          await whose().delete(item.path).set('if-match', ifMatch(item.etag)),
        ])
          expectProblem(response, ...refusal);
      });
      expect(rows).toEqual([]);
      expect((await ada.get(`${ITEMS}/${item.id}`).expect(200)).body).toEqual(before.body);
      expect(tagOf(await ada.get(LIST).expect(200))).toBe(tagOf(list));
    });

    it('refuses the tag of what it was before', async () => {
      const item = await addOne();
      const changed = await whose().patch(item.path, { type: 'show' }).set('if-match', item.etag).expect(200);
      const late = await whose().patch(item.path, { title: 'Okja' }).set('if-match', item.etag);
      expectProblem(late, 412, 'PRECONDITION_FAILED');
      expectProblem(await whose().delete(item.path).set('if-match', item.etag), 412, 'PRECONDITION_FAILED');
      // And takes that of what it is now.
      await whose().patch(item.path, { title: 'Okja' }).set('if-match', tagOf(changed)).expect(200);
    });

    it('leaves alone what is the same already, and its tag', async () => {
      const item = await addOne();
      const same = await whose()
        .patch(item.path, { title: 'Parasite' })
        .set('if-match', item.etag)
        .expect(200);
      expect(tagOf(same)).toBe(item.etag);
      expect(itemOf(same).updated_at).toBe(item.updated_at);
      expect(await actionsOn(item)).toEqual(['watchlist_item.created']);
    });

    it('lets exactly one of many who change the same at once succeed', async () => {
      const item = await addOne();
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, n) =>
          on(n, whose())
            .patch(item.path, { title: `Title ${n}` })
            .set('if-match', item.etag),
        ),
      );
      const [winner, ...others] = answers.toSorted((a, b) => a.status - b.status);
      expect(winner!.status).toBe(200);
      for (const other of others) expectProblem(other, 412, 'PRECONDITION_FAILED');
      const { body } = await ada.get(`${ITEMS}/${item.id}`).expect(200);
      expect(itemOf(winner!)).toMatchObject((body as { item: object }).item);
      expect(await actionsOn(item)).toEqual(['watchlist_item.created', 'watchlist_item.updated']);
    });

    it('lets exactly one of many who change and delete the same at once succeed', async () => {
      const item = await addOne();
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, n) => {
          const caller = on(n, whose());
          const write = n % 2 === 0 ? caller.delete(item.path) : caller.patch(item.path, { type: 'show' });
          return write.set('if-match', item.etag);
        }),
      );
      const statuses = answers.map(({ status }) => status);
      const [won, ...more] = statuses.filter((status) => status < 300);
      expect(more).toEqual([]);
      // To the others it has changed, or it is gone.
      expect(new Set(statuses.filter((status) => status >= 300))).toEqual(new Set([won === 204 ? 404 : 412]));
      expect(await actionsOn(item)).toEqual([
        'watchlist_item.created',
        won === 204 ? 'watchlist_item.deleted' : 'watchlist_item.updated',
      ]);
    });
  });

  it('lose no change of many who each read, change and try again', async () => {
    const { path } = await add();
    const names = [...'abcdefgh'];
    await ada.patch(path, { title: '-' }).expect(200);
    await Promise.all(
      names.map(async (name, n) => {
        const caller = on(n, ada);
        for (let status = 412; status === 412;) {
          const read = await caller.get(path).expect(200);
          const title = `${itemOf(read).title}${name}`;
          ({ status } = await caller.patch(path, { title }).set('if-match', tagOf(read)));
          expect([200, 412]).toContain(status);
        }
      }),
    );
    const { title } = itemOf(await ada.get(path).expect(200));
    expect([...title].sort()).toEqual(['-', ...names]);
  });

  it('are of use between an admin and the owner: who comes later has to look again', async () => {
    const item = await add();
    await admin.patch(`${ADMINS_ITEMS}/${item.id}`, { title: 'Okja' }).expect(200);
    const late = await ada.patch(item.path, { title: 'Mother' }).set('if-match', item.etag);
    expectProblem(late, 412, 'PRECONDITION_FAILED');
    const seen = await ada.get(item.path).expect(200);
    await ada.patch(item.path, { title: 'Mother' }).set('if-match', tagOf(seen)).expect(200);
  });

  it("take an admin's tag for the owner's when they write, because both name the item's state", async () => {
    const item = await addAsAdmin();
    const own = tagOf(await ada.get(`${ITEMS}/${item.id}`).expect(200));
    expect(own).not.toBe(item.etag);
    await ada.get(`${ITEMS}/${item.id}`).set('if-none-match', item.etag).expect(200);
    const changed = await admin.patch(item.path, { title: 'Okja' }).set('if-match', own).expect(200);
    await ada.delete(`${ITEMS}/${item.id}`).set('if-match', tagOf(changed)).expect(204);
  });

  it('without a condition change and delete whatever is there, as ever', async () => {
    const { path } = await add();
    await ada.patch(path, { title: 'Okja' }).expect(200);
    await ada.patch(path, { title: 'Mother' }).expect(200);
    await ada.delete(path).expect(204);
  });

  describe('a condition that is not met', () => {
    const UNMET = { 'if-match': '"another"' };
    let item: TaggedItem;
    beforeAll(async () => {
      item = await add();
    });

    it('is not looked at for who is not signed in', async () => {
      for (const path of [item.path, `${ADMINS_ITEMS}/${item.id}`]) {
        expectProblem(
          await server.request().patch(path).set(UNMET).send({ title: 'x' }),
          401,
          'UNAUTHORIZED',
        );
        expectProblem(await server.request().delete(path).set(UNMET), 401, 'UNAUTHORIZED');
      }
    });

    it('is not looked at for who is no admin, or whose token is not for this', async () => {
      expectProblem(await ada.delete(`${ADMINS_ITEMS}/${item.id}`).set(UNMET), 403, 'FORBIDDEN');
      const made = await ada
        .post('/v1/auth/tokens', { name: 'x', scopes: ['items:read'], expires_in_days: 1 })
        .expect(201);
      const script = actingOn(server, { ...ada, token: (made.body as { token: string }).token });
      expectProblem(await script.delete(item.path).set(UNMET), 403, 'FORBIDDEN');
    });

    it('is looked at after the body', async () => {
      expectInvalid(await ada.patch(item.path, { title: '' }).set(UNMET), 'title');
      expectInvalid(await ada.delete(`${item.path}?x=1`).set(UNMET), 'x');
    });

    it('does not tell whether an item of somebody else is there', async () => {
      const grace = await asUser(server);
      for (const value of ['"another"', '*', item.etag]) {
        const condition = { 'if-match': value };
        for (const ask of [
          (path: string) => grace.patch(path, { title: 'Okja' }).set(condition),
          (path: string) => grace.delete(path).set(condition),
        ]) {
          const foreign = await ask(item.path);
          expectProblem(foreign, 404, 'ITEM_NOT_FOUND');
          expect(appearanceOf(await ask(`${ITEMS}/2147483647`))).toEqual(appearanceOf(foreign));
        }
      }
    });

    it('is counted under the limit of writes, and not looked at beyond it', async () => {
      const strict = await createTestApp({ env: { RATE_LIMIT_WRITE: '3/3600' } });
      try {
        const grace = await asUser(strict);
        const { path } = await add(grace);
        const ask = () => grace.patch(path, { title: 'Okja' }).set(UNMET);
        expectProblem(await ask(), 412, 'PRECONDITION_FAILED');
        expectProblem(await ask(), 412, 'PRECONDITION_FAILED');
        expectProblem(await ask(), 429, 'RATE_LIMITED');
      } finally {
        await strict.close();
      }
    });
  });
});

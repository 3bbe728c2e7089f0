import { randomBytes } from 'node:crypto';
import type { Response } from 'supertest';
import { AdminUsersService } from '../src/admin/users/admin-users.service.js';
import { User } from '../src/users/user.entity.js';
import { UsersService } from '../src/users/users.service.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, randomEmail, tokenFor } from './support/actors.js';
import { auditLogs, rowsLeftBy } from './support/audit-trail.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectInvalid, expectProblem, UNSET_FIELDS } from './support/expected.js';
import { createStorage, stack, type Storage } from './support/stack.js';

const NOBODYS_ID = 2_147_483_647;
const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** In a path; `%D9%A1` is an Arabic 1. */
const NOT_IDS = ['0', '-1', '%2B1', '01', '1e0', '0x1', '1.0', '1,0', 'abc', '%20', '1%20', '%D9%A1'].concat(
  '2147483648',
  '9007199254740993',
  '99999999999999999999',
);

/** In a query, for `skip`, `limit` and ids alike. */
const NOT_NUMBERS = ['', '-1', '1.5', '1e1', '0x10', '%2B1', '01', ' 1', 'ten', 'NaN', '2147483648'];

/** What is wrong in the query of any paged route, and the field that the answer names. */
const BAD_PAGES: [query: string, field: string][] = [
  ...['skip', 'limit'].flatMap((name) =>
    NOT_NUMBERS.map((value): [string, string] => [`${name}=${value}`, name]),
  ),
  ['limit=0', 'limit'],
  ['limit=101', 'limit'],
  ['skip=0&skip=0', 'skip'],
  ['limit=10&limit=10', 'limit'],
  ['skip[]=0', 'skip[]'],
  ['offset=0', 'offset'],
  ['Skip=0', 'Skip'],
];

/** What is wrong with an item's title, whoever sends it. */
const BAD_TITLES: [what: string, title: unknown][] = [
  ['empty', ''],
  ['blank', ' \t\n '],
  ['too long', 'x'.repeat(256)],
  ['null', null],
  ['a number', 7],
  ['a list', ['Parasite']],
  ['an object', { text: 'Parasite' }],
  ['with a line break', 'Para\nsite'],
  ['with a C1 control', 'Para\u0085site'],
  ['with NUL', 'Para\0site'],
  ['with half a character', 'Para\ud800site'],
];

const BAD_TYPES: [what: string, type: unknown][] = [
  ['unknown', 'series'],
  ['in capitals', 'Movie'],
  ['empty', ''],
  ['null', null],
  ['a number', 1],
  ['a list', ['movie']],
];

const ids = (rows: { id: number }[]) => rows.map(({ id }) => id);

async function add(owner: Actor, title: string, type = 'movie'): Promise<number> {
  const { body } = await owner.post('/v1/watchlists/items', { title, type }).expect(201);
  return (body as { item: { id: number } }).item.id;
}

describe('admin', () => {
  let server: TestApp;
  let admin: Actor;
  beforeAll(async () => {
    server = await createTestApp();
    admin = await asAdmin(server);
  });
  afterAll(() => server.close());

  const changeUser = (id: number | string, change: object, by = admin) =>
    by.patch(`/v1/admin/users/${id}`, change);

  describe('GET /v1/admin/stats', () => {
    it('counts users and items of each kind', async () => {
      const counted = await createTestApp();
      try {
        const grace = await asAdmin(counted);
        const stats = async () => (await grace.get('/v1/admin/stats').expect(200)).body as object;
        expect(await stats()).toEqual({
          status: 'ok',
          message: expect.stringMatching(/^1 user .*\b0 items/),
          users: { total: 1, admins: 1, disabled: 0 },
          items: { total: 0, movies: 0, shows: 0 },
        });
        const [ada, bob] = [await asUser(counted), await asUser(counted)];
        await add(ada, 'Parasite');
        expect(await stats()).toMatchObject({ message: expect.stringMatching(/^3 users .*\b1 item\b/) });
        await add(ada, 'Severance', 'show');
        await add(bob, 'Parasite');
        await changeUser(bob.id, { disabled: true }, grace).expect(200);
        expect(await stats()).toEqual({
          status: 'ok',
          message: expect.stringMatching(/^3 users .*\b3 items/),
          users: { total: 3, admins: 1, disabled: 1 },
          items: { total: 3, movies: 2, shows: 1 },
        });
      } finally {
        await counted.close();
      }
    });

    it('refuses a parameter that it does not know', async () => {
      expectInvalid(await admin.get('/v1/admin/stats?role=admin'), 'role');
    });
  });

  describe('GET /v1/admin/users', () => {
    interface UsersPage {
      skip: number;
      limit: number;
      total: number;
      users: { id: number; email: string; role: string; disabled: boolean; item_count: number }[];
    }
    const users = async (query: string) =>
      (await admin.get(`/v1/admin/users?${query}`).expect(200)).body as UsersPage;

    it('shows whom it finds, with the number of their items and nothing else', async () => {
      const ada = await asUser(server);
      await add(ada, 'Parasite');
      await add(ada, 'Severance', 'show');
      expect(await users(`q=${ada.email}`)).toEqual({
        skip: 0,
        limit: 10,
        total: 1,
        users: [
          {
            id: ada.id,
            email: ada.email,
            role: 'user',
            disabled: false,
            created_at: INSTANT,
            item_count: 2,
          },
        ],
      });
    });

    it('pages through everybody by id', async () => {
      const tag = randomBytes(6).toString('hex');
      const everybody: number[] = [];
      for (let number = 0; number < 5; number++) {
        everybody.push((await asUser(server, `page-${number}-${tag}@example.com`)).id);
      }
      const pages = await Promise.all([0, 2, 4, 6].map((skip) => users(`q=${tag}&skip=${skip}&limit=2`)));
      expect(pages.map(({ skip, limit, total }) => [skip, limit, total])).toEqual([
        [0, 2, 5],
        [2, 2, 5],
        [4, 2, 5],
        [6, 2, 5],
      ]);
      expect(pages.map((page) => ids(page.users))).toEqual([
        everybody.slice(0, 2),
        everybody.slice(2, 4),
        everybody.slice(4),
        [],
      ]);
    });

    it('shows ten at a time unless told otherwise, and a hundred at most', async () => {
      expect(await users('')).toMatchObject({ skip: 0, limit: 10 });
      expect(await users('limit=100')).toMatchObject({ skip: 0, limit: 100 });
      expect(await users('skip=2147483647')).toMatchObject({ skip: 2_147_483_647, users: [] });
    });

    describe('q', () => {
      const tag = randomBytes(6).toString('hex');
      const percent = `fifty%off-${tag}@example.com`;
      const underscore = `snake_case-${tag}@example.com`;
      const plain = `fiftyxoff-snakexcase-${tag}@example.com`;
      beforeAll(async () => {
        for (const email of [percent, underscore, plain]) await asUser(server, email);
      });

      it.each<[what: string, q: string, expected: string[]]>([
        ['any part of the address', tag, [percent, underscore, plain]],
        ['the beginning', 'fifty', [percent, plain]],
        ['the whole address', plain, [plain]],
        ['any case', `FIFTYX`, [plain]],
        ['a percent sign, which means itself', `y%o`, [percent]],
        ['a lone percent sign', '%', [percent]],
        ['an underscore, which means itself', 'e_c', [underscore]],
        ['a lone underscore', '_', [underscore]],
        ['a backslash, which means itself', '\\', []],
        ['a backslash before a percent sign', 'fifty\\%off', []],
        ['a backslash before a letter', '\\fifty', []],
        ['a quotation mark', `fifty'off`, []],
        ['what nobody has', `${tag}-nobody`, []],
        ['blanks around it, which do not count', ` ${tag} `, [percent, underscore, plain]],
      ])('finds %s', async (_what, q, expected) => {
        const page = await users(`q=${encodeURIComponent(q)}`);
        expect(page.users.map(({ email }) => email)).toEqual(expected);
        expect(page.total).toBe(expected.length);
      });
    });

    it('keeps to a role, also together with q', async () => {
      const tag = randomBytes(6).toString('hex');
      const user = await asUser(server, `one-${tag}@example.com`);
      const other = await asAdmin(server, `two-${tag}@example.com`);
      expect(ids((await users(`role=user&q=${tag}`)).users)).toEqual([user.id]);
      expect(ids((await users(`role=admin&q=${tag}`)).users)).toEqual([other.id]);
      const admins = await users('role=admin&limit=100');
      expect(admins.users.every(({ role }) => role === 'admin')).toBe(true);
      expect(ids(admins.users)).toEqual(expect.arrayContaining([admin.id, other.id]));
      expect(admins.total).toBe(admins.users.length);
    });

    it.each<[query: string, field: string]>([
      ...BAD_PAGES,
      ['q=', 'q'],
      ['q=%20', 'q'],
      [`q=${'x'.repeat(255)}`, 'q'],
      ['q=a%00b', 'q'],
      ['q=a&q=b', 'q'],
      ['role=', 'role'],
      ['role=Admin', 'role'],
      ['role=root', 'role'],
      ['role=user&role=admin', 'role'],
      ['disabled=true', 'disabled'],
      ['sort=title_asc', 'sort'],
    ])('refuses ?%s', async (query, field) => {
      expectInvalid(await admin.get(`/v1/admin/users?${query}`), field);
    });

    it('names every field that is wrong', async () => {
      expectInvalid(
        await admin.get('/v1/admin/users?skip=-1&limit=0&q=&role=root&foo=1'),
        'foo',
        'limit',
        'q',
        'role',
        'skip',
      );
    });
  });

  describe('PATCH /v1/admin/users/{user_id}', () => {
    it.each<[what: string, change: object, actions: string[]]>([
      ['the role', { role: 'admin' }, ['user.role_changed']],
      ['the standing', { disabled: true }, ['user.disabled']],
      ['both', { role: 'admin', disabled: true }, ['user.disabled', 'user.role_changed']],
    ])('changes %s and answers with the user as they are now', async (_what, change, actions) => {
      const ada = await asUser(server);
      await add(ada, 'Parasite');
      let answer!: Response;
      const rows = await rowsLeftBy(admin, async () => (answer = await changeUser(ada.id, change)));
      expect(answer.status).toBe(200);
      const user = { id: ada.id, email: ada.email, role: 'user', disabled: false, ...change };
      expect(answer.body).toEqual({ status: 'ok', user: { ...user, created_at: INSTANT, item_count: 1 } });
      const { body } = await admin.get(`/v1/admin/users?q=${ada.email}`).expect(200);
      expect((body as { users: object[] }).users).toEqual([(answer.body as { user: object }).user]);
      expect(rows.map(({ action }) => action).sort()).toEqual(actions);
    });

    it.each([{ role: 'user' }, { disabled: false }, { role: 'user', disabled: false }])(
      'leaves no trace of %j when it is so already',
      async (change) => {
        const ada = await asUser(server);
        const rows = await rowsLeftBy(admin, () => changeUser(ada.id, change).expect(200));
        expect(rows).toEqual([]);
      },
    );

    it('records of two fields only the one that changes', async () => {
      const ada = await asUser(server);
      const rows = await rowsLeftBy(admin, () =>
        changeUser(ada.id, { role: 'user', disabled: true }).expect(200),
      );
      expect(rows).toMatchObject([
        { action: 'user.disabled', changes: { disabled: { from: false, to: true } } },
      ]);
    });

    it('makes a role count from the next request, with the token that the user has', async () => {
      const ada = await asUser(server);
      expectProblem(await ada.get('/v1/admin/stats'), 403, 'FORBIDDEN');
      await changeUser(ada.id, { role: 'admin' }).expect(200);
      await ada.get('/v1/admin/stats').expect(200);
      expect((await ada.get('/v1/auth/me').expect(200)).body).toMatchObject({ role: 'admin' });
      await changeUser(ada.id, { role: 'user' }).expect(200);
      expectProblem(await ada.get('/v1/admin/stats'), 403, 'FORBIDDEN');
      expect((await ada.get('/v1/auth/me').expect(200)).body).toMatchObject({ role: 'user' });
    });

    it('shuts a disabled user out from the next request, and lets them sign in again', async () => {
      const ada = await asUser(server);
      const login = () =>
        server.request().post('/v1/auth/login').send({ email: ada.email, password: PASSWORD });
      await add(ada, 'Parasite');
      await changeUser(ada.id, { disabled: true }).expect(200);
      expectProblem(await ada.get('/v1/auth/me'), 401, 'UNAUTHORIZED');
      expectProblem(await ada.get('/v1/watchlists'), 401, 'UNAUTHORIZED');
      expectProblem(await login(), 401, 'INVALID_CREDENTIALS');

      await changeUser(ada.id, { disabled: false }).expect(200);
      expectProblem(await ada.get('/v1/auth/me'), 401, 'UNAUTHORIZED');
      const token = (await login().expect(200)).body.access_token;
      const { body } = await actingOn(server, { ...ada, token })
        .get('/v1/watchlists')
        .expect(200);
      expect(body).toMatchObject({ total: 1 });
    });

    it.each<[what: string, body: object, fields: string[]]>([
      ['nothing to change', {}, ['body']],
      ['null for the role', { role: null }, ['role']],
      ['null for the standing', { disabled: null }, ['disabled']],
      ['null for both', { role: null, disabled: null }, ['disabled', 'role']],
      ['an unknown role', { role: 'root' }, ['role']],
      ['a role in capitals', { role: 'ADMIN' }, ['role']],
      ['an empty role', { role: '' }, ['role']],
      ['a number for the role', { role: 1 }, ['role']],
      ['a list for the role', { role: ['admin'] }, ['role']],
      ['a word for the standing', { disabled: 'true' }, ['disabled']],
      ['a number for the standing', { disabled: 1 }, ['disabled']],
      ['zero for the standing', { disabled: 0 }, ['disabled']],
      ['a list for the standing', { disabled: [true] }, ['disabled']],
      ['both wrong', { role: 'root', disabled: 'no' }, ['disabled', 'role']],
      ['an unknown field beside a good one', { role: 'admin', email: 'new@example.com' }, ['email']],
      ['only unknown fields', { id: 7, enabled: true }, ['body', 'enabled', 'id']],
    ])('refuses %s', async (_what, body, fields) => {
      const ada = await asUser(server);
      const rows = await rowsLeftBy(admin, async () =>
        expectInvalid(await changeUser(ada.id, body), ...fields),
      );
      expect(rows).toEqual([]);
      const { users } = (await admin.get(`/v1/admin/users?q=${ada.email}`).expect(200)).body as {
        users: object[];
      };
      expect(users).toMatchObject([{ email: ada.email, role: 'user', disabled: false }]);
    });

    it('refuses a query parameter', async () => {
      expectInvalid(await changeUser(`${admin.id}?force=true`, { role: 'admin' }), 'force');
    });

    it.each([String(NOBODYS_ID), ...NOT_IDS])('knows no user %s', async (id) => {
      expectProblem(await changeUser(id, { role: 'admin' }), 404, 'USER_NOT_FOUND');
    });

    it.each([String(NOBODYS_ID), 'abc'])(
      'says first what is wrong with the body, then that there is no user %s',
      async (id) => {
        expectInvalid(await changeUser(id, { role: 'root' }), 'role');
      },
    );
  });

  describe('the last active admin', () => {
    let storage: Storage;
    /** Several where the database allows it. */
    let servers: TestApp[];
    let grace: Actor;
    let hedy: Actor;
    beforeAll(async () => {
      storage = await createStorage();
      servers = [await createTestApp({ storage })];
      if (stack() === 'postgres+redis') servers.push(await createTestApp({ storage }));
    });
    beforeAll(async () => {
      grace = await asAdmin(servers[0]!);
      hedy = actingOn(servers.at(-1)!, await asAdmin(servers[0]!));
    });
    afterAll(async () => {
      for (const each of servers) await each.close();
      await storage.remove();
    });

    const signedInAgain = async (actor: Actor, on: TestApp) =>
      actingOn(on, { ...actor, token: await tokenFor(on, actor.id) });
    const usersOf = (each: TestApp) => each.app.get(UsersService, { strict: false });
    const activeAdmins = () =>
      servers[0]!.unitOfWork.read((manager) => manager.findBy(User, { role: 'admin', disabled: false }));

    /** Sets who is an active admin, around the door: an admin who may not be demoted cannot prepare the next test. */
    async function onlyActiveAdmins(...actors: Actor[]): Promise<void> {
      for (const { id } of actors) {
        await usersOf(servers[0]!).changeStanding(id, { role: 'admin', disabled: false }, grace);
      }
      // Being disabled has ended their sessions.
      [grace, hedy] = await Promise.all([
        signedInAgain(grace, servers[0]!),
        signedInAgain(hedy, servers.at(-1)!),
      ]);
      for (const { id } of await activeAdmins()) {
        if (actors.every((actor) => actor.id !== id))
          await usersOf(servers[0]!).changeStanding(id, { role: 'user' }, grace);
      }
    }

    it.each([
      { role: 'user' },
      { disabled: true },
      { role: 'user', disabled: true },
      { role: 'admin', disabled: true },
    ])('cannot be changed to %j', async (change) => {
      await onlyActiveAdmins(grace);
      const rows = await rowsLeftBy(grace, async () =>
        expectProblem(await changeUser(grace.id, change, grace), 409, 'LAST_ADMIN'),
      );
      expect(rows).toEqual([]);
      expect(ids(await activeAdmins())).toEqual([grace.id]);
    });

    it('is not saved by an admin who is disabled', async () => {
      await onlyActiveAdmins(grace, hedy);
      await changeUser(hedy.id, { disabled: true }, grace).expect(200);
      expectProblem(await changeUser(grace.id, { role: 'user' }, grace), 409, 'LAST_ADMIN');
      // And that one, being no active admin, can be demoted and enabled.
      await changeUser(hedy.id, { role: 'user' }, grace).expect(200);
      await changeUser(hedy.id, { disabled: false }, grace).expect(200);
      expect(ids(await activeAdmins())).toEqual([grace.id]);
    });

    it('can be told to stay what they are', async () => {
      await onlyActiveAdmins(grace);
      await changeUser(grace.id, { role: 'admin', disabled: false }, grace).expect(200);
    });

    it('can go when another one has come', async () => {
      await onlyActiveAdmins(grace);
      await changeUser(hedy.id, { role: 'admin' }, grace).expect(200);
      await changeUser(grace.id, { role: 'user' }, grace).expect(200);
      expect(ids(await activeAdmins())).toEqual([hedy.id]);
    });

    type Race = [what: string, change: object, targets: () => [Actor, Actor]];
    const RACES: Race[] = [
      ['demote each other', { role: 'user' }, () => [hedy, grace]],
      ['disable each other', { disabled: true }, () => [hedy, grace]],
      ['demote themselves', { role: 'user' }, () => [grace, hedy]],
      ['disable themselves', { disabled: true }, () => [grace, hedy]],
    ];
    const ROUNDS = 5;

    /** Starts two requests while nobody can write, so that both have been let in before either changes anything. */
    async function atTheSameMoment(first: () => PromiseLike<Response>, second: () => PromiseLike<Response>) {
      const calls = servers.map((each) =>
        jest.spyOn(each.app.get(AdminUsersService, { strict: false }), 'updateUser'),
      );
      let release!: () => void;
      const released = new Promise<void>((resolve) => (release = resolve));
      let hold!: () => void;
      const held = new Promise<void>((resolve) => (hold = resolve));
      const holding = servers[0]!.unitOfWork.write(async (manager) => {
        if (stack() === 'postgres+redis') await manager.query('LOCK TABLE users IN EXCLUSIVE MODE');
        hold();
        await released;
      });
      try {
        await held;
        const answers = [first(), second()].map((test) => Promise.resolve(test));
        await eventually(() => expect(calls.flatMap(({ mock }) => mock.calls)).toHaveLength(2));
        release();
        return await Promise.all(answers);
      } finally {
        release();
        await holding;
        for (const call of calls) call.mockRestore();
      }
    }

    it.each(RACES)('remains when two admins who were both let in %s', async (_what, change, targets) => {
      for (let round = 0; round < ROUNDS; round++) {
        await onlyActiveAdmins(grace, hedy);
        const [graces, hedys] = targets();
        const answers = await atTheSameMoment(
          () => changeUser(graces.id, change, grace),
          () => changeUser(hedys.id, change, hedy),
        );
        const refused = answers.filter(({ status }) => status !== 200);
        expect(refused).toHaveLength(1);
        expectProblem(refused[0]!, 409, 'LAST_ADMIN');
        expect(await activeAdmins()).toHaveLength(1);
      }
    });

    it.each(RACES)(
      'remains however two admins who %s overtake each other',
      async (_what, change, targets) => {
        for (let round = 0; round < ROUNDS; round++) {
          await onlyActiveAdmins(grace, hedy);
          const [graces, hedys] = targets();
          const answers = await Promise.all([
            changeUser(graces.id, change, grace),
            changeUser(hedys.id, change, hedy),
          ]);
          const [done, refused] = answers.map(({ status }) => status).sort();
          expect(done).toBe(200);
          // Who comes a moment later is refused as the last admin, or as one no more.
          expect([401, 403, 409]).toContain(refused);
          expect(await activeAdmins()).toHaveLength(1);
        }
      },
    );
  });

  describe('GET /v1/admin/watchlists', () => {
    interface OwnedItem {
      id: number;
      title: string;
      type: string;
      owner: { id: number; email: string };
    }
    interface ItemsPage {
      skip: number;
      limit: number;
      total: number;
      watchlist: OwnedItem[];
    }
    let ada: Actor;
    let bob: Actor;
    /** By title; in the order of their creation. */
    const items = new Map<string, number>();
    beforeAll(async () => {
      [ada, bob] = [await asUser(server), await asUser(server)];
      for (const [title, type] of [
        ['banana', 'show'],
        ['Apple', 'movie'],
        ['ｃherry', 'movie'],
        ['apple', 'show'],
        ['Zebra', 'movie'],
      ] as const) {
        items.set(title, await add(ada, title, type));
      }
      items.set('Parasite', await add(bob, 'Parasite'));
    });

    const list = async (query = '') =>
      (await admin.get(`/v1/admin/watchlists?${query}`).expect(200)).body as ItemsPage;
    const titles = ({ watchlist }: ItemsPage) => watchlist.map(({ title }) => title);

    it("shows anyone's items, each with its owner and nothing else of them", async () => {
      const { watchlist } = await list(`user_id=${bob.id}`);
      const { body } = await bob.get('/v1/watchlists').expect(200);
      const [own] = (body as { watchlist: object[] }).watchlist;
      expect(watchlist).toEqual([{ ...own, owner: { id: bob.id, email: bob.email } }]);
      expect(watchlist[0]).toEqual({
        id: items.get('Parasite'),
        title: 'Parasite',
        type: 'movie',
        ...UNSET_FIELDS,
        version: expect.any(Number),
        created_at: INSTANT,
        updated_at: INSTANT,
        owner: { id: bob.id, email: bob.email },
      });
    });

    it('mixes all owners, newest first, when none is named', async () => {
      const page = await list('limit=6');
      expect(ids(page.watchlist)).toEqual([...items.values()].reverse());
      expect(page.watchlist.map(({ owner }) => owner.id)).toEqual([bob.id, ...Array(5).fill(ada.id)]);
      expect(page.total).toBe(
        ((await admin.get('/v1/admin/stats').expect(200)).body as { items: { total: number } }).items.total,
      );
    });

    it.each<[sort: string, expected: string[]]>([
      ['created_at_desc', ['Zebra', 'apple', 'ｃherry', 'Apple', 'banana']],
      ['created_at_asc', ['banana', 'Apple', 'ｃherry', 'apple', 'Zebra']],
      ['title_asc', ['Apple', 'apple', 'banana', 'ｃherry', 'Zebra']],
      ['title_desc', ['Zebra', 'ｃherry', 'banana', 'apple', 'Apple']],
    ])('sorts by %s, ties by id', async (sort, expected) => {
      expect(titles(await list(`user_id=${ada.id}&sort=${sort}`))).toEqual(expected);
    });

    it('keeps to a type', async () => {
      const movies = await list(`user_id=${ada.id}&type=movie&sort=title_asc`);
      expect(titles(movies)).toEqual(['Apple', 'ｃherry', 'Zebra']);
      expect(movies.total).toBe(3);
      expect((await list(`user_id=${bob.id}&type=show`)).total).toBe(0);
      expect((await list('type=show&limit=100')).watchlist.every(({ type }) => type === 'show')).toBe(true);
    });

    it('pages without overlap', async () => {
      const query = `user_id=${ada.id}&sort=title_asc&limit=2`;
      const pages = await Promise.all([0, 2, 4, 5].map((skip) => list(`${query}&skip=${skip}`)));
      expect(pages.map(titles)).toEqual([['Apple', 'apple'], ['banana', 'ｃherry'], ['Zebra'], []]);
      expect(pages.map(({ skip, limit, total }) => [skip, limit, total])).toEqual([
        [0, 2, 5],
        [2, 2, 5],
        [4, 2, 5],
        [5, 2, 5],
      ]);
    });

    it('is empty for a user without items, and for one whom nobody knows', async () => {
      const carol = await asUser(server);
      const counts = { planned: 0, watching: 0, watched: 0, on_hold: 0, dropped: 0 };
      const empty = {
        skip: 0,
        limit: 10,
        total: 0,
        has_more: false,
        next_cursor: null,
        counts,
        watchlist: [],
      };
      expect(await list(`user_id=${carol.id}`)).toEqual(empty);
      expect(await list(`user_id=${NOBODYS_ID}`)).toEqual(empty);
    });

    it.each<[query: string, field: string]>([
      ...BAD_PAGES,
      ...NOT_NUMBERS.map((value): [string, string] => [`user_id=${value}`, 'user_id']),
      ['user_id=0', 'user_id'],
      ['user_id=1&user_id=2', 'user_id'],
      ['type=', 'type'],
      ['type=series', 'type'],
      ['type=movie&type=show', 'type'],
      ['sort=', 'sort'],
      ['sort=id_asc', 'sort'],
      ['sort=title_asc&sort=title_asc', 'sort'],
      ['owner_id=1', 'owner_id'],
      ['query=Parasite', 'query'],
    ])('refuses ?%s', async (query, field) => {
      expectInvalid(await admin.get(`/v1/admin/watchlists?${query}`), field);
    });
  });

  describe("somebody else's items", () => {
    const forUser = (owner: Actor, fields: object = {}) =>
      admin.post('/v1/admin/watchlists/items', {
        user_id: owner.id,
        title: 'Parasite',
        type: 'movie',
        ...fields,
      });
    const change = (id: number | string, fields: object) =>
      admin.patch(`/v1/admin/watchlists/items/${id}`, fields);
    const remove = (id: number | string) => admin.delete(`/v1/admin/watchlists/items/${id}`);

    /** The owner's list as they see it, and where it came from. */
    async function seenBy(owner: Actor) {
      const { body, headers } = await owner.get('/v1/watchlists').expect(200);
      return {
        cache: headers['x-cache'],
        titles: (body as { watchlist: { title: string }[] }).watchlist.map(({ title }) => title),
      };
    }

    /** Until the list comes from the cache, so that only a change can take it out again. */
    async function haveCached(owner: Actor) {
      await seenBy(owner);
      expect(await seenBy(owner)).toMatchObject({ cache: 'HIT' });
    }

    /** What every row says that the admin leaves on the owner's list. */
    const byAdmin = (action: string, id: number, changes: object) => ({
      actor_id: admin.id,
      actor_email: admin.email,
      action: `watchlist_item.${action}`,
      resource_type: 'watchlist_item',
      resource_id: id,
      changes,
    });

    it('are added on their list at once, and the log names the admin', async () => {
      const ada = await asUser(server);
      await haveCached(ada);
      let answer!: Response;
      const rows = await rowsLeftBy(
        admin,
        async () => (answer = await forUser(ada, { title: ' Parasite ' })),
      );
      expect(answer.status).toBe(201);
      const { item } = answer.body as { item: { id: number } };
      expect(answer.body).toEqual({
        status: 'ok',
        item: {
          id: expect.any(Number),
          title: 'Parasite',
          type: 'movie',
          ...UNSET_FIELDS,
          version: expect.any(Number),
          created_at: INSTANT,
          updated_at: INSTANT,
          owner: { id: ada.id, email: ada.email },
        },
      });
      const location = answer.headers['location']!;
      expect(location).toBe(`/v1/admin/watchlists/items/${item.id}`);
      expect((await admin.get(location).expect(200)).body).toEqual(answer.body);
      expect((await admin.patch(location, { title: 'Parasite' }).expect(200)).body).toEqual(answer.body);
      expect(await seenBy(ada)).toEqual({ cache: 'MISS', titles: ['Parasite'] });
      await ada.get(`/v1/watchlists/items/${item.id}`).expect(200);
      expect(rows).toMatchObject([
        byAdmin('created', item.id, {
          title: { from: null, to: 'Parasite' },
          type: { from: null, to: 'movie' },
        }),
      ]);
    });

    it.each<[what: string, fields: object, changes: object]>([
      ['title', { title: 'Okja' }, { title: { from: 'Parasite', to: 'Okja' } }],
      ['type', { type: 'show' }, { type: { from: 'movie', to: 'show' } }],
      [
        'title and type',
        { title: 'Okja', type: 'show' },
        { title: { from: 'Parasite', to: 'Okja' }, type: { from: 'movie', to: 'show' } },
      ],
    ])('are changed in their %s at once, and the log names the admin', async (_what, fields, changes) => {
      const ada = await asUser(server);
      const id = await add(ada, 'Parasite');
      await haveCached(ada);
      let answer!: Response;
      const rows = await rowsLeftBy(admin, async () => (answer = await change(id, fields)));
      expect(answer.status).toBe(200);
      const { body } = await ada.get('/v1/watchlists').expect(200);
      const [own] = (body as { watchlist: object[] }).watchlist;
      expect(own).toMatchObject({ id, title: 'Parasite', type: 'movie', ...fields });
      expect(answer.body).toEqual({
        status: 'ok',
        item: { ...own, owner: { id: ada.id, email: ada.email } },
      });
      expect(rows).toMatchObject([byAdmin('updated', id, changes)]);
      expect(rows[0]!.changes).toEqual(changes);
    });

    it('are left alone by a change to what is there already', async () => {
      const ada = await asUser(server);
      const id = await add(ada, 'Parasite');
      await haveCached(ada);
      const { body: before } = await ada.get(`/v1/watchlists/items/${id}`).expect(200);
      let answer!: Response;
      const rows = await rowsLeftBy(
        admin,
        async () => (answer = await change(id, { title: 'Parasite', type: 'movie' })),
      );
      expect(answer.status).toBe(200);
      expect(rows).toEqual([]);
      expect(await seenBy(ada)).toEqual({ cache: 'HIT', titles: ['Parasite'] });
      const { body: after } = await ada.get(`/v1/watchlists/items/${id}`).expect(200);
      expect(after).toEqual(before);
    });

    it('are deleted from their list at once, and the log names the admin', async () => {
      const ada = await asUser(server);
      const id = await add(ada, 'Parasite');
      await haveCached(ada);
      const rows = await rowsLeftBy(admin, () => remove(id).expect(204, ''));
      expect(await seenBy(ada)).toEqual({ cache: 'MISS', titles: [] });
      expectProblem(await ada.get(`/v1/watchlists/items/${id}`), 404, 'ITEM_NOT_FOUND');
      expectProblem(await remove(id), 404, 'ITEM_NOT_FOUND');
      expect(rows).toMatchObject([
        byAdmin('deleted', id, {
          title: { from: 'Parasite', to: null },
          type: { from: 'movie', to: null },
        }),
      ]);
    });

    it("can be an admin's own, or a disabled user's", async () => {
      const bob = await asUser(server);
      await changeUser(bob.id, { disabled: true }).expect(200);
      for (const owner of [admin, bob]) {
        const { body } = await forUser(owner).expect(201);
        expect(body).toMatchObject({ item: { owner: { id: owner.id, email: owner.email } } });
      }
    });

    it('cannot be added for a user whom nobody knows: nothing is left of the try', async () => {
      const before = (await admin.get('/v1/admin/stats').expect(200)).body as object;
      const rows = await rowsLeftBy(admin, async () =>
        expectProblem(
          await admin.post('/v1/admin/watchlists/items', {
            user_id: NOBODYS_ID,
            title: 'Parasite',
            type: 'movie',
          }),
          404,
          'USER_NOT_FOUND',
        ),
      );
      expect(rows).toEqual([]);
      expect((await admin.get('/v1/admin/stats').expect(200)).body).toEqual(before);
    });

    it.each([String(NOBODYS_ID), ...NOT_IDS])('do not include %s', async (id) => {
      expectProblem(await change(id, { title: 'Okja' }), 404, 'ITEM_NOT_FOUND');
      expectProblem(await remove(id), 404, 'ITEM_NOT_FOUND');
    });

    it.each<[what: string, userId: unknown]>([
      ['none', undefined],
      ['null', null],
      ['text', '1'],
      ['zero', 0],
      ['a negative number', -1],
      ['a fraction', 1.5],
      ['too large a number', 2_147_483_648],
      ['a list', [1]],
      ['an object', { id: 1 }],
      ['true', true],
    ])('need an owner: not %s', async (_what, userId) => {
      expectInvalid(
        await admin.post('/v1/admin/watchlists/items', { user_id: userId, title: 'Okja', type: 'movie' }),
        'user_id',
      );
    });

    describe('refuse a title that is', () => {
      it.each(BAD_TITLES)('%s', async (_what, title) => {
        const id = await add(admin, 'Parasite');
        const rows = await rowsLeftBy(admin, async () => {
          expectInvalid(await forUser(admin, { title }), 'title');
          expectInvalid(await change(id, { title }), 'title');
        });
        expect(rows).toEqual([]);
      });
    });

    describe('refuse a type that is', () => {
      it.each(BAD_TYPES)('%s', async (_what, type) => {
        const id = await add(admin, 'Parasite');
        const rows = await rowsLeftBy(admin, async () => {
          expectInvalid(await forUser(admin, { type }), 'type');
          expectInvalid(await change(id, { type }), 'type');
        });
        expect(rows).toEqual([]);
      });
    });

    it('are given every field that is wrong', async () => {
      const id = await add(admin, 'Parasite');
      expectInvalid(await admin.post('/v1/admin/watchlists/items', {}), 'title', 'type', 'user_id');
      expectInvalid(await forUser(admin, { owner: 1, created_at: 'now' }), 'created_at', 'owner');
      expectInvalid(await change(id, {}), 'body');
      expectInvalid(await change(id, { user_id: 1 }), 'body', 'user_id');
      expectInvalid(await change(id, { title: 'Okja', user_id: 1 }), 'user_id');
    });

    it('take no query parameters', async () => {
      const id = await add(admin, 'Parasite');
      expectInvalid(await change(`${id}?user_id=1`, { title: 'Okja' }), 'user_id');
      expectInvalid(await remove(`${id}?force=1`), 'force');
      await admin.get(`/v1/watchlists/items/${id}`).expect(200);
    });
  });

  it('does not say who asks for what: an admin who looks leaves no row', async () => {
    const rows = await rowsLeftBy(admin, async () => {
      for (const path of ['stats', 'users', 'watchlists', 'audit-logs']) {
        await admin.get(`/v1/admin/${path}`).expect(200);
      }
    });
    expect(rows).toEqual([]);
    expect((await auditLogs(admin)).total).toBeGreaterThan(0);
  });

  it('is as new for the first admin, created at boot, as for any other', async () => {
    const email = randomEmail('root');
    const fresh = await createTestApp({ env: { ADMIN_EMAIL: email, ADMIN_PASSWORD: PASSWORD } });
    try {
      const login = await fresh
        .request()
        .post('/v1/auth/login')
        .send({ email, password: PASSWORD })
        .expect(200);
      const root = actingOn(fresh, {
        id: 1,
        email,
        token: (login.body as { access_token: string }).access_token,
      });
      const { body } = await root.get('/v1/admin/users').expect(200);
      expect(body).toMatchObject({ total: 1, users: [{ id: 1, email, role: 'admin', disabled: false }] });
    } finally {
      await fresh.close();
    }
  });
});

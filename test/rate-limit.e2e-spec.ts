import { setTimeout as sleep } from 'node:timers/promises';
import { actingOn, type Actor, asAdmin, asUser, PASSWORD, signIn } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectProblem } from './support/expected.js';
import {
  type Answer,
  expectExactly,
  inParallel,
  limitOf,
  passed,
  remainingOf,
  withServer,
} from './support/rate-limits.js';
import { rawRequest, sendRaw } from './support/raw-http.js';

const LOGIN = '/v1/auth/login';
const ITEMS = '/v1/watchlists/items';
const ADMIN_ITEMS = '/v1/admin/watchlists/items';
const LIMIT = 25;
const CALLS = 200;
/** Seconds; longer than any test. */
const WINDOW = 3600;

describe(`Of ${CALLS} calls at once under a limit of ${LIMIT}, exactly ${LIMIT} pass under the policy`, () => {
  const limited = (policy: string) => ({ [`RATE_LIMIT_${policy.toUpperCase()}`]: `${LIMIT}/${WINDOW}` });

  it.each([
    // With nothing in the body: counted, and answered before any password is hashed.
    ['login', (server: TestApp) => server.request().post(LOGIN).send({})],
    ['register', (server: TestApp) => server.request().post('/v1/auth/register').send({})],
    ['default', (server: TestApp) => server.request().get('/v1/external/github')],
    ['address', (server: TestApp) => server.request().get('/v1/auth/me')],
  ] as const)('%s, of somebody who is not signed in', (policy, ask) =>
    withServer(limited(policy), async (server) => {
      const answers = await inParallel(CALLS, () => ask(server));
      expectExactly(LIMIT, answers);
      for (const answer of answers) expect(limitOf(answer)).toMatchObject({ policy, limit: LIMIT });
    }),
  );

  it.each([
    ['list', (user: Actor) => user.get('/v1/watchlists')],
    ['default', (user: Actor) => user.get('/v1/auth/me')],
  ] as const)('%s, of a user', (policy, ask) =>
    withServer(limited(policy), async (server) => {
      const user = await asUser(server);
      const answers = await inParallel(CALLS, () => ask(user));
      expectExactly(LIMIT, answers);
      for (const answer of answers) expect(limitOf(answer)).toMatchObject({ policy, limit: LIMIT });
    }),
  );

  it('write, one bucket over every POST, PATCH and DELETE of watchlists and admin', () =>
    withServer(limited('write'), async (server) => {
      const admin = await asAdmin(server);
      const writes = [
        () => admin.post(ITEMS, { title: 'Parasite', type: 'movie' }),
        () => admin.patch(`${ITEMS}/999`, { title: 'Severance' }),
        () => admin.delete(`${ITEMS}/999`),
        () => admin.post(ADMIN_ITEMS, { user_id: admin.id, title: 'Parasite', type: 'movie' }),
        () => admin.patch(`${ADMIN_ITEMS}/999`, {}),
        () => admin.delete(`${ADMIN_ITEMS}/999`),
        () => admin.patch('/v1/admin/users/999', { role: 'user' }),
      ];
      const answers = await inParallel(CALLS, (index) => writes[index % writes.length]!());
      expectExactly(LIMIT, answers);
      for (const answer of answers) expect(limitOf(answer)).toMatchObject({ policy: 'write', limit: LIMIT });
      // Reading is under other policies.
      await admin.get('/v1/watchlists').expect(200);
      await admin.get('/v1/admin/stats').expect(200);
    }));
});

describe('A limit is counted', () => {
  let server: TestApp;
  beforeAll(async () => {
    const env = { RATE_LIMIT_DEFAULT: `10/${WINDOW}`, RATE_LIMIT_LIST: `10/${WINDOW}` };
    server = await createTestApp({ env });
  });
  afterAll(() => server.close());

  it('for each user on their own', async () => {
    const [ada, ben] = [await asUser(server), await asUser(server)];
    expectExactly(10, await inParallel(20, () => ada.get('/v1/auth/me')));
    expectExactly(10, await inParallel(20, () => ben.get('/v1/auth/me')));
  });

  it('for a user, whichever of their tokens they use', async () => {
    const ada = await asUser(server);
    const again = actingOn(server, { ...ada, token: await signIn(server, ada.email) });
    expectExactly(10, await inParallel(20, (index) => (index % 2 ? ada : again).get('/v1/auth/me')));
  });

  it('for each policy on its own', async () => {
    const ada = await asUser(server);
    expectExactly(10, await inParallel(20, () => ada.get('/v1/auth/me')));
    expectExactly(10, await inParallel(20, () => ada.get('/v1/watchlists')));
  });

  it('for the routes of one policy together', async () => {
    const ada = await asUser(server);
    const [item] = [await ada.post(ITEMS, { title: 'Parasite', type: 'movie' }).expect(201)];
    const path = item.headers['location']!;
    const answers = await inParallel(20, (index) => ada.get(index % 2 ? '/v1/auth/me' : path));
    expectExactly(10, answers);
  });

  it('for HEAD as for GET', async () => {
    const ada = await asUser(server);
    const headers = { authorization: `Bearer ${ada.token}` };
    const answers = [];
    for (const method of ['GET', 'HEAD', 'HEAD', 'GET']) {
      answers.push(await rawRequest(server.url, { method, path: '/v1/auth/me', headers }));
    }
    expect(answers.map(remainingOf)).toEqual([9, 8, 7, 6]);
  });

  it('for what is found wanting after it was counted', async () => {
    const ada = await asUser(server);
    expect(remainingOf(await ada.get(`${ITEMS}/999`).expect(404))).toBe(9);
    expect(remainingOf(await ada.get('/v1/auth/me?x=1').expect(422))).toBe(8);
    expect(remainingOf(await ada.get(`${ITEMS}/1e3`).expect(404))).toBe(7);
  });

  it('for nobody who may not call at all', async () => {
    const ada = await asUser(server);
    await ada.get('/v1/admin/stats').expect(403);
    await server.request().get('/v1/auth/me').set('authorization', 'Bearer x.y.z').expect(401);
    expect(remainingOf(await ada.get('/v1/auth/me').expect(200))).toBe(9);
  });
});

describe('The headers of an answer', () => {
  const LIMITS = {
    login: [1001, 61],
    register: [1002, 62],
    list: [1003, 63],
    write: [1004, 64],
    default: [1005, 65],
    address: [1006, 66],
  } as const;
  let server: TestApp;
  let admin: Actor;
  let user: Actor;
  beforeAll(async () => {
    const env = Object.fromEntries(
      Object.entries(LIMITS).map(([policy, rule]) => [`RATE_LIMIT_${policy.toUpperCase()}`, rule.join('/')]),
    );
    server = await createTestApp({ env });
    admin = await asAdmin(server);
    user = await asUser(server);
  });
  afterAll(() => server.close());

  const anonymous = () => server.request();
  const item = { title: 'Parasite', type: 'movie' };

  it.each<[keyof typeof LIMITS, number, string, () => PromiseLike<Answer>]>([
    ['login', 200, 'a login', () => anonymous().post(LOGIN).send({ email: user.email, password: PASSWORD })],
    [
      'login',
      401,
      'a failed login',
      () => anonymous().post(LOGIN).send({ email: user.email, password: 'x' }),
    ],
    ['login', 422, 'half a login', () => anonymous().post(LOGIN).send({})],
    ['register', 409, 'a registration', () => register(user.email)],
    ['register', 422, 'half a registration', () => anonymous().post('/v1/auth/register').send({})],
    ['list', 200, 'the list', () => user.get('/v1/watchlists')],
    ['list', 304, 'the list again', () => user.get('/v1/watchlists').set('if-none-match', '*')],
    ['list', 422, 'a list that there is not', () => user.get('/v1/watchlists?limit=0')],
    ['write', 201, 'a new item', () => user.post(ITEMS, item)],
    ['write', 404, 'a change of nothing', () => user.patch(`${ITEMS}/999`, { title: 'x' })],
    ['write', 404, 'a removal of nothing', () => user.delete(`${ITEMS}/999`)],
    ['write', 422, 'a change by the admin', () => admin.patch('/v1/admin/users/1', {})],
    ['write', 404, 'an item for nobody', () => admin.post(ADMIN_ITEMS, { ...item, user_id: 999 })],
    ['default', 200, 'oneself', () => user.get('/v1/auth/me')],
    ['default', 404, 'an item that there is not', () => user.get(`${ITEMS}/999`)],
    ['default', 200, 'the statistics', () => admin.get('/v1/admin/stats')],
    ['default', 200, 'the lists of all', () => admin.get('/v1/admin/watchlists')],
    ['default', 200, 'the audit log', () => admin.get('/v1/admin/audit-logs')],
    ['default', 502, 'GitHub', () => anonymous().get('/v1/external/github')],
    ['address', 401, 'who is not signed in', () => anonymous().get('/v1/auth/me')],
    ['address', 401, 'a list without a token', () => anonymous().get('/v1/watchlists')],
    ['address', 403, 'a user at the admin routes', () => user.patch('/v1/admin/users/1', {})],
    ['address', 404, 'an unknown path', () => anonymous().get('/v1/nothing')],
    ['address', 405, 'a wrong method', () => anonymous().put('/v1/auth/me')],
    ['address', 400, 'a body that is no JSON', () => anonymous().post(LOGIN).type('json').send('{')],
    ['address', 400, 'a path that cannot be read', () => anonymous().get('/v1/%zz')],
    ['address', 413, 'a large body', () => anonymous().post(LOGIN).type('json').send('{}'.padEnd(20_000))],
    ['address', 415, 'a form', () => anonymous().post(LOGIN).type('form').send('a=b')],
    ['address', 200, 'health', () => anonymous().get('/health')],
    ['address', 200, 'detailed health', () => anonymous().get('/v1/health/detailed')],
    ['address', 200, 'the documentation', () => anonymous().get('/docs')],
    ['address', 200, 'the document', () => anonymous().get('/openapi.json')],
    ['address', 204, 'a preflight', () => preflight()],
    ['address', 400, 'no HTTP', () => sendRaw(server.url, 'rubbish\r\n\r\n')],
  ])('describe the policy %s: %i, %s', async (policy, status, _what, ask) => {
    const before = Math.floor(Date.now() / 1000);
    const answer = await ask();
    const after = Math.ceil(Date.now() / 1000);
    const [limit, window] = LIMITS[policy];
    expect(answer.status).toBe(status);
    const described = limitOf(answer);
    expect(described).toMatchObject({ policy, samePolicy: policy, limit, quota: limit, window });
    expect(described.left).toBe(described.remaining);
    expect(described.remaining).toBeLessThanOrEqual(limit);
    // Unix seconds within the window that begins now, in the one dialect; seconds from now in the other.
    expect(described.reset).toBeGreaterThan(before);
    expect(described.reset).toBeLessThanOrEqual(after + window);
    expect(described.until).toBeGreaterThan(0);
    expect(described.until).toBeLessThanOrEqual(window);
    expect(answer.headers).not.toHaveProperty('retry-after');
  });

  const register = (email: string) =>
    anonymous().post('/v1/auth/register').send({ email, password: PASSWORD });
  const preflight = () =>
    anonymous()
      .options(LOGIN)
      .set({ origin: 'http://localhost:3000', 'access-control-request-method': 'POST' });

  it('name the second in which the oldest counted call leaves the window', async () => {
    const ada = await asUser(server);
    const resets = new Set<number>();
    for (let call = 0; call < 3; call++)
      resets.add(limitOf(await ada.get('/v1/watchlists').expect(200)).reset);
    // Three calls in a row, one oldest: the same second but for its rounding.
    expect(Math.max(...resets) - Math.min(...resets)).toBeLessThanOrEqual(1);
  });
});

describe('A policy that is switched off', () => {
  it('lets everything pass, and the address policy is described in its place', () =>
    withServer({ RATE_LIMIT_LOGIN: '0', RATE_LIMIT_LIST: '0', RATE_LIMIT_WRITE: '0' }, async (server) => {
      const ada = await asUser(server);
      for (const answers of [
        await inParallel(60, () => server.request().post(LOGIN).send({})),
        await inParallel(80, () => ada.get('/v1/watchlists')),
        await inParallel(60, () => ada.delete(`${ITEMS}/999`)),
      ]) {
        expect(passed(answers)).toHaveLength(answers.length);
        for (const answer of answers) expect(limitOf(answer).policy).toBe('address');
      }
    }));

  it('says nothing when it is the address policy', () =>
    withServer({ RATE_LIMIT_ADDRESS: '0' }, async (server) => {
      const { headers } = await server.request().get('/v1/nothing').expect(404);
      expect(Object.keys(headers).filter((name) => name.includes('ratelimit'))).toEqual([]);
      const ada = await asUser(server);
      expect(limitOf(await ada.get('/v1/watchlists').expect(200)).policy).toBe('list');
    }));

  it('says nothing at all when all are', () =>
    withServer(
      Object.fromEntries(
        ['LOGIN', 'REGISTER', 'LIST', 'WRITE', 'DEFAULT', 'ADDRESS'].map((policy) => [
          `RATE_LIMIT_${policy}`,
          '0',
        ]),
      ),
      async (server) => {
        const ada = await asUser(server);
        for (const answer of await inParallel(50, () => ada.get('/v1/watchlists'))) {
          expect(answer.status).toBe(200);
          expect(Object.keys(answer.headers).filter((name) => name.includes('ratelimit'))).toEqual([]);
        }
      },
    ));
});

describe('A call over the limit', () => {
  const expectRefused = (answer: Answer) => {
    expectProblem(answer, 429, 'RATE_LIMITED');
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(remainingOf(answer)).toBe(0);
    return Number(answer.headers['retry-after']);
  };

  it.each([
    ['LOGIN', (server: TestApp) => server.request().post(LOGIN).send({})],
    ['DEFAULT', (server: TestApp) => server.request().get('/v1/external/github')],
    ['ADDRESS', (server: TestApp) => server.request().get('/openapi.json')],
  ] as const)('under %s succeeds when Retry-After has passed, time and again', (policy, ask) =>
    withServer({ [`RATE_LIMIT_${policy}`]: '2/1' }, async (server) => {
      for (let round = 0; round < 3; round++) {
        const refused = (await inParallel(5, () => ask(server))).filter(({ status }) => status === 429);
        await sleep(Math.max(...refused.map(expectRefused)) * 1000);
        expect((await ask(server)).status).not.toBe(429);
      }
    }),
  );

  it('is told how long to wait when the oldest call is not the first of a burst', () =>
    withServer({ RATE_LIMIT_LIST: '2/2' }, async (server) => {
      const ada = await asUser(server);
      await ada.get('/v1/watchlists').expect(200);
      await sleep(1000);
      await ada.get('/v1/watchlists').expect(200);
      const retryAfter = expectRefused(await ada.get('/v1/watchlists').expect(429));
      await sleep(retryAfter * 1000);
      await ada.get('/v1/watchlists').expect(200);
    }));

  it('is not counted: who keeps asking is let in again', () =>
    withServer({ RATE_LIMIT_LIST: '3/1' }, async (server) => {
      const ada = await asUser(server);
      let admitted = 0;
      let refused = 0;
      await eventually(async () => {
        if ((await ada.get('/v1/watchlists')).status === 200) admitted++;
        else refused++;
        // Three at once, and six that waited their turn behind many refusals.
        expect(admitted).toBe(9);
      });
      expect(refused).toBeGreaterThan(9);
    }));

  it('has changed nothing', () =>
    withServer({ RATE_LIMIT_WRITE: `1/${WINDOW}` }, async (server) => {
      const ada = await asUser(server);
      expectExactly(1, await inParallel(20, () => ada.post(ITEMS, { title: 'Parasite', type: 'movie' })));
      const { body } = await ada.get('/v1/watchlists').expect(200);
      expect(body).toMatchObject({ total: 1 });
    }));
});

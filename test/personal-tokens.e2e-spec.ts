import { setTimeout as sleep } from 'node:timers/promises';
import { PersonalToken } from '../src/auth/personal-tokens/personal-token.entity.js';
import { MAXIMUM_TOKENS } from '../src/auth/personal-tokens/personal-tokens.service.js';
import { isWellFormedToken, generateToken } from '../src/auth/personal-tokens/token-format.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD } from './support/actors.js';
import { appearanceOf } from './support/appearance.js';
import { auditLogs, rowsLeftBy } from './support/audit-trail.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectInvalid, expectProblem } from './support/expected.js';
import { createStorage, stack, type Storage } from './support/stack.js';

const TOKENS = '/v1/auth/tokens';
const LIST = '/v1/watchlists';
const ITEM = { title: 'Parasite', type: 'movie' };
const ALL = ['items:read', 'items:write', 'profile:read'];

interface Created {
  readonly id: number;
  readonly token: string;
}

async function create(actor: Actor, fields: object = {}): Promise<Created> {
  const { body } = await actor.post(TOKENS, { name: 'Backup', scopes: ALL, ...fields }).expect(201);
  return body as Created;
}

/** A script of theirs. */
const scriptOf = (server: TestApp, { id, email }: Actor, { token }: Created) =>
  actingOn(server, { id, email, token });

const stored = (server: TestApp, id: number) =>
  server.unitOfWork.read((manager) => manager.findOneBy(PersonalToken, { id }));
const change = (server: TestApp, id: number, fields: Partial<PersonalToken>) =>
  server.unitOfWork.write((manager) => manager.update(PersonalToken, { id }, fields));
const listed = async (actor: Actor) =>
  (await actor.get(TOKENS).expect(200)).body.tokens as Record<string, unknown>[];

describe('personal tokens', () => {
  let server: TestApp;
  let admin: Actor;
  let ada: Actor;
  beforeAll(async () => {
    server = await createTestApp();
    admin = await asAdmin(server);
  });
  beforeEach(async () => {
    ada = await asUser(server);
  });
  afterAll(() => server.close());

  describe('POST /v1/auth/tokens', () => {
    it('gives one, this once', async () => {
      const { body } = await ada
        .post(TOKENS, {
          name: '  Backup\u0301  ',
          scopes: ['items:write', 'items:read'],
          expires_in_days: 30,
        })
        .expect(201);
      expect(body).toEqual({
        id: expect.any(Number),
        token: expect.stringMatching(/^wl_[0-9A-Za-z]{36}$/),
        name: 'Backuṕ',
        scopes: ['items:write', 'items:read'],
        created_at: expect.any(String),
        expires_at: expect.any(String),
        last_used_at: null,
        last_address: null,
      });
      expect(isWellFormedToken(body.token)).toBe(true);
      expect(Date.parse(body.expires_at) - Date.parse(body.created_at)).toBe(30 * 86_400_000);
      const { token, ...rest } = body;
      expect(await listed(ada)).toEqual([rest]);
      expect(JSON.stringify(await stored(server, body.id))).not.toContain(token);
      expect(JSON.stringify(await auditLogs(admin, { limit: 100 }))).not.toContain(token);
      expect(JSON.stringify(server.logs)).not.toContain(token);
    });

    it('is good until it is revoked when no time is named', async () => {
      const { body } = await ada.post(TOKENS, { name: 'x', scopes: ['items:read'] }).expect(201);
      expect(body.expires_at).toBeNull();
    });

    it.each<[string, object, string[]]>([
      ['nothing', {}, ['name', 'scopes']],
      ['an empty name', { name: ' ', scopes: ALL }, ['name']],
      ['a long name', { name: 'x'.repeat(101), scopes: ALL }, ['name']],
      ['a name of two lines', { name: 'a\nb', scopes: ALL }, ['name']],
      ['no scope', { name: 'x', scopes: [] }, ['scopes']],
      ['scopes as text', { name: 'x', scopes: 'items:read' }, ['scopes']],
      ['a scope twice', { name: 'x', scopes: ['items:read', 'items:read'] }, ['scopes']],
      ['a scope that is none', { name: 'x', scopes: ['items:read', 'admin'] }, ['scopes']],
      ['a scope that is null', { name: 'x', scopes: [null] }, ['scopes']],
      ['no days', { name: 'x', scopes: ALL, expires_in_days: 0 }, ['expires_in_days']],
      ['half a day', { name: 'x', scopes: ALL, expires_in_days: 0.5 }, ['expires_in_days']],
      ['days as text', { name: 'x', scopes: ALL, expires_in_days: '30' }, ['expires_in_days']],
      ['too many days', { name: 'x', scopes: ALL, expires_in_days: 3651 }, ['expires_in_days']],
      ['null for days', { name: 'x', scopes: ALL, expires_in_days: null }, ['expires_in_days']],
      ['a field too many', { name: 'x', scopes: ALL, token: generateToken() }, ['token']],
    ])('refuses %s', async (_what, body, fields) => {
      expectInvalid(await ada.post(TOKENS, body), ...fields);
      expect(await listed(ada)).toEqual([]);
    });

    it(`gives ${MAXIMUM_TOKENS} and no more, however many ask at once`, async () => {
      const answers = await Promise.all(
        Array.from({ length: MAXIMUM_TOKENS + 10 }, () => ada.post(TOKENS, { name: 'x', scopes: ALL })),
      );
      const refused = answers.filter(({ status }) => status !== 201);
      expect(refused).toHaveLength(10);
      for (const answer of refused) expectProblem(answer, 409, 'TOO_MANY_TOKENS');
      const tokens = await listed(ada);
      expect(tokens).toHaveLength(MAXIMUM_TOKENS);
      await ada.delete(`${TOKENS}/${String(tokens[3]!['id'])}`).expect(204);
      await create(ada);
    });

    it('makes room of what has expired', async () => {
      const first = await create(ada);
      for (let i = 1; i < MAXIMUM_TOKENS; i++) await create(ada);
      await change(server, first.id, { expiresAt: new Date(Date.now() - 1) });
      const last = await create(ada);
      const ids = (await listed(ada)).map(({ id }) => id);
      expect(ids).toHaveLength(MAXIMUM_TOKENS);
      expect(ids[0]).toBe(last.id);
      expect(ids).not.toContain(first.id);
    });

    it('leaves a row that tells which, and not the token', async () => {
      const rows = await rowsLeftBy(admin, () => create(ada, { name: 'Backup', scopes: ['items:read'] }));
      expect(rows).toMatchObject([
        {
          actor_id: ada.id,
          action: 'auth.token_created',
          resource_type: 'user',
          resource_id: ada.id,
          changes: {
            token_id: { from: null, to: expect.any(Number) },
            name: { from: null, to: 'Backup' },
            scopes: { from: null, to: 'items:read' },
          },
        },
      ]);
    });
  });

  describe('what they are good for', () => {
    it('is their scope, and the refusal names the one that is missing', async () => {
      const script = scriptOf(server, ada, await create(ada, { scopes: ['items:read'] }));
      await script.get(LIST).expect(200);
      const refused = await script.post(`${LIST}/items`, ITEM);
      expectProblem(refused, 403, 'FORBIDDEN');
      expect(refused.body.detail).toContain('items:write');
      expect(refused.headers['www-authenticate']).toBe(
        'Bearer realm="watchlist", error="insufficient_scope", scope="items:write", error_description="The personal token lacks the scope items:write"',
      );
      expect((await ada.get(LIST)).body.total).toBe(0);
    });

    it("is never an admin's work, even for an admin", async () => {
      const script = scriptOf(server, admin, await create(admin));
      await script.get('/v1/auth/me').expect(200);
      for (const path of ['/v1/admin/stats', '/v1/admin/users', '/v1/admin/audit-logs']) {
        expectProblem(await script.get(path), 403, 'FORBIDDEN');
      }
      await script.delete(`/v1/admin/watchlists/items/1`).expect(403);
    });

    it('is never tokens, sessions or passwords', async () => {
      const script = scriptOf(server, ada, await create(ada));
      const attempts = [
        script.post(TOKENS, { name: 'x', scopes: ALL }),
        script.get(TOKENS),
        script.get('/v1/auth/sessions'),
        script.delete('/v1/auth/sessions'),
        script.post('/v1/auth/password', { current_password: PASSWORD, new_password: `${PASSWORD}!` }),
        script.post('/v1/auth/logout', {}),
      ];
      for (const attempt of attempts) expectProblem(await attempt, 403, 'FORBIDDEN');
      expect(await listed(ada)).toHaveLength(1);
      await ada.get('/v1/auth/me').expect(200);
    });

    it("is its owner's list: what a script writes, its owner reads at once, and the other way round", async () => {
      const script = scriptOf(server, ada, await create(ada));
      const { body } = await script.post(`${LIST}/items`, ITEM).expect(201);
      expect((await ada.get(LIST)).body.watchlist).toEqual([body.item]);
      await ada.patch(`${LIST}/items/${body.item.id}`, { title: 'Severance' }).expect(200);
      expect((await script.get(LIST)).body.watchlist[0].title).toBe('Severance');
      await script.delete(`${LIST}/items/${body.item.id}`).expect(204);
      expect((await ada.get(LIST)).body.total).toBe(0);
    });

    it('is nothing in a query string or in a cookie', async () => {
      const { token } = await create(ada);
      const ask = () => server.request().get(LIST);
      expectProblem(await ask().query({ access_token: token }), 401, 'UNAUTHORIZED');
      expectProblem(await ask().query({ token }), 401, 'UNAUTHORIZED');
      expectProblem(await ask().set('cookie', `__Host-wl_refresh=${token}`), 401, 'UNAUTHORIZED');
      expectProblem(await ask().set('x-api-key', token), 401, 'UNAUTHORIZED');
      const refresh = await server.request().post('/v1/auth/refresh').send({ refresh_token: token });
      expectProblem(refresh, 401, 'INVALID_REFRESH_TOKEN');
    });
  });

  describe('one that is not good', () => {
    it('looks the same whatever is the matter with it', async () => {
      const [revoked, expired, good] = [await create(ada), await create(ada), await create(ada)];
      await ada.delete(`${TOKENS}/${revoked.id}`).expect(204);
      // Here, as it is made: a copy of what is stored may be in memory.
      const brief = await create(ada);
      await change(server, brief.id, { expiresAt: new Date(Date.now() - 1) });
      await change(server, expired.id, { expiresAt: new Date(Date.now() - 1) });
      const other = good.token.endsWith('0') ? '1' : '0';
      const bad = [
        revoked.token,
        expired.token,
        brief.token,
        generateToken(),
        good.token.slice(0, -1) + other,
        good.token.slice(0, -1),
        `${good.token}0`,
        good.token.toLowerCase(),
        'wl_',
        (await stored(server, good.id))!.hash,
      ];
      const answers = [];
      for (const token of bad) {
        const answer = await actingOn(server, { ...ada, token }).get(LIST);
        expectProblem(answer, 401, 'UNAUTHORIZED');
        answers.push(appearanceOf(answer));
      }
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      await scriptOf(server, ada, good).get(LIST).expect(200);
    });

    it('is that of somebody who is disabled, until they are let in again', async () => {
      const script = scriptOf(server, ada, await create(ada));
      await script.get(LIST).expect(200);
      await admin.patch(`/v1/admin/users/${ada.id}`, { disabled: true }).expect(200);
      expectProblem(await script.get(LIST), 401, 'UNAUTHORIZED');
      await admin.patch(`/v1/admin/users/${ada.id}`, { disabled: false }).expect(200);
      await script.get(LIST).expect(200);
    });

    it('becomes so while it is used', async () => {
      const created = await create(ada);
      const script = scriptOf(server, ada, created);
      let stopped = false;
      const statuses: { began: number; status: number }[] = [];
      const use = async () => {
        while (!stopped) {
          const began = performance.now();
          statuses.push({ began, status: (await script.get(LIST)).status });
        }
      };
      const users = [use(), use(), use()];
      await sleep(100);
      await ada.delete(`${TOKENS}/${created.id}`).expect(204);
      const acknowledged = performance.now();
      await sleep(100);
      stopped = true;
      await Promise.all(users);
      const after = statuses.filter(({ began }) => began >= acknowledged);
      expect(after.length).toBeGreaterThan(0);
      expect(after.filter(({ status }) => status !== 401)).toEqual([]);
      expect(statuses.some(({ status }) => status === 200)).toBe(true);
    });
  });

  describe('DELETE /v1/auth/tokens/{id}', () => {
    it('ends it for good, once, with a row that tells which', async () => {
      const { id, token } = await create(ada);
      const rows = await rowsLeftBy(admin, async () => {
        const answers = await Promise.all(Array.from({ length: 5 }, () => ada.delete(`${TOKENS}/${id}`)));
        expect(answers.map(({ status }) => status).sort()).toEqual([204, 404, 404, 404, 404]);
      });
      expect(rows).toMatchObject([
        {
          actor_id: ada.id,
          action: 'auth.token_revoked',
          resource_id: ada.id,
          changes: { token_id: { from: id, to: null }, name: { from: 'Backup', to: null } },
        },
      ]);
      await actingOn(server, { ...ada, token })
        .get(LIST)
        .expect(401);
    });

    it("does not find somebody else's", async () => {
      const { id, token } = await create(ada);
      const ben = await asUser(server);
      const foreign = await ben.delete(`${TOKENS}/${id}`);
      expectProblem(foreign, 404, 'TOKEN_NOT_FOUND');
      expect(appearanceOf(await ben.delete(`${TOKENS}/2147483647`))).toEqual(appearanceOf(foreign));
      expect(await listed(ben)).toEqual([]);
      await actingOn(server, { ...ada, token })
        .get(LIST)
        .expect(200);
    });
  });

  describe('the last use', () => {
    it('is told with its address', async () => {
      const created = await create(ada);
      const before = Date.now();
      await scriptOf(server, ada, created).get(LIST).expect(200);
      const [token] = await listed(ada);
      expect(token).toMatchObject({ id: created.id, last_address: '127.0.0.1' });
      expect(Date.parse(token!['last_used_at'] as string)).toBeGreaterThanOrEqual(before);
    });

    it('is one that was refused for its scope, too', async () => {
      const created = await create(ada, { scopes: ['profile:read'] });
      await scriptOf(server, ada, created).get(LIST).expect(403);
      expect((await listed(ada))[0]!['last_used_at']).not.toBeNull();
    });

    it('never goes back', async () => {
      const created = await create(ada);
      const later = new Date(Date.now() + 60_000);
      await change(server, created.id, { lastUsedAt: later, lastAddress: '203.0.113.7' });
      await scriptOf(server, ada, created).get(LIST).expect(200);
      expect((await listed(ada))[0]).toMatchObject({
        last_used_at: later.toISOString(),
        last_address: '203.0.113.7',
      });
    });
  });
});

describe('personal tokens and the limits', () => {
  let server: TestApp;
  let ada: Actor;
  beforeAll(async () => {
    server = await createTestApp({ env: { RATE_LIMIT_LIST: '3/3600' } });
    ada = await asUser(server);
  });
  afterAll(() => server.close());

  const statuses = async (actor: Actor, count: number) =>
    (await Promise.all(Array.from({ length: count }, () => actor.get(LIST))))
      .map(({ status }) => status)
      .sort();

  it('are counted for themselves, and a new one in the place of a revoked one is no fresh quota', async () => {
    const first = await create(ada);
    const second = await create(ada);
    expect(await statuses(scriptOf(server, ada, first), 5)).toEqual([200, 200, 200, 429, 429]);
    expect(await statuses(ada, 5)).toEqual([200, 200, 200, 429, 429]);
    await ada.delete(`${TOKENS}/${first.id}`).expect(204);
    const third = await create(ada);
    expect(await statuses(scriptOf(server, ada, third), 2)).toEqual([429, 429]);
    expect(await statuses(scriptOf(server, ada, second), 4)).toEqual([200, 200, 200, 429]);
  });
});

/** On SQLite one server has the file to itself; on PostgreSQL two share the database and Redis. */
describe('personal tokens on every instance', () => {
  let storage: Storage;
  let servers: TestApp[];
  let ada: Actor;
  beforeAll(async () => {
    storage = await createStorage();
    const count = stack() === 'postgres+redis' ? 2 : 1;
    servers = await Promise.all(Array.from({ length: count }, () => createTestApp({ storage })));
    ada = await asUser(servers[0]!);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    await storage.remove();
  });

  it('are good at once, and not from the acknowledgement of their end on', async () => {
    for (let round = 0; round < 10; round++) {
      const created = await create(ada);
      for (const server of servers) await scriptOf(server, ada, created).get(LIST).expect(200);
      await ada.delete(`${TOKENS}/${created.id}`).expect(204);
      for (const server of servers) await scriptOf(server, ada, created).get(LIST).expect(401);
    }
  });

  it('are noted as used before a server ends', async () => {
    const created = await create(ada);
    const server = await createTestAppBeside();
    await scriptOf(server, ada, created).get(LIST).expect(200);
    await server.close();
    const reader = stack() === 'postgres+redis' ? servers[0]! : await createTestAppBeside();
    expect((await stored(reader, created.id))!.lastAddress).toBe('127.0.0.1');
    if (reader !== servers[0]) servers[0] = reader;
  });

  /** On SQLite in the place of the one that has the file. */
  async function createTestAppBeside(): Promise<TestApp> {
    if (stack() !== 'postgres+redis') await servers[0]!.close();
    return createTestApp({ storage });
  }
});

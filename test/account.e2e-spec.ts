import type { Response } from 'supertest';
import { AUDIT_DELIVERY_DEFAULTS } from '../src/audit/audit-delivery.js';
import { AuditLog } from '../src/audit/audit-log.entity.js';
import { PasswordReset } from '../src/auth/password-resets/password-reset.entity.js';
import { PersonalToken } from '../src/auth/personal-tokens/personal-token.entity.js';
import { Session } from '../src/auth/sessions/session.entity.js';
import { User } from '../src/users/user.entity.js';
import { WatchlistItem } from '../src/watchlists/items/item.entity.js';
import { Watchlist } from '../src/watchlists/lists/list.entity.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, randomEmail } from './support/actors.js';
import { auditLogs, rowsLeftBy } from './support/audit-trail.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectInvalid, expectProblem } from './support/expected.js';
import { createStorage, stack, type Storage } from './support/stack.js';
import { WebhookReceiver } from './support/webhook-receiver.js';

const ME = '/v1/auth/me';
const LIST = '/v1/watchlists';
const WRONG = `${PASSWORD}!`;

const times = <T>(count: number, act: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => act(n));
const statusesOf = async (answers: PromiseLike<Response>[]) =>
  (await Promise.all(answers)).map(({ status }) => status).sort();

const changeEmail = (actor: Actor, email: unknown, password: unknown = PASSWORD) =>
  actor.patch(ME, { email, current_password: password });
const erase = (actor: Actor, password: unknown = PASSWORD) =>
  actor.delete(ME).send({ current_password: password });
const login = (server: TestApp, email: string, password = PASSWORD) =>
  server.request().post('/v1/auth/login').send({ email, password });
const add = (actor: Actor, title = 'Parasite') =>
  actor.post(`${LIST}/items`, { title, type: 'movie' }).expect(201);

function expectWrongPassword(response: Response): void {
  expectProblem(response, 401, 'INVALID_CREDENTIALS');
  expect(response.headers['www-authenticate']).toBe('Bearer realm="watchlist"');
}

/** On SQLite one server has the file to itself; on PostgreSQL two share the database and Redis. */
describe("one's own account", () => {
  let storage: Storage;
  let servers: TestApp[];
  let server: TestApp;
  let admin: Actor;
  let ada: Actor;
  beforeAll(async () => {
    storage = await createStorage();
    servers = await Promise.all(
      times(stack() === 'postgres+redis' ? 2 : 1, () => createTestApp({ storage })),
    );
    server = servers[0]!;
    admin = await asAdmin(server);
  });
  beforeEach(async () => {
    ada = await asUser(server);
  });
  afterAll(async () => {
    await Promise.all(servers.map((each) => each.close()));
    await storage.remove();
  });

  /** One answer per server, in the order in which they were started. */
  const everywhere = (act: (actor: Actor) => PromiseLike<Response>, actor = ada) =>
    Promise.all(servers.map((each) => act(actingOn(each, actor))));
  const storedRows = () =>
    server.unitOfWork.read((manager) => manager.find(AuditLog, { order: { id: 'ASC' } }));

  const createLink = async (id: number) =>
    (await admin.post(`/v1/admin/users/${id}/password-reset`).expect(201)).body.reset_url as string;
  const resetBy = (link: string) =>
    server
      .request()
      .post('/v1/auth/password/reset')
      .send({ token: link.split('#token=')[1], new_password: `${PASSWORD}, a new one` });

  describe('PATCH /v1/auth/me', () => {
    it('changes the address: one signs in with the new one, and the sessions go on', async () => {
      const email = randomEmail();
      const before = await ada.get(ME).expect(200);
      const { body } = await changeEmail(ada, email).expect(200);
      expect(body).toEqual({ ...before.body, email });
      for (const answer of await everywhere(({ get }) => get(ME))) {
        expect(answer.status).toBe(200);
        expect(answer.body).toEqual(body);
      }
      await login(server, email).expect(200);
      expectProblem(await login(server, ada.email), 401, 'INVALID_CREDENTIALS');
    });

    it('shows on the list at once: nothing from before it is in any cache', async () => {
      await add(ada);
      const [first] = await everywhere(({ get }) => get(LIST));
      const [cached] = await everywhere(({ get }) => get(LIST));
      expect(cached!.headers['x-cache']).toBe('HIT');
      const email = randomEmail();
      await changeEmail(ada, email).expect(200);
      for (const answer of await everywhere(({ get }) => get(LIST))) {
        expect(answer.body).toEqual({ ...first!.body, user: email });
        expect(answer.headers['etag']).not.toBe(first!.headers['etag']);
      }
      const conditional = await ada.get(LIST).set('if-none-match', first!.headers['etag']!);
      expect(conditional.status).toBe(200);
    });

    it('leaves one row in the audit log', async () => {
      const email = randomEmail();
      const rows = await rowsLeftBy(admin, () => changeEmail(ada, email).expect(200));
      expect(rows).toEqual([
        expect.objectContaining({
          actor_id: ada.id,
          actor_email: ada.email,
          action: 'user.email_changed',
          resource_type: 'user',
          resource_id: ada.id,
          changes: { email: { from: ada.email, to: email } },
        }),
      ]);
    });

    it('to the one that it is already, in any spelling, changes nothing', async () => {
      await ada.get(LIST).expect(200);
      for (const email of [ada.email, ` ${ada.email.toUpperCase()} `]) {
        const rows = await rowsLeftBy(admin, async () => {
          const { body } = await changeEmail(ada, email).expect(200);
          expect(body.email).toBe(ada.email);
        });
        expect(rows).toEqual([]);
      }
      expect((await ada.get(LIST)).headers['x-cache']).toBe('HIT');
    });

    it('stores the canonical form', async () => {
      const { body } = await changeEmail(ada, ` ADA-${ada.id}@Bücher.example `).expect(200);
      expect(body.email).toBe(`ada-${ada.id}@xn--bcher-kva.example`);
    });

    it('to one that is taken is refused and changes nothing', async () => {
      const ben = await asUser(server);
      const rows = await rowsLeftBy(admin, async () =>
        expectProblem(await changeEmail(ada, ben.email.toUpperCase()), 409, 'EMAIL_TAKEN'),
      );
      expect(rows).toEqual([]);
      for (const answer of await everywhere(({ get }) => get(ME))) expect(answer.body.email).toBe(ada.email);
      await login(server, ada.email).expect(200);
    });

    it('gives an address to one of two who want it at the same moment', async () => {
      const email = randomEmail();
      const ben = actingOn(servers.at(-1)!, await asUser(server));
      expect(await statusesOf([changeEmail(ada, email), changeEmail(ben, email)])).toEqual([200, 409]);
    });

    it('makes links of no use that set a password: the old mailbox may be lost', async () => {
      const link = await createLink(ada.id);
      await changeEmail(ada, ada.email).expect(200);
      const other = await createLink(ada.id);
      await changeEmail(ada, randomEmail()).expect(200);
      for (const each of [link, other]) expectProblem(await resetBy(each), 401, 'INVALID_RESET_TOKEN');
    });

    it('frees the old one for others', async () => {
      await changeEmail(ada, randomEmail()).expect(200);
      expect((await asUser(server, ada.email)).id).not.toBe(ada.id);
    });

    it('needs the right password; a wrong one is written down', async () => {
      const rows = await rowsLeftBy(admin, async () =>
        expectWrongPassword(await changeEmail(ada, randomEmail(), WRONG)),
      );
      expect(rows).toEqual([
        expect.objectContaining({
          actor_id: ada.id,
          action: 'auth.reauthentication_failed',
          resource_id: ada.id,
          changes: {},
        }),
      ]);
      expect((await ada.get(ME)).body.email).toBe(ada.email);
    });

    it('tells nobody who does not know the password whether an address is taken', async () => {
      expectWrongPassword(await changeEmail(ada, admin.email, WRONG));
    });

    it.each<[string, object, string[]]>([
      ['nothing', {}, ['current_password', 'email']],
      ['no address', { current_password: PASSWORD }, ['email']],
      ['no password', { email: 'ada@example.com' }, ['current_password']],
      ['null', { email: null, current_password: null }, ['current_password', 'email']],
      ['what is no address', { email: 'ada', current_password: PASSWORD }, ['email']],
      ['a role', { email: 'ada@example.com', current_password: PASSWORD, role: 'admin' }, ['role']],
    ])('refuses %s', async (_what, body, fields) => {
      expectInvalid(await ada.patch(ME, body), ...fields);
    });

    it('is counted as a login is, by user', async () => {
      const { headers } = await changeEmail(ada, ada.email).expect(200);
      expect(headers['ratelimit-policy']).toMatch(/^"login";/);
    });
  });

  describe('DELETE /v1/auth/me', () => {
    const expectGone = async (actor: Actor) => {
      for (const path of [ME, LIST]) {
        for (const answer of await everywhere(({ get }) => get(path), actor))
          expectProblem(answer, 401, 'UNAUTHORIZED');
      }
    };

    it('erases user, items and sessions; no token or password is good any more, anywhere', async () => {
      await add(ada);
      const { body: tokens } = await login(server, ada.email).expect(200);
      await everywhere(({ get }) => get(LIST));
      const response = await erase(ada).expect(204);
      expect(response.text).toBe('');
      expect(response.headers).not.toHaveProperty('set-cookie');
      await expectGone(ada);
      await expectGone({ ...ada, token: tokens.access_token });
      const refreshed = await server
        .request()
        .post('/v1/auth/refresh')
        .send({ refresh_token: tokens.refresh_token });
      expectProblem(refreshed, 401, 'INVALID_REFRESH_TOKEN');
      expectProblem(await login(server, ada.email), 401, 'INVALID_CREDENTIALS');
      const left = await server.unitOfWork.read(async (manager) => [
        await manager.countBy(User, { id: ada.id }),
        await manager.countBy(WatchlistItem, { userId: ada.id }),
        await manager.countBy(Watchlist, { userId: ada.id }),
        await manager.countBy(Session, { userId: ada.id }),
      ]);
      expect(left).toEqual([0, 0, 0, 0]);
      expectProblem(
        await admin.patch(`/v1/admin/users/${ada.id}`, { disabled: true }),
        404,
        'USER_NOT_FOUND',
      );
    });

    it('revokes personal tokens, and leaves no link that sets a password', async () => {
      const { body } = await ada.post('/v1/auth/tokens', { name: 'x', scopes: ['profile:read'] }).expect(201);
      const script = actingOn(server, { ...ada, token: body.token });
      await script.get(ME).expect(200);
      const link = await createLink(ada.id);
      await erase(ada).expect(204);
      for (const each of servers) await actingOn(each, script).get(ME).expect(401);
      expectProblem(await resetBy(link), 401, 'INVALID_RESET_TOKEN');
      const left = await server.unitOfWork.read((manager) =>
        Promise.all([
          manager.countBy(PersonalToken, { userId: ada.id }),
          manager.countBy(PasswordReset, { email: ada.email }),
        ]),
      );
      expect(left).toEqual([0, 0]);
    });

    it('never deadlocks with edits of the items that it erases', async () => {
      for (let round = 0; round < 4; round++) {
        const eve = await asUser(server);
        const ids = await Promise.all(times(12, async () => (await add(eve)).body.item.id as number));
        let isErased = false;
        const edits = ids.map(async (id, n) => {
          const statuses: number[] = [];
          for (let time = 0; !isErased; time++) {
            const { patch } = actingOn(servers[n % servers.length]!, eve);
            statuses.push((await patch(`${LIST}/items/${id}`, { title: `Title ${time}` })).status);
          }
          return statuses;
        });
        const { status } = await erase(eve);
        isErased = true;
        expect(status).toBe(204);
        // Before, or after: the token is refused, or the item is gone between the two.
        for (const seen of (await Promise.all(edits)).flat()) expect([200, 401, 404]).toContain(seen);
      }
    });

    it('takes nothing of anybody else', async () => {
      const ben = await asUser(server);
      await add(ben);
      await erase(ada).expect(204);
      expect((await ben.get(LIST).expect(200)).body).toMatchObject({ user: ben.email, total: 1 });
      await login(server, ben.email).expect(200);
    });

    it('leaves the rows of the audit log, and one more, but the name in none of them', async () => {
      const [first, second] = [randomEmail('before'), randomEmail('second')];
      // Tried before there was such a user, while there was, and after the address had been given up.
      await login(server, first, WRONG).expect(401);
      const eve = await asUser(server, first);
      await add(eve);
      await login(server, first, WRONG).expect(401);
      await changeEmail(eve, second, WRONG).expect(401);
      await changeEmail(eve, second).expect(200);
      await login(server, first, WRONG).expect(401);
      await login(server, second, WRONG).expect(401);
      await admin.patch(`/v1/admin/users/${eve.id}`, { role: 'admin' }).expect(200);
      await admin.patch(`/v1/admin/users/${eve.id}`, { role: 'user' }).expect(200);
      await add(ada);

      const before = await storedRows();
      await erase(eve).set('x-request-id', 'goodbye').expect(204);
      const after = await storedRows();
      expect(JSON.stringify(after)).not.toContain(first);
      expect(JSON.stringify(after)).not.toContain(second);
      // Everything else is as it was.
      const isEves = (email: unknown) => email === first || email === second;
      const unnamed = before.map((row) => ({
        ...row,
        actorEmail: isEves(row.actorEmail) ? null : row.actorEmail,
        changes:
          'email' in row.changes && row.resourceId === eve.id
            ? { ...row.changes, email: { from: null, to: null } }
            : row.changes,
      }));
      expect(after.slice(0, -1)).toEqual(unnamed);
      expect(after.at(-1)).toMatchObject({
        actorId: eve.id,
        actorEmail: null,
        action: 'user.erased',
        resourceType: 'user',
        resourceId: eve.id,
        changes: {},
        requestId: 'goodbye',
      });
      const { audit_logs } = await auditLogs(admin, {
        resource_id: eve.id,
        resource_type: 'user',
        limit: 100,
      });
      expect(audit_logs.filter(({ actor_id }) => actor_id === admin.id)).toHaveLength(2);
    });

    it('leaves the rows of somebody who has the old address now', async () => {
      const email = ada.email;
      await changeEmail(ada, randomEmail()).expect(200);
      const next = await asUser(server, email);
      await login(server, email, WRONG).expect(401);
      await erase(ada).expect(204);
      const { audit_logs } = await auditLogs(admin, { resource_id: next.id, resource_type: 'user' });
      expect(audit_logs.map(({ action, actor_email }) => [action, actor_email])).toEqual([
        ['auth.login_failed', email],
        ['auth.login_succeeded', email],
        ['user.registered', email],
      ]);
    });

    it('frees the address, and never the id', async () => {
      await erase(ada).expect(204);
      const again = await asUser(server, ada.email);
      expect(again.id).toBeGreaterThan(ada.id);
      expect((await again.get(LIST).expect(200)).body).toMatchObject({ total: 0, watchlist: [] });
      await expectGone(ada);
    });

    it('needs the right password; a wrong one is written down and erases nothing', async () => {
      await add(ada);
      const rows = await rowsLeftBy(admin, async () => expectWrongPassword(await erase(ada, WRONG)));
      expect(rows).toMatchObject([{ actor_id: ada.id, action: 'auth.reauthentication_failed' }]);
      expect((await ada.get(LIST).expect(200)).body).toMatchObject({ total: 1 });
    });

    it.each<[string, object | undefined, string[]]>([
      ['no body', undefined, ['current_password']],
      ['nothing', {}, ['current_password']],
      ['an empty password', { current_password: '' }, ['current_password']],
      ['null', { current_password: null }, ['current_password']],
      ['more', { current_password: PASSWORD, reason: 'x' }, ['reason']],
    ])('refuses %s', async (_what, body, fields) => {
      const request = ada.delete(ME);
      expectInvalid(await (body === undefined ? request : request.send(body)), ...fields);
      await ada.get(ME).expect(200);
    });

    it('refuses a password in the query, where it would be in every log', async () => {
      const response = await ada.delete(`${ME}?current_password=x`).send({ current_password: PASSWORD });
      expectInvalid(response, 'current_password');
      await ada.get(ME).expect(200);
    });

    it('of several at the same moment is done once, and writes no name down', async () => {
      const asked = times(4, (n) => erase(actingOn(servers[n % servers.length]!, ada)));
      expect(await statusesOf(asked)).toEqual([204, 401, 401, 401]);
      const rows = await storedRows();
      expect(
        rows.filter(({ action, actorId }) => action === 'user.erased' && actorId === ada.id),
      ).toHaveLength(1);
      expect(JSON.stringify(rows)).not.toContain(ada.email);
    });

    it('while they are adding items leaves none of them, and no name', async () => {
      const adding = times(10, (n) =>
        actingOn(servers[n % servers.length]!, ada).post(`${LIST}/items`, {
          title: `Title ${n}`,
          type: 'show',
        }),
      );
      const [erased, ...added] = await Promise.all([erase(ada), ...adding]);
      expect(erased.status).toBe(204);
      for (const { status } of added) expect([201, 401]).toContain(status);
      const count = await server.unitOfWork.read((manager) =>
        manager.countBy(WatchlistItem, { userId: ada.id }),
      );
      expect(count).toBe(0);
      expect(JSON.stringify(await storedRows())).not.toContain(ada.email);
    });

    it('while somebody guesses their password, or they invite, leaves no name', async () => {
      const eve = await asAdmin(server);
      const guessing = times(6, (n) => login(servers[n % servers.length]!, eve.email, WRONG));
      const inviting = times(3, () => eve.post('/v1/admin/users', { email: randomEmail() }));
      const [erased, ...others] = await Promise.all([erase(eve), ...guessing, ...inviting]);
      expect(erased.status).toBe(204);
      for (const { status } of others) expect([201, 401]).toContain(status);
      expect(JSON.stringify(await storedRows())).not.toContain(eve.email);
    });

    it('has a browser forget the cookie', async () => {
      const response = await erase(ada).set('cookie', '__Host-wl_refresh=x').expect(204);
      expect(String(response.headers['set-cookie'])).toMatch(/^__Host-wl_refresh=; Max-Age=0;/);
    });

    it('is counted as a login is, by user', async () => {
      const { headers } = await erase(ada, WRONG).expect(401);
      expect(headers['ratelimit-policy']).toMatch(/^"login";/);
    });
  });
});

describe('the last active admin', () => {
  let server: TestApp;
  beforeEach(async () => {
    server = await createTestApp();
  });
  afterEach(() => server.close());

  it('cannot go; one of two can', async () => {
    const [ada, ben] = [await asAdmin(server), await asAdmin(server)];
    await erase(ada).expect(204);
    expectProblem(await erase(ben), 409, 'LAST_ADMIN');
    await ben.get('/v1/admin/stats').expect(200);
    const rows = await auditLogs(ben, { action: 'user.erased' });
    expect(rows.total).toBe(1);
  });

  it('stays when both want to go at the same moment', async () => {
    const admins = [await asAdmin(server), await asAdmin(server)];
    expect(await statusesOf(admins.map((admin) => erase(admin)))).toEqual([204, 409]);
  });

  it('stays when one goes while the other is demoted', async () => {
    const [ada, ben] = [await asAdmin(server), await asAdmin(server)];
    const demoted = ada.patch(`/v1/admin/users/${ben.id}`, { role: 'user' });
    const [gone] = await Promise.all([erase(ada), demoted]);
    expect([204, 409]).toContain(gone.status);
    const left = await server.unitOfWork.read((manager) => manager.countBy(User, { role: 'admin' }));
    expect(left).toBe(1);
  });
});

describe('somebody who is erased', () => {
  it('is not named to the webhook either by what it has not been told yet', async () => {
    jest.replaceProperty(AUDIT_DELIVERY_DEFAULTS, 'pollMs', 25);
    jest.replaceProperty(AUDIT_DELIVERY_DEFAULTS, 'firstRetryMs', 5);
    jest.replaceProperty(AUDIT_DELIVERY_DEFAULTS, 'longestRetryMs', 50);
    const receiver = await WebhookReceiver.start();
    receiver.answer('server error');
    const env = {
      AUDIT_WEBHOOK_URL: receiver.url,
      AUDIT_WEBHOOK_SECRET: 'a secret for tests of the webhook',
    };
    const server = await createTestApp({ env });
    try {
      const ada = await asUser(server);
      await add(ada);
      await changeEmail(ada, randomEmail('renamed')).expect(200);
      await erase(ada).expect(204);
      receiver.answer('ok');
      await eventually(() => {
        const told = receiver.deliveries.filter(({ mode }) => mode === 'ok').map(({ event }) => event);
        expect(told.map(({ action }) => action).sort()).toEqual([
          'auth.login_succeeded',
          'user.email_changed',
          'user.erased',
          'user.registered',
          'watchlist_item.created',
        ]);
        expect(JSON.stringify(told)).not.toContain('@');
      });
    } finally {
      await server.close();
      await receiver.close();
      jest.restoreAllMocks();
    }
  });

  it('leaves an id that is not given out again after a restart either', async () => {
    const storage = await createStorage();
    try {
      const first = await createTestApp({ storage });
      const ada = await asUser(first);
      await erase(ada).expect(204);
      await first.close();
      const second = await createTestApp({ storage });
      const ben = await asUser(second);
      expect(ben.id).toBeGreaterThan(ada.id);
      expectProblem(await actingOn(second, ada).get(ME), 401, 'UNAUTHORIZED');
      await second.close();
    } finally {
      await storage.remove();
    }
  });
});

import { Redis } from 'ioredis';
import type { Response } from 'supertest';
import { PasswordHasher } from '../src/auth/passwords/password-hasher.js';
import { OverloadedError } from '../src/common/errors/common.errors.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, randomEmail } from './support/actors.js';
import { auditLogs } from './support/audit-trail.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectProblem } from './support/expected.js';
import { createPostgres, createStorage, stack, type Storage } from './support/stack.js';

const FREE = 3;
const FREE_FROM_ALL_ADDRESSES = 4 * FREE;
/** Longer than any test takes. */
const SECONDS = 900;
const WRONG = 'not the password of anybody';

const times = <T>(count: number, act: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => act(n));

/** The server trusts this address, because TRUST_PROXY is set. */
const login = (server: TestApp, email: string, password: string, address = '203.0.113.1') =>
  server.request().post('/v1/auth/login').set('x-forwarded-for', address).send({ email, password });

/** Sends all tries at once. Exactly the free ones are checked; the server refuses the others. */
async function attack(count: number, act: (n: number) => PromiseLike<Response>, free: number): Promise<void> {
  const answers = await Promise.all(times(count, act));
  const checked = answers.filter(({ status }) => status === 401);
  for (const answer of checked) expectProblem(answer, 401, 'INVALID_CREDENTIALS');
  const refused = answers.filter(({ status }) => status !== 401);
  for (const answer of refused) expectProblem(answer, 429, 'RATE_LIMITED');
  expect(checked).toHaveLength(free);
}

/** One server on SQLite; on PostgreSQL two servers share the database and Redis. */
describe('wrong passwords', () => {
  let storage: Storage;
  let servers: TestApp[];
  let server: TestApp;
  let admin: Actor;
  let ada: Actor;
  const env = { LOGIN_LOCKOUT: `${FREE}/${SECONDS}`, TRUST_PROXY: 'loopback' };
  beforeAll(async () => {
    storage = await createStorage();
    const count = stack() === 'postgres+redis' ? 2 : 1;
    servers = await Promise.all(times(count, () => createTestApp({ storage, env })));
    server = servers[0]!;
    admin = await asAdmin(server);
  });
  beforeEach(async () => {
    ada = await asUser(server);
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(async () => {
    await Promise.all(servers.map((each) => each.close()));
    await storage.remove();
  });

  const anyServer = (n: number) => servers[n % servers.length]!;
  const attackFromHere = (email: string, free = FREE) =>
    attack(16, (n) => login(anyServer(n), email, WRONG), free);
  const attackFromElsewhere = (email: string, free: number) =>
    attack(20, (n) => login(anyServer(n), email, WRONG, `198.51.100.${n}`), free);

  it('lock the address out of the account after the free tries, even when all arrive at once', async () => {
    await attackFromHere(ada.email);
    const refused = await login(server, ada.email, PASSWORD);
    expectProblem(refused, 429, 'RATE_LIMITED');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(SECONDS - 60);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(SECONDS);
  });

  it('get the same answers when nobody has the address', async () => {
    const unknown = randomEmail();
    await attackFromHere(unknown);
    await attackFromHere(ada.email);
    const answers = [await login(server, unknown, WRONG), await login(server, ada.email, WRONG)];
    const [forUnknown, forAda] = answers.map(({ status, headers, body }) => [
      status,
      Object.keys(headers).sort(),
      body.title,
      body.type,
    ]);
    expect(forUnknown).toEqual(forAda);
  });

  it('count for one account in every spelling of its address', () =>
    attack(16, (n) => login(server, n % 2 ? ada.email.toUpperCase() : ` ${ada.email} `, WRONG), FREE));

  it('count for one address when they come from one IPv6 /64', () =>
    attack(16, (n) => login(server, ada.email, WRONG, `2001:db8:7:7::${n}`), FREE));

  it('lock out neither other accounts at that address nor the account at other addresses', async () => {
    const ben = await asUser(server);
    await attackFromHere(ada.email);
    await login(server, ben.email, PASSWORD).expect(200);
    await login(server, ada.email, PASSWORD, '203.0.113.2').expect(200);
  });

  it('are forgotten after the right one', async () => {
    for (let n = 1; n < FREE; n++) await login(server, ada.email, WRONG).expect(401);
    await login(server, ada.email, PASSWORD).expect(200);
    await attackFromHere(ada.email);
  });

  it('do not count while the server cannot check them', async () => {
    const verify = servers.map((each) => jest.spyOn(each.app.get(PasswordHasher), 'checkPassword'));
    for (const spy of verify) spy.mockRejectedValue(new OverloadedError());
    for (let n = 0; n <= FREE; n++) expectProblem(await login(server, ada.email, WRONG), 503, 'OVERLOADED');
    for (const spy of verify) spy.mockRestore();
    await attackFromHere(ada.email);
  });

  it('from many addresses lock the account for all addresses after four times as many', async () => {
    await attackFromElsewhere(ada.email, FREE_FROM_ALL_ADDRESSES);
    expectProblem(await login(server, ada.email, PASSWORD), 429, 'RATE_LIMITED');
  });

  it('from many addresses do not lock the owner out at an address where they are signed in', async () => {
    const [laptop, phone] = ['2001:db8:1:1::1', '2001:db8:1:1::2'];
    await login(server, ada.email, PASSWORD, laptop).expect(200);
    await attackFromElsewhere(ada.email, FREE_FROM_ALL_ADDRESSES);
    for (const each of servers) {
      await login(each, ada.email, PASSWORD, phone).expect(200);
      await attackFromElsewhere(ada.email, 0);
    }
    // Their own wrong passwords still count there.
    await attack(16, (n) => login(anyServer(n), ada.email, WRONG, phone), FREE);
  });

  it('no longer lock the account after its owner has set a new password by a link', async () => {
    await attackFromHere(ada.email);
    await attackFromElsewhere(ada.email, FREE_FROM_ALL_ADDRESSES - FREE);
    const { body } = await admin.post(`/v1/admin/users/${ada.id}/password-reset`).expect(201);
    const fresh = `${PASSWORD}, a new one`;
    await server
      .request()
      .post('/v1/auth/password/reset')
      .set('x-forwarded-for', '203.0.113.1')
      .send({ token: (body.reset_url as string).split('#token=')[1], new_password: fresh })
      .expect(204);
    await login(server, ada.email, fresh).expect(200);
  });

  it('leave one row in the audit log when they lock the account', async () => {
    const unknown = randomEmail();
    for (const email of [ada.email, unknown]) await attackFromHere(email);
    const { audit_logs } = await auditLogs(admin, { action: 'auth.login_throttled', limit: 100 });
    const row = (email: string, id: number | null) =>
      expect.objectContaining({
        actor_id: null,
        actor_email: email,
        resource_type: 'user',
        resource_id: id,
        changes: {},
      });
    const rowsOf = (email: string) => audit_logs.filter(({ actor_email }) => actor_email === email);
    expect(rowsOf(ada.email)).toEqual([row(ada.email, ada.id)]);
    expect(rowsOf(unknown)).toEqual([row(unknown, null)]);
  });

  it('are not counted for text that is no e-mail address', async () => {
    const answers = await Promise.all(times(10, () => login(server, 'nobody at all', WRONG)));
    expect(answers.map(({ status }) => status)).toEqual(times(10, () => 401));
  });

  describe('of a signed-in user', () => {
    const change = (actor: Actor, current: string) =>
      actor.post('/v1/auth/password', { current_password: current, new_password: PASSWORD });

    it('count per session, whatever the address', () =>
      attack(
        16,
        (n) => change(actingOn(anyServer(n), ada), WRONG).set('x-forwarded-for', `203.0.113.${n}`),
        FREE,
      ));

    it('lock out neither their other sessions nor a login', async () => {
      await attack(16, () => change(ada, WRONG), FREE);
      const { body } = await login(server, ada.email, PASSWORD).expect(200);
      await change(actingOn(server, { ...ada, token: body.access_token }), PASSWORD).expect(204);
    });

    it('are not refused because of wrong passwords from elsewhere', async () => {
      await attackFromElsewhere(ada.email, FREE_FROM_ALL_ADDRESSES);
      await change(ada, PASSWORD).expect(204);
    });
  });

  if (stack() === 'postgres+redis') {
    it('leave keys in Redis that expire and name nobody', async () => {
      await attackFromHere(ada.email);
      const client = new Redis(storage.env['REDIS_URL']!);
      try {
        const keys = await client.keys(`${server.unitOfWork.epoch}:lockout:*`);
        expect(keys).not.toEqual([]);
        expect(keys.filter((key) => key.includes('@'))).toEqual([]);
        for (const key of keys) expect(await client.pttl(key)).toBeGreaterThan(0);
      } finally {
        client.disconnect();
      }
    });

    it('do not count on a server that shares Redis but has a database of its own', async () => {
      await attackFromHere(ada.email);
      const postgres = await createPostgres();
      const another = await createTestApp({
        storage: postgres,
        env: { ...env, ...postgres.env, REDIS_URL: storage.env['REDIS_URL']! },
      });
      try {
        await login(another, ada.email, WRONG).expect(401);
      } finally {
        await another.close();
        await postgres.remove();
      }
    });
  }
});

describe('LOGIN_LOCKOUT', () => {
  const withServer = async (lockout: string, use: (server: TestApp) => Promise<void>) => {
    const server = await createTestApp({ env: { LOGIN_LOCKOUT: lockout } });
    try {
      await use(server);
    } finally {
      await server.close();
    }
  };

  it('ends after its seconds', () =>
    withServer('1/1', async (server) => {
      const { email } = await asUser(server);
      await eventually(async () => expectProblem(await login(server, email, WRONG), 429, 'RATE_LIMITED'));
      await eventually(() => login(server, email, PASSWORD).expect(200));
    }));

  it('never locks an account when it is 0', () =>
    withServer('0', async (server) => {
      const { email } = await asUser(server);
      for (let n = 0; n < 12; n++) await login(server, email, WRONG).expect(401);
    }));
});

import type { Response } from 'supertest';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, randomEmail } from './support/actors.js';
import { auditLogs } from './support/audit-trail.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectProblem } from './support/expected.js';
import { createStorage, stack, type Storage } from './support/stack.js';

const FREE = 3;
/** From everywhere together. */
const FREE_FOR_ACCOUNT = 4 * FREE;
const WRONG = 'not the password of anybody';

/** How many waits of 1, 2, 4, … s are over by then: so many more may have passed on a machine that is slow. */
const waitsWithin = (ms: number) => Math.floor(Math.log2(ms / 1000 + 1));

const times = <T>(count: number, act: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => act(n));

/** From an address that the proxy before the server states. */
const login = (server: TestApp, email: string, password: string, address = '203.0.113.1') =>
  server.request().post('/v1/auth/login').set('x-forwarded-for', address).send({ email, password });

/** Exactly as many were looked at as are free, and as had to wait no longer; the others were sent away. */
function expectLookedAt(answers: readonly Response[], free: number, tookMs: number): void {
  const lookedAt = answers.filter(({ status }) => status === 401);
  for (const answer of lookedAt) expectProblem(answer, 401, 'INVALID_CREDENTIALS');
  for (const answer of answers.filter(({ status }) => status !== 401))
    expectProblem(answer, 429, 'RATE_LIMITED');
  expect(lookedAt.length).toBeGreaterThanOrEqual(free);
  expect(lookedAt.length).toBeLessThanOrEqual(free + waitsWithin(tookMs));
}

async function attack(count: number, act: (n: number) => PromiseLike<Response>, free: number): Promise<void> {
  const began = performance.now();
  const answers = await Promise.all(times(count, act));
  expectLookedAt(answers, free, performance.now() - began);
}

/** On SQLite one server has the file to itself; on PostgreSQL two share the database and Redis. */
describe('guessing a password', () => {
  let storage: Storage;
  let servers: TestApp[];
  let server: TestApp;
  let admin: Actor;
  let ada: Actor;
  beforeAll(async () => {
    storage = await createStorage();
    const env = { RATE_LIMIT_ACCOUNT: `${FREE}/900`, TRUST_PROXY: 'loopback' };
    const count = stack() === 'postgres+redis' ? 2 : 1;
    servers = await Promise.all(times(count, () => createTestApp({ storage, env })));
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

  const anyServer = (n: number) => servers[n % servers.length]!;
  const throttledRowsOf = async (email: string) =>
    (await auditLogs(admin, { action: 'auth.login_throttled', limit: 100 })).audit_logs.filter(
      ({ actor_email }) => actor_email === email,
    );
  /** Until one is sent away; that one. */
  const exhaust = (email: string, address?: string) =>
    eventually(async () => {
      const answer = await login(server, email, WRONG, address);
      expectProblem(answer, 429, 'RATE_LIMITED');
      return answer;
    });

  it('lets as many wrong ones pass as are free, though all come at once', () =>
    attack(16, (n) => login(anyServer(n), ada.email, WRONG), FREE));

  it('does so for an account that is not there, and tells nobody', async () => {
    const nobody = randomEmail();
    await attack(16, (n) => login(anyServer(n), nobody, WRONG), FREE);
    const [existing, missing] = [await exhaust(ada.email), await exhaust(nobody)];
    const known = ({ headers, body }: Response) => [Object.keys(headers).sort(), body.title, body.type];
    expect(known(missing)).toEqual(known(existing));
  });

  it('is the same account in every spelling of its address', () =>
    attack(16, (n) => login(server, n % 2 ? ada.email.toUpperCase() : ` ${ada.email} `, WRONG), FREE));

  it('is refused even with the right one, until Retry-After is over; then nothing is held against it', async () => {
    const { headers } = await exhaust(ada.email);
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    const right = await login(server, ada.email, PASSWORD);
    // On a machine that pauses, the time may be over already.
    if (right.status !== 200) {
      expectProblem(right, 429, 'RATE_LIMITED');
      await new Promise((resolve) => setTimeout(resolve, Number(right.headers['retry-after']) * 1000));
      await login(server, ada.email, PASSWORD).expect(200);
    }
    await attack(16, (n) => login(anyServer(n), ada.email, WRONG), FREE);
  });

  it('has nobody else wait: neither other accounts there nor the account elsewhere', async () => {
    const ben = await asUser(server);
    await exhaust(ada.email);
    await login(server, ben.email, PASSWORD).expect(200);
    await login(server, ada.email, PASSWORD, '203.0.113.2').expect(200);
  });

  it('from many addresses is bounded for the account', () =>
    attack(50, (n) => login(anyServer(n), ada.email, WRONG, `198.51.100.${n}`), FREE_FOR_ACCOUNT));

  it('from one household is from one address', () =>
    attack(16, (n) => login(server, ada.email, WRONG, `2001:db8:7:7::${n}`), FREE));

  it('from fifty addresses does not keep the owner out where they are signed in', async () => {
    const home = '2001:db8:1:1::1';
    await login(server, ada.email, PASSWORD, home).expect(200);
    const refused = [];
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all(
        times(50, (n) => login(anyServer(n), ada.email, WRONG, `198.51.100.${n}`)),
      );
      refused.push(answers.filter(({ status }) => status === 429).length);
      // Another device of the same household.
      const { body } = await login(anyServer(round), ada.email, PASSWORD, '2001:db8:1:1::2').expect(200);
      await actingOn(server, { ...ada, token: body.access_token })
        .get('/v1/auth/me')
        .expect(200);
    }
    // It was an attack that others would have been refused for.
    for (const count of refused) expect(count).toBeGreaterThan(0);
  });

  it('keeps nobody waiting who has set a new password by a link', async () => {
    const address = '203.0.113.9';
    await exhaust(ada.email, address);
    const { body } = await admin.post(`/v1/admin/users/${ada.id}/password-reset`).expect(201);
    const fresh = `${PASSWORD}, a new one`;
    await server
      .request()
      .post('/v1/auth/password/reset')
      .set('x-forwarded-for', address)
      .send({ token: (body.reset_url as string).split('#token=')[1], new_password: fresh })
      .expect(204);
    await login(server, ada.email, fresh, address).expect(200);
  });

  it('is written down once, when the account begins to be throttled', async () => {
    const nobody = randomEmail();
    for (const email of [ada.email, nobody]) {
      await attack(16, (n) => login(anyServer(n), email, WRONG), FREE);
      await exhaust(email);
    }
    const row = (email: string, id: number | null) =>
      expect.objectContaining({
        actor_id: null,
        actor_email: email,
        resource_type: 'user',
        resource_id: id,
        changes: {},
      });
    expect(await throttledRowsOf(ada.email)).toEqual([row(ada.email, ada.id)]);
    expect(await throttledRowsOf(nobody)).toEqual([row(nobody, null)]);
  });

  it('counts what is no address by no account: nothing of it is refused', async () => {
    const answers = await Promise.all(times(10, () => login(server, 'nobody at all', WRONG)));
    expect(answers.map(({ status }) => status)).toEqual(times(10, () => 401));
  });

  describe('by somebody who is signed in', () => {
    const change = (actor: Actor, current: string) =>
      actor.post('/v1/auth/password', { current_password: current, new_password: PASSWORD });

    it('is counted by session, wherever it is from', () =>
      attack(
        16,
        (n) => change(actingOn(anyServer(n), ada), WRONG).set('x-forwarded-for', `203.0.113.${n}`),
        FREE,
      ));

    it('does not have the owner wait in another session, nor who signs in', async () => {
      await eventually(async () => expectProblem(await change(ada, WRONG), 429, 'RATE_LIMITED'));
      const { body } = await login(server, ada.email, PASSWORD).expect(200);
      await change(actingOn(server, { ...ada, token: body.access_token }), PASSWORD).expect(204);
    });

    it('is refused by nobody who signs in from elsewhere', async () => {
      await attack(50, (n) => login(server, ada.email, WRONG, `198.51.100.${n}`), FREE_FOR_ACCOUNT);
      await change(ada, PASSWORD).expect(204);
    });
  });
});

describe('RATE_LIMIT_ACCOUNT=0', () => {
  it('lets everybody guess as far as the other limits let them', async () => {
    const server = await createTestApp({ env: { RATE_LIMIT_ACCOUNT: '0' } });
    try {
      const { email } = await asUser(server);
      for (let n = 0; n < 12; n++) await login(server, email, WRONG).expect(401);
    } finally {
      await server.close();
    }
  });
});

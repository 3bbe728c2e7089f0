import type { Response } from 'supertest';
import { Not } from 'typeorm';
import { AuditLog } from '../src/audit/audit-log.entity.js';
import { Session } from '../src/auth/sessions/session.entity.js';
import { SESSION_CLEANUP_DEFAULTS } from '../src/auth/sessions/session-cleanup.js';
import { SessionsService } from '../src/auth/sessions/sessions.service.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, randomEmail } from './support/actors.js';
import { appearanceOf } from './support/appearance.js';
import { rowsLeftBy } from './support/audit-trail.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectInvalid, expectProblem } from './support/expected.js';
import { createStorage, stack, type Storage } from './support/stack.js';
import { claimsOf, decoded } from './support/tokens.js';

const COOKIE = '__Host-wl_refresh';
const FRONTEND = 'http://localhost:3000';
const DAY = 86_400;

/** What login and refresh answer. */
interface Tokens {
  readonly access_token: string;
  readonly expires_in: number;
  readonly refresh_token: string;
  readonly refresh_expires_in: number;
}

const times = <T>(count: number, act: () => T): T[] => Array.from({ length: count }, act);

const login = async (server: TestApp, email: string, more: object = {}): Promise<Tokens> =>
  (
    await server
      .request()
      .post('/v1/auth/login')
      .send({ email, password: PASSWORD, ...more })
      .expect(200)
  ).body as Tokens;
const refresh = (server: TestApp, token?: unknown, more: object = {}) =>
  server
    .request()
    .post('/v1/auth/refresh')
    .send({ refresh_token: token, ...more });
const logout = (server: TestApp, token?: unknown) =>
  server.request().post('/v1/auth/logout').send({ refresh_token: token });
const me = (server: TestApp, token: string) =>
  actingOn(server, { id: 0, email: '', token }).get('/v1/auth/me');

const sessionsOf = (actor: Actor) =>
  actor
    .get('/v1/auth/sessions')
    .expect(200)
    .then(({ body }) => body.sessions as Record<string, unknown>[]);
const stored = (server: TestApp, id: string) =>
  server.unitOfWork.read((manager) => manager.findOneBy(Session, { id }));

/** As if that much time had gone by since the session was last used. */
async function age(server: TestApp, id: string, seconds: number): Promise<void> {
  const { lastUsedAt, createdAt, expiresAt } = (await stored(server, id))!;
  const earlier = (time: Date) => new Date(time.getTime() - seconds * 1000);
  const times = {
    createdAt: earlier(createdAt),
    lastUsedAt: earlier(lastUsedAt),
    expiresAt: earlier(expiresAt),
  };
  await server.unitOfWork.write((manager) => manager.update(Session, { id }, times));
}

const idOf = ({ refresh_token }: Tokens) => refresh_token.split('.')[0]!;

function expectRefused(response: Response): void {
  expectProblem(response, 401, 'INVALID_REFRESH_TOKEN');
  expect(response.headers['www-authenticate']).toBe('Bearer realm="watchlist"');
}

function cookieOf(response: Response): { value: string; attributes: string[] } {
  const [line] = response.headers['set-cookie'] as unknown as string[];
  const [pair, ...attributes] = line!.split('; ');
  const [name, value] = pair!.split('=') as [string, string];
  expect(name).toBe(COOKIE);
  return { value, attributes: attributes.sort() };
}

describe('sessions', () => {
  let server: TestApp;
  let admin: Actor;
  let ada: Actor;
  beforeAll(async () => {
    server = await createTestApp({ env: { PUBLIC_URL: 'https://watchlist.example.com' } });
    admin = await asAdmin(server);
  });
  beforeEach(async () => {
    ada = await asUser(server);
  });
  afterAll(() => server.close());

  describe('POST /v1/auth/login', () => {
    it('begins one: a refresh token besides the access token, which names the session', async () => {
      const tokens = await login(server, ada.email);
      expect(tokens).toEqual({
        status: 'ok',
        access_token: expect.any(String),
        token_type: 'bearer',
        expires_in: 3600,
        refresh_token: expect.stringMatching(/^[\w-]{22}\.0\.[\w-]{43}$/),
        refresh_expires_in: expect.any(Number),
      });
      expect(tokens.refresh_expires_in).toBeGreaterThan(7 * DAY - 60);
      expect(tokens.refresh_expires_in).toBeLessThanOrEqual(7 * DAY);
      expect(claimsOf(tokens.access_token)['sid']).toBe(idOf(tokens));
    });

    it('keeps nothing that could be presented', async () => {
      const tokens = await login(server, ada.email);
      const row = JSON.stringify(await stored(server, idOf(tokens)));
      for (const part of [tokens.access_token, tokens.refresh_token.split('.')[2]!])
        expect(row).not.toContain(part);
    });

    it.each([
      ['nobody knows', 'paper'],
      ['is null', null],
      ['is a list', ['cookie']],
    ])('refuses a transport that %s', async (_what, transport) => {
      const response = await server
        .request()
        .post('/v1/auth/login')
        .send({ email: ada.email, password: PASSWORD, transport });
      expectInvalid(response, 'transport');
    });

    it('ends, beyond a hundred, the session that has not been used for the longest time', async () => {
      const first = await login(server, ada.email);
      const sessions = server.app.get(SessionsService, { strict: false });
      await age(server, idOf(first), 60);
      for (let n = 0; n < 98; n++) await sessions.startSession(ada.id, undefined);
      expect(await sessionsOf(ada)).toHaveLength(100);
      await me(server, first.access_token).expect(200);
      await login(server, ada.email);
      expect(await sessionsOf(ada)).toHaveLength(100);
      await me(server, first.access_token).expect(401);
      expectRefused(await refresh(server, first.refresh_token));
    });
  });

  describe('POST /v1/auth/refresh', () => {
    it('exchanges the token for the next, and another access token of the same session', async () => {
      const first = await login(server, ada.email);
      const { body: second, headers } = await refresh(server, first.refresh_token).expect(200);
      expect(headers['cache-control']).toBe('no-store');
      expect(second).toEqual({
        ...first,
        access_token: expect.any(String),
        refresh_token: expect.stringMatching(new RegExp(`^${idOf(first)}\\.1\\.[\\w-]{43}$`)),
        refresh_expires_in: expect.any(Number),
      });
      expect(second.access_token).not.toBe(first.access_token);
      for (const { access_token } of [first, second]) {
        const { body } = await me(server, access_token).expect(200);
        expect(body).toMatchObject({ id: ada.id });
      }
    });

    it('gives all who come at the same moment the same successor', async () => {
      const { refresh_token } = await login(server, ada.email);
      const answers = await Promise.all(times(20, () => refresh(server, refresh_token).expect(200)));
      const successors = new Set(answers.map(({ body }) => body.refresh_token as string));
      expect(successors.size).toBe(1);
      await refresh(server, [...successors][0]).expect(200);
    });

    it('forgives a token that comes again at once: the answer may have been lost', async () => {
      const { refresh_token } = await login(server, ada.email);
      const { body: first } = await refresh(server, refresh_token).expect(200);
      const { body: again } = await refresh(server, refresh_token).expect(200);
      expect(again.refresh_token).toBe(first.refresh_token);
    });

    it.each<[string, (server: TestApp, tokens: Tokens) => Promise<unknown>]>([
      ['again later', (server, tokens) => age(server, idOf(tokens), 11)],
      [
        'again after the next one has been used as well',
        async (server, tokens) => {
          const { body } = await refresh(server, tokens.refresh_token).expect(200);
          await refresh(server, body.refresh_token).expect(200);
        },
      ],
    ])('takes a used token that comes %s for stolen: the session ends', async (_when, meanwhile) => {
      const tokens = await login(server, ada.email);
      const { body: next } = await refresh(server, tokens.refresh_token).expect(200);
      await meanwhile(server, tokens);
      const rows = await rowsLeftBy(admin, async () =>
        expectRefused(await refresh(server, tokens.refresh_token)),
      );
      expect(rows).toEqual([
        expect.objectContaining({
          actor_id: null,
          actor_email: null,
          action: 'auth.refresh_token_reused',
          resource_type: 'user',
          resource_id: ada.id,
          changes: { session: { from: idOf(tokens), to: null } },
        }),
      ]);
      expectRefused(await refresh(server, next.refresh_token));
      for (const { access_token } of [tokens, next])
        expectProblem(await me(server, access_token), 401, 'UNAUTHORIZED');
      // The other session is none of it.
      await ada.get('/v1/auth/me').expect(200);
    });

    describe('refuses, without harm to the session,', () => {
      it.each<[string, (token: string) => string]>([
        ['a forged signature', (token) => token.replace(/[\w-]{43}$/, 'A'.repeat(43))],
        ['another generation', (token) => token.replace('.0.', '.1.')],
        ['a generation with a zero before it', (token) => token.replace('.0.', '.00.')],
        ['a huge generation', (token) => token.replace('.0.', `.${'9'.repeat(20)}.`)],
        ['a session of nobody', (token) => `${'A'.repeat(22)}${token.slice(22)}`],
        ['a beginning', (token) => token.slice(0, -1)],
        ['more than all', (token) => `${token}A`],
        ['two parts', (token) => token.split('.').slice(0, 2).join('.')],
        ['nonsense', () => 'nonsense'],
        ['another script', () => '映画'],
      ])('%s', async (_what, forge) => {
        const { refresh_token } = await login(server, ada.email);
        expectRefused(await refresh(server, forge(refresh_token)));
        await refresh(server, refresh_token).expect(200);
      });

      it('an access token', async () => {
        const { access_token, refresh_token } = await login(server, ada.email);
        expectInvalid(await refresh(server, access_token), 'refresh_token');
        await refresh(server, refresh_token).expect(200);
      });
    });

    it('is no access token itself', async () => {
      const { refresh_token } = await login(server, ada.email);
      expectProblem(await me(server, refresh_token), 401, 'UNAUTHORIZED');
    });

    it.each([
      ['empty', ''],
      ['null', null],
      ['a number', 5],
      ['a list', ['x']],
      ['with a NUL', 'a\0b'],
      ['of 257 characters', 'x'.repeat(257)],
    ])('refuses a token that is %s', async (_what, token) => {
      expectInvalid(await refresh(server, token), 'refresh_token');
    });

    it('answers alike whatever is wrong: no token, forged, ended, used', async () => {
      const ended = await login(server, ada.email);
      await logout(server, ended.refresh_token).expect(204);
      const used = await login(server, ada.email);
      await refresh(server, used.refresh_token).expect(200);
      await age(server, idOf(used), 60);
      const forged = await refresh(server, `${'A'.repeat(22)}.0.${'A'.repeat(43)}`);
      expectRefused(forged);
      for (const response of [
        await refresh(server),
        await refresh(server, ended.refresh_token),
        await refresh(server, used.refresh_token),
      ]) {
        expect(appearanceOf(response)).toEqual(appearanceOf(forged));
      }
    });

    describe('ends with its session', () => {
      it('when it has not been used for a week', async () => {
        const { refresh_token } = await login(server, ada.email);
        const id = refresh_token.split('.')[0]!;
        await age(server, id, 7 * DAY - 60);
        const { body } = await refresh(server, refresh_token).expect(200);
        await age(server, id, 7 * DAY + 1);
        expectRefused(await refresh(server, body.refresh_token));
      });

      it('after thirty days, however much it is used; its access tokens no later', async () => {
        const { refresh_token } = await login(server, ada.email);
        const id = refresh_token.split('.')[0]!;
        let token = refresh_token;
        for (let week = 0; week < 4; week++) {
          await age(server, id, 7 * DAY - 60);
          token = (await refresh(server, token).expect(200)).body.refresh_token;
        }
        await age(server, id, 2 * DAY);
        const { body } = await refresh(server, token).expect(200);
        expect(body.refresh_expires_in).toBeLessThan(300);
        expect(body.expires_in).toBe(body.refresh_expires_in);
        await age(server, id, 300);
        expectRefused(await refresh(server, body.refresh_token));
      });

      it('when its user is removed', async () => {
        const { refresh_token } = await login(server, ada.email);
        await server.unitOfWork.write((manager) =>
          manager.query('DELETE FROM users WHERE id = $1', [ada.id]),
        );
        expectRefused(await refresh(server, refresh_token));
      });
    });
  });

  describe('in a cookie', () => {
    const signIn = () =>
      server
        .request()
        .post('/v1/auth/login')
        .send({ email: ada.email, password: PASSWORD, transport: 'cookie' })
        .expect(200);
    const withCookie = (path: string, value: string, origin: string | undefined, body: object = {}) => {
      const request = server.request().post(path).set('cookie', `a=b; ${COOKIE}=${value}; c=d`).send(body);
      return origin === undefined ? request : request.set('origin', origin);
    };

    it('no script can read it, no other site or host send or set it; the body has none', async () => {
      const response = await signIn();
      expect(response.body).not.toHaveProperty('refresh_token');
      const { value, attributes } = cookieOf(response);
      expect(value).toMatch(/^[\w-]{22}\.0\.[\w-]{43}$/);
      expect(attributes).toEqual([
        'HttpOnly',
        `Max-Age=${response.body.refresh_expires_in}`,
        'Path=/',
        'SameSite=Strict',
        'Secure',
      ]);
    });

    it('it is exchanged, and stays there whatever is asked for', async () => {
      const { value } = cookieOf(await signIn());
      for (const body of [{}, { transport: 'body' }]) {
        const response = await withCookie('/v1/auth/refresh', value, FRONTEND, body).expect(200);
        expect(response.body).not.toHaveProperty('refresh_token');
        expect(cookieOf(response).value).toMatch(/^[\w-]{22}\.1\./);
        expect(response.headers['access-control-allow-credentials']).toBe('true');
        await me(server, response.body.access_token).expect(200);
      }
    });

    it('a token from the body can move there', async () => {
      const { refresh_token } = await login(server, ada.email);
      const response = await refresh(server, refresh_token, { transport: 'cookie' }).expect(200);
      expect(response.body).not.toHaveProperty('refresh_token');
      expect(cookieOf(response).value).toContain('.1.');
    });

    it('a token in the body counts before it', async () => {
      const { value } = cookieOf(await signIn());
      const { refresh_token } = await login(server, ada.email);
      const { body } = await withCookie('/v1/auth/refresh', value, undefined, { refresh_token }).expect(200);
      expect(body.refresh_token.split('.')[0]).toBe(refresh_token.split('.')[0]);
    });

    it.each(['/v1/auth/refresh', '/v1/auth/logout'])(
      '%s takes it from the page of our own host',
      async (path) => {
        const { value } = cookieOf(await signIn());
        const response = await withCookie(path, value, new URL(server.url).origin);
        expect(response.status).toBeLessThan(300);
      },
    );

    it('is taken from the page of PUBLIC_URL when a proxy sends another Host', async () => {
      const { email } = await asUser(server);
      const signedIn = await server
        .request()
        .post('/v1/auth/login')
        .send({ email, password: PASSWORD, transport: 'cookie' });
      const refreshFrom = (origin: string) =>
        server
          .request()
          .post('/v1/auth/refresh')
          .set({ cookie: `${COOKIE}=${cookieOf(signedIn).value}`, host: 'upstream', origin })
          .send({});
      for (const origin of ['http://watchlist.example.com', 'https://watchlist.example.com:8443'])
        expectProblem(await refreshFrom(origin), 403, 'ORIGIN_NOT_ALLOWED');
      await refreshFrom('https://watchlist.example.com').expect(200);
    });

    describe.each(['/v1/auth/refresh', '/v1/auth/logout'])('%s refuses it', (path) => {
      it.each<[string, (url: URL) => string | undefined]>([
        ['without an Origin', () => undefined],
        ['of a page without one', () => 'null'],
        ['of another site', () => 'https://evil.example'],
        ['of our host on another port', ({ hostname, port }) => `http://${hostname}:${Number(port) + 1}`],
        ['of a host that begins like ours', ({ host }) => `http://${host}.evil.example`],
        ['of an origin that begins like an allowed one', () => `${FRONTEND}.evil.example`],
        ['of an allowed origin in capitals', () => FRONTEND.toUpperCase()],
        ['of nonsense', () => 'localhost'],
      ])('%s', async (_whose, originOf) => {
        const { value } = cookieOf(await signIn());
        const response = await withCookie(path, value, originOf(new URL(server.url)));
        expectProblem(response, 403, 'ORIGIN_NOT_ALLOWED');
        await refresh(server, value).expect(200);
      });
    });

    it('logout ends the session and has the cookie forgotten', async () => {
      const { value } = cookieOf(await signIn());
      const response = await withCookie('/v1/auth/logout', value, FRONTEND).expect(204);
      expect(cookieOf(response)).toEqual({
        value: '',
        attributes: ['HttpOnly', 'Max-Age=0', 'Path=/', 'SameSite=Strict', 'Secure'],
      });
      expectRefused(await refresh(server, value));
    });

    it('means nothing anywhere else', async () => {
      const { value } = cookieOf(await signIn());
      const response = await server
        .request()
        .get('/v1/auth/me')
        .set('cookie', `${COOKIE}=${value}`)
        .set('origin', FRONTEND);
      expectProblem(response, 401, 'UNAUTHORIZED');
    });
  });

  describe('POST /v1/auth/logout', () => {
    it.each<[string, (tokens: Tokens) => Promise<unknown>]>([
      ['refresh token', ({ refresh_token }) => logout(server, refresh_token).expect(204)],
      [
        'access token',
        ({ access_token }) =>
          actingOn(server, { ...ada, token: access_token })
            .post('/v1/auth/logout')
            .expect(204),
      ],
      [
        'refresh token that has been used',
        async ({ refresh_token }) => {
          await refresh(server, refresh_token).expect(200);
          await logout(server, refresh_token).expect(204);
        },
      ],
    ])('ends the session of its %s, for access tokens too', async (_which, act) => {
      const tokens = await login(server, ada.email);
      const rows = await rowsLeftBy(admin, () => act(tokens));
      expect(rows).toEqual([
        expect.objectContaining({
          actor_id: ada.id,
          actor_email: ada.email,
          action: 'auth.session_ended',
          resource_type: 'user',
          resource_id: ada.id,
          changes: { session: { from: idOf(tokens), to: null } },
        }),
      ]);
      expectProblem(await me(server, tokens.access_token), 401, 'UNAUTHORIZED');
      expectRefused(await refresh(server, tokens.refresh_token));
      await ada.get('/v1/auth/me').expect(200);
    });

    it('of a session that has ended changes nothing, and does not say so', async () => {
      const { refresh_token } = await login(server, ada.email);
      await logout(server, refresh_token).expect(204);
      expect(await rowsLeftBy(admin, () => logout(server, refresh_token).expect(204))).toEqual([]);
      expect(await rowsLeftBy(admin, () => logout(server, 'nonsense').expect(204))).toEqual([]);
    });

    it('twice at the same time leaves one row', async () => {
      const { refresh_token } = await login(server, ada.email);
      const rows = await rowsLeftBy(admin, () =>
        Promise.all(times(8, () => logout(server, refresh_token).expect(204))),
      );
      expect(rows).toHaveLength(1);
    });

    it('needs one of the three', async () => {
      expectProblem(await server.request().post('/v1/auth/logout'), 401, 'UNAUTHORIZED');
      const response = await server.request().post('/v1/auth/logout').set('authorization', 'Bearer nonsense');
      expectProblem(response, 401, 'UNAUTHORIZED');
    });
  });

  describe('GET /v1/auth/sessions', () => {
    it("shows one's own, the one used last first, and which of them asks", async () => {
      const { body: phone } = await server
        .request()
        .post('/v1/auth/login')
        .set('user-agent', '  A\tphone ')
        .send({ email: ada.email, password: PASSWORD })
        .expect(200);
      const sessions = await sessionsOf(ada);
      const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      const session = (id: unknown, current: boolean, device: string | null) => ({
        id,
        current,
        device,
        address: '127.0.0.1',
        created_at: instant,
        last_used_at: instant,
        expires_at: instant,
      });
      expect(sessions).toEqual([
        session(phone.refresh_token.split('.')[0], false, 'A phone'),
        session(claimsOf(ada.token)['sid'], true, null),
      ]);
      await refresh(server, phone.refresh_token).set('user-agent', 'x'.repeat(300)).expect(200);
      expect((await sessionsOf(ada))[0]).toMatchObject({ device: 'x'.repeat(255) });
    });
  });

  describe('DELETE /v1/auth/sessions', () => {
    it('ends all others', async () => {
      const others = [await login(server, ada.email), await login(server, ada.email)];
      const rows = await rowsLeftBy(admin, () => ada.delete('/v1/auth/sessions').expect(204));
      expect(rows.map(({ action }) => action)).toEqual(['auth.session_ended', 'auth.session_ended']);
      for (const { access_token, refresh_token } of others) {
        expectProblem(await me(server, access_token), 401, 'UNAUTHORIZED');
        expectRefused(await refresh(server, refresh_token));
      }
      expect(await sessionsOf(ada)).toHaveLength(1);
      expect(await rowsLeftBy(admin, () => ada.delete('/v1/auth/sessions').expect(204))).toEqual([]);
    });
  });

  describe('DELETE /v1/auth/sessions/{id}', () => {
    it('ends that one, also the one that asks', async () => {
      const other = await login(server, ada.email);
      await ada.delete(`/v1/auth/sessions/${idOf(other)}`).expect(204);
      expectProblem(await me(server, other.access_token), 401, 'UNAUTHORIZED');
      expectProblem(await ada.delete(`/v1/auth/sessions/${idOf(other)}`), 404, 'SESSION_NOT_FOUND');
      await ada.delete(`/v1/auth/sessions/${String(claimsOf(ada.token)['sid'])}`).expect(204);
      expectProblem(await ada.get('/v1/auth/me'), 401, 'UNAUTHORIZED');
    });

    it("answers somebody else's like one that never was", async () => {
      const bob = await asUser(server);
      const foreign = await ada.delete(`/v1/auth/sessions/${String(claimsOf(bob.token)['sid'])}`);
      expectProblem(foreign, 404, 'SESSION_NOT_FOUND');
      for (const id of ['A'.repeat(22), 'x', '%00', '1', 'A'.repeat(300)]) {
        expect(appearanceOf(await ada.delete(`/v1/auth/sessions/${id}`))).toEqual(appearanceOf(foreign));
      }
      await bob.get('/v1/auth/me').expect(200);
    });
  });

  describe('of somebody who is disabled', () => {
    it('end, and do not come back', async () => {
      const { refresh_token } = await login(server, ada.email);
      await admin.patch(`/v1/admin/users/${ada.id}`, { disabled: true }).expect(200);
      expectRefused(await refresh(server, refresh_token));
      await admin.patch(`/v1/admin/users/${ada.id}`, { disabled: false }).expect(200);
      expectProblem(await ada.get('/v1/auth/me'), 401, 'UNAUTHORIZED');
      expectRefused(await refresh(server, refresh_token));
      await login(server, ada.email);
    });

    it('do not begin either while that is decided', async () => {
      const disabling = admin.patch(`/v1/admin/users/${ada.id}`, { disabled: true });
      const logins = times(6, () =>
        server.request().post('/v1/auth/login').send({ email: ada.email, password: PASSWORD }),
      );
      const [, ...answers] = await Promise.all([disabling.expect(200), ...logins]);
      await admin.patch(`/v1/admin/users/${ada.id}`, { disabled: false }).expect(200);
      for (const { body } of answers.filter(({ status }) => status === 200))
        expectProblem(await me(server, body.access_token), 401, 'UNAUTHORIZED');
    });
  });

  describe('POST /v1/auth/password', () => {
    const change = (actor: Actor, current: unknown, next: unknown) =>
      actor.post('/v1/auth/password', { current_password: current, new_password: next });
    const signInWith = (email: string, password: string) =>
      server.request().post('/v1/auth/login').send({ email, password });
    const NEW = 'nine lives of a paper cat';

    it('changes it, and ends all sessions but the one that asks', async () => {
      const other = await login(server, ada.email);
      const rows = await rowsLeftBy(admin, () => change(ada, PASSWORD, NEW).expect(204));
      expect(rows).toEqual([
        expect.objectContaining({
          actor_id: ada.id,
          action: 'auth.password_changed',
          resource_type: 'user',
          resource_id: ada.id,
          changes: {},
        }),
      ]);
      expectProblem(await me(server, other.access_token), 401, 'UNAUTHORIZED');
      expectRefused(await refresh(server, other.refresh_token));
      await ada.get('/v1/auth/me').expect(200);
      expectProblem(await signInWith(ada.email, PASSWORD), 401, 'INVALID_CREDENTIALS');
      await signInWith(ada.email, NEW).expect(200);
    });

    it('changes nothing when the current one is wrong, and says so in the audit log', async () => {
      const other = await login(server, ada.email);
      const rows = await rowsLeftBy(admin, async () =>
        expectProblem(await change(ada, `${PASSWORD}!`, NEW), 401, 'INVALID_CREDENTIALS'),
      );
      expect(rows).toMatchObject([{ actor_id: ada.id, action: 'auth.password_change_failed' }]);
      await me(server, other.access_token).expect(200);
      await signInWith(ada.email, PASSWORD).expect(200);
    });

    it.each<[string, object, string[]]>([
      ['nothing', {}, ['current_password', 'new_password']],
      ['a common new one', { current_password: PASSWORD, new_password: 'Sunshine1' }, ['new_password']],
      ['a short new one', { current_password: PASSWORD, new_password: '1234567' }, ['new_password']],
      ['null', { current_password: null, new_password: null }, ['current_password', 'new_password']],
      ['an empty current one', { current_password: '', new_password: NEW }, ['current_password']],
      ['more', { current_password: PASSWORD, new_password: NEW, email: 'x' }, ['email']],
    ])('refuses %s', async (_what, body, fields) => {
      expectInvalid(await ada.post('/v1/auth/password', body), ...fields);
      await signInWith(ada.email, PASSWORD).expect(200);
    });

    it.each([
      ['the whole of it', (email: string) => email.toUpperCase()],
      ['what stands before the @', (email: string) => email.split('@')[0]!],
    ])('refuses the e-mail address for a new one: %s', async (_what, passwordOf) => {
      expectInvalid(await change(ada, PASSWORD, passwordOf(ada.email)), 'new_password');
      await signInWith(ada.email, PASSWORD).expect(200);
    });

    it('of two at the same time lets one win', async () => {
      const answers = await Promise.all(
        times(
          4,
          (() => {
            let n = 0;
            return () => change(ada, PASSWORD, `${NEW} ${n++}`);
          })(),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 401, 401, 401]);
    });

    it('leaves out nobody who signs in with the old one at that moment', async () => {
      const logins = times(6, () => signInWith(ada.email, PASSWORD));
      const [, ...answers] = await Promise.all([change(ada, PASSWORD, NEW).expect(204), ...logins]);
      for (const { body } of answers.filter(({ status }) => status === 200))
        expectProblem(await me(server, body.access_token), 401, 'UNAUTHORIZED');
    });

    it('is counted as a login is, by user', async () => {
      const { headers } = await change(ada, PASSWORD, NEW).expect(204);
      expect(headers['ratelimit-policy']).toMatch(/^"login";/);
    });
  });

  it('leave no token in the log', async () => {
    const tokens = await login(server, ada.email);
    const { body } = await refresh(server, tokens.refresh_token).expect(200);
    await logout(server, body.refresh_token).expect(204);
    const line = { action: 'auth.session_ended', actor_id: ada.id };
    await eventually(() => expect(server.logs).toContainEqual(expect.objectContaining(line)));
    const log = JSON.stringify(server.logs);
    for (const token of [tokens.refresh_token, body.refresh_token]) {
      expect(log).not.toContain(token);
      expect(log).not.toContain(token.split('.')[2]);
    }
  });
});

describe('sessions across restarts', () => {
  let storage: Storage;
  beforeEach(async () => {
    storage = await createStorage();
  });
  afterEach(() => storage.remove());

  async function boot<T>(env: Record<string, string>, work: (server: TestApp) => Promise<T>): Promise<T> {
    const server = await createTestApp({ storage, env });
    try {
      return await work(server);
    } finally {
      await server.close();
    }
  }

  const NEW_SECRET = 'dHdvLWhvdXNlaG9sZHMtYm90aC1hbGlrZS1pbi1kaWduaXR5';
  const OLD_SECRET = 'bXlzZWNyZXQtZm9yLXRlc3RzLW9ubHktMTIzNDU2Nzg5MA';

  it('go on under a new JWT_SECRET as long as the old one is listed', async () => {
    const email = randomEmail();
    const first = await boot({}, async (server) => {
      await asUser(server, email);
      return login(server, email);
    });
    const second = await boot({ JWT_SECRET: NEW_SECRET, JWT_SECRETS_OLD: OLD_SECRET }, async (server) => {
      await me(server, first.access_token).expect(200);
      const { body } = await refresh(server, first.refresh_token).expect(200);
      expect(decoded(body.access_token, 0)['kid']).not.toBe(decoded(first.access_token, 0)['kid']);
      await me(server, body.access_token).expect(200);
      const another = await login(server, email);
      return { ...(body as Tokens), another };
    });
    await boot({ JWT_SECRET: NEW_SECRET }, async (server) => {
      await me(server, first.access_token).expect(401);
      await me(server, second.access_token).expect(200);
      expectRefused(await refresh(server, second.refresh_token));
      await refresh(server, second.another.refresh_token).expect(200);
    });
  });

  it('last as long as REFRESH_EXPIRE_DAYS and REFRESH_IDLE_DAYS say, and access tokens no longer', async () => {
    const env = { REFRESH_EXPIRE_DAYS: '2', REFRESH_IDLE_DAYS: '1', JWT_EXPIRE_MINUTES: '525600' };
    await boot(env, async (server) => {
      const { email } = await asUser(server);
      const tokens = await login(server, email);
      expect(tokens.refresh_expires_in).toBeGreaterThan(DAY - 60);
      expect(tokens.refresh_expires_in).toBeLessThanOrEqual(DAY);
      expect(tokens.expires_in).toBe(tokens.refresh_expires_in);
    });
  });

  (stack() === 'postgres+redis' ? it : it.skip)(
    'end on every instance from the next request on',
    async () => {
      const [one, other] = [await createTestApp({ storage }), await createTestApp({ storage })];
      try {
        const { email } = await asUser(one);
        for (const [here, there] of [
          [one, other],
          [other, one],
        ] as const) {
          const { access_token, refresh_token } = await login(here, email);
          await me(there, access_token).expect(200);
          await logout(here, refresh_token).expect(204);
          expectProblem(await me(there, access_token), 401, 'UNAUTHORIZED');
          expectRefused(await refresh(there, refresh_token));
        }
        const { refresh_token } = await login(one, email);
        const answers = await Promise.all(
          times(10, () => refresh(one, refresh_token).expect(200)).concat(
            times(10, () => refresh(other, refresh_token).expect(200)),
          ),
        );
        expect(new Set(answers.map(({ body }) => body.refresh_token as string)).size).toBe(1);
      } finally {
        await one.close();
        await other.close();
      }
    },
  );
});

describe('sessions that have expired', () => {
  let storage: Storage;
  beforeEach(async () => {
    storage = await createStorage();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await storage.remove();
  });

  const idsOf = async (server: TestApp) =>
    (await server.unitOfWork.read((manager) => manager.find(Session))).map(({ id }) => id).sort();
  /** So many of somebody who does not come back, and one that goes on. */
  async function leave(server: TestApp, count: number): Promise<{ ada: Actor; tokens: Tokens }> {
    const ada = await asUser(server);
    const sessions = server.app.get(SessionsService, { strict: false });
    for (let n = 0; n < count; n++) await sessions.startSession(ada.id, undefined);
    await server.unitOfWork.write((manager) =>
      manager.update(Session, { userId: ada.id }, { expiresAt: new Date(Date.now() - 1000) }),
    );
    const ben = await asUser(server);
    return { ada, tokens: await login(server, ben.email) };
  }

  it('are gone after the next boot, though nobody signs in; the others stay, and so does the audit log', async () => {
    jest.replaceProperty(SESSION_CLEANUP_DEFAULTS, 'batchSize', 3);
    const first = await createTestApp({ storage });
    const { ada, tokens } = await leave(first, 7);
    const kept = (
      await first.unitOfWork.read((manager) => manager.findBy(Session, { userId: Not(ada.id) }))
    ).map(({ id }) => id);
    const rows = await first.unitOfWork.read((manager) => manager.count(AuditLog));
    await first.close();
    const second = await createTestApp({ storage });
    try {
      await eventually(async () => expect(await idsOf(second)).toEqual(kept.sort()));
      await me(second, tokens.access_token).expect(200);
      expect(await second.unitOfWork.read((manager) => manager.count(AuditLog))).toBe(rows);
    } finally {
      await second.close();
    }
  });

  it('go again and again while servers run, however many at once', async () => {
    jest.replaceProperty(SESSION_CLEANUP_DEFAULTS, 'intervalMs', 20);
    jest.replaceProperty(SESSION_CLEANUP_DEFAULTS, 'batchSize', 2);
    const count = stack() === 'postgres+redis' ? 2 : 1;
    const servers = await Promise.all(times(count, () => createTestApp({ storage })));
    try {
      for (let round = 0; round < 2; round++) {
        const { ada } = await leave(servers[0]!, 9);
        await eventually(async () =>
          expect(
            await servers[0]!.unitOfWork.read((manager) => manager.countBy(Session, { userId: ada.id })),
          ).toBe(0),
        );
      }
      for (const { logs } of servers)
        expect(logs.filter(({ context }) => context === 'SessionCleanup')).toEqual([]);
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  });
});

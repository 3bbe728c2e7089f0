import type { Response } from 'supertest';
import { InvalidEnvironmentError } from '../src/config/errors.js';
import { User } from '../src/users/user.entity.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, randomEmail, signIn } from './support/actors.js';
import { appearanceOf } from './support/appearance.js';
import { auditLogs, rowsLeftBy } from './support/audit-trail.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectInvalid, expectProblem } from './support/expected.js';
import { createPostgres, createStorage, stack, type Storage } from './support/stack.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { claimsOf } from './support/tokens.js';

const POPCORN = '🍿';
const PEPPER = 'a pepper for the tests only';

const register = (server: TestApp, body: object) => server.request().post('/v1/auth/register').send(body);
const login = (server: TestApp, email: unknown, password: unknown = PASSWORD) =>
  server.request().post('/v1/auth/login').send({ email, password });

const times = <T>(count: number, act: () => T): T[] => Array.from({ length: count }, act);
const statusesOf = async (answers: PromiseLike<{ status: number }>[]) =>
  (await Promise.all(answers)).map(({ status }) => status).sort();

const storedUsers = (server: TestApp) => server.unitOfWork.read((manager) => manager.find(User));
const storedUser = (server: TestApp, email: string) =>
  server.unitOfWork.read((manager) => manager.findOneByOrFail(User, { email }));

const warningsOf = (server: TestApp) => server.logs.filter(({ level }) => level !== 'info');

describe('auth', () => {
  let server: TestApp;
  let admin: Actor;
  beforeAll(async () => {
    server = await createTestApp();
    admin = await asAdmin(server);
  });
  afterAll(() => server.close());

  describe('POST /v1/auth/register', () => {
    it('creates a user, who can sign in', async () => {
      const email = randomEmail();
      const response = await register(server, { email, password: PASSWORD }).expect(201);
      const user = {
        id: expect.any(Number),
        email,
        role: 'user',
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      };
      expect(response.body).toEqual({ status: 'ok', email, user });
      expect(response.headers['cache-control']).toBe('no-store');
      const token = await signIn(server, email);
      const me = await actingOn(server, { id: 0, email, token }).get('/v1/auth/me').expect(200);
      expect(me.body).toEqual(response.body.user);
    });

    it('keeps nothing of the password but a hash', async () => {
      const { email } = await asUser(server);
      const { passwordHash } = await storedUser(server, email);
      expect(passwordHash).toMatch(/^v0\$\$2b\$\d\d\$[./A-Za-z0-9]{53}$/);
    });

    it('leaves one row in the audit log, by the new user', async () => {
      const email = randomEmail();
      let id: number | undefined;
      const rows = await rowsLeftBy(admin, async () => {
        const { body } = await register(server, { email, password: PASSWORD }).set('x-request-id', 'joining');
        id = body.user.id;
      });
      expect(rows).toEqual([
        {
          id: expect.any(Number),
          occurred_at: expect.any(String),
          actor_id: id,
          actor_email: email,
          action: 'user.registered',
          resource_type: 'user',
          resource_id: id,
          changes: { email: { from: null, to: email }, role: { from: null, to: 'user' } },
          request_id: 'joining',
          address: '127.0.0.1',
        },
      ]);
    });

    describe('takes an e-mail address', () => {
      it.each([
        ['with spaces around it', ' \t trimmed@example.com \n', 'trimmed@example.com'],
        ['in capitals', 'CAPITALS@Example.COM', 'capitals@example.com'],
        ['with a tag', 'tag+watchlist@example.com', 'tag+watchlist@example.com'],
        ['with an apostrophe', "o'brien@example.com", "o'brien@example.com"],
        ['of a domain that is not ASCII', 'idn@Bücher.example', 'idn@xn--bcher-kva.example'],
        ['of that domain decomposed', 'nfd@Bu\u0308cher.example', 'nfd@xn--bcher-kva.example'],
        ['of a full-width domain', 'wide@ｅｘａｍｐｌｅ．com', 'wide@example.com'],
        [
          'of 254 characters',
          `long@${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.${'w'.repeat(62)}.com`,
          `long@${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.${'w'.repeat(62)}.com`,
        ],
      ])('%s', async (_what, given, canonical) => {
        const { body } = await register(server, { email: given, password: PASSWORD }).expect(201);
        expect(body).toMatchObject({ email: canonical, user: { email: canonical } });
        await login(server, given).expect(200);
        await login(server, canonical).expect(200);
      });
    });

    describe('refuses an e-mail address', () => {
      it.each([
        [
          'of 255 characters',
          `long@${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.${'w'.repeat(63)}.com`,
        ],
        ['whose domain is too long in ASCII', `a@${times(30, () => 'üöä').join('.')}.com`],
        ['with a quoted local part', '"ada"@example.com'],
        ['with a full-width look-alike', 'ａda@example.com'],
        ['with a Cyrillic look-alike', '\u0430da@example.com'],
        ['with a Kelvin sign', '\u212aay@example.com'],
        ['with a dotted capital I', '\u0130da@example.com'],
        ['with a zero-width space', 'a\u200bda@example.com'],
        ['with a NUL', 'ada\0@example.com'],
        ['with half a character', 'ada\ud83c@example.com'],
        ['with a line break and another header', 'ada@example.com\nbcc: bob@example.com'],
        ['with a path', 'ada@example.com/path'],
        ['with a port', 'ada@example.com:25'],
        ['that is percent-encoded', 'ada@ex%61mple.com'],
        ['with a name', 'Ada <ada@example.com>'],
        ['of a host', 'ada@localhost'],
        ['of an IP address', 'ada@127.0.0.1'],
        ['that has no @', 'ada'],
        ['that is empty', ''],
        ['that is blank', '   '],
        ['that is null', null],
        ['that is a number', 5],
        ['that is true', true],
        ['that is a list', ['ada@example.com']],
        ['that is an object', { address: 'ada@example.com' }],
        ['that is not there', undefined],
      ])('%s', async (_what, email) => {
        expectInvalid(await register(server, { email, password: PASSWORD }), 'email');
      });
    });

    describe('takes a password', () => {
      it.each([
        ['of eight characters', '70329461'],
        ['with a common one in it', 'password of paper'],
        ['of eight characters in 32 bytes', POPCORN.repeat(8)],
        ['of 256 characters in 1024 bytes', POPCORN.repeat(256)],
        ['of 256 characters that comes as 512', 'e\u0301'.repeat(256)],
        ['of spaces', ' '.repeat(8)],
        ['with spaces around it', `  ${PASSWORD}  `],
      ])('%s', async (_what, password) => {
        const email = randomEmail();
        await register(server, { email, password }).expect(201);
        await login(server, email, password).expect(200);
      });
    });

    describe('refuses a password', () => {
      it.each([
        ['of seven characters', '1234567'],
        ['that is among the most common', '12345678'],
        ['that is among them, in capitals', 'PassWord1'],
        ['of seven characters in 28 bytes', POPCORN.repeat(7)],
        ['of seven characters that comes as fourteen', 'e\u0301'.repeat(7)],
        ['of 257 characters', 'x'.repeat(257)],
        ['of 257 characters in 1028 bytes', POPCORN.repeat(257)],
        ['with half a character', `12345678${POPCORN[0]}`],
        ['with a NUL', '1234\u00005678'],
        ['that is null', null],
        ['that is a number', 12_345_678],
        ['that is a list', ['12345678']],
        ['that is an object', { length: 10 }],
        ['that is not there', undefined],
      ])('%s', async (_what, password) => {
        expectInvalid(await register(server, { email: randomEmail(), password }), 'password');
      });
    });

    it.each([
      ['their e-mail address', (email: string) => email],
      ['their e-mail address in capitals', (email: string) => ` ${email.toUpperCase()} `],
      ['what stands before the @', (email: string) => email.split('@')[0]!],
      ['what stands before it, in capitals', (email: string) => email.split('@')[0]!.toUpperCase()],
    ])('refuses for a password %s, and says why', async (_what, passwordOf) => {
      const email = randomEmail();
      const response = await register(server, { email: email.toUpperCase(), password: passwordOf(email) });
      expectInvalid(response, 'password');
      expect(response.body.errors[0].message).toContain('e-mail address');
      // Somebody else's is no easier to guess than any other.
      await register(server, { email: randomEmail(), password: passwordOf(email) }).expect(201);
    });

    it('refuses for a password their e-mail address as people write it', async () => {
      const [email, password] = ['idn-twin@Bücher.example', 'idn-twin@bücher.example'];
      expectInvalid(await register(server, { email, password }), 'password');
    });

    it('names a common password along with all that is wrong', async () => {
      const given = { email: 'ada', password: 'letmein1', role: 'admin' };
      expectInvalid(await register(server, given), 'email', 'password', 'role');
    });

    it.each([
      ['a role', { role: 'admin' }, ['role']],
      ['the role that it would get anyway', { role: 'user' }, ['role']],
      [
        'what else is stored',
        { id: 1, disabled: false, password_hash: 'x' },
        ['disabled', 'id', 'password_hash'],
      ],
      ['a misspelt field', { passwort: PASSWORD }, ['passwort']],
    ])('refuses %s', async (_what, more, fields) => {
      const response = await register(server, { email: randomEmail(), password: PASSWORD, ...more });
      expectInvalid(response, ...fields);
    });

    it('names everything that is wrong at once', async () => {
      expectInvalid(
        await register(server, { email: 'ada', password: 'short', role: 'admin' }),
        'email',
        'password',
        'role',
      );
      expectInvalid(await register(server, {}), 'email', 'password');
      expectInvalid(await register(server, { email: null, password: null }), 'email', 'password');
      expectInvalid(await server.request().post('/v1/auth/register'), 'email', 'password');
    });

    it('stores nothing of what it refuses, and leaves no row', async () => {
      const before = await storedUsers(server);
      const rows = await rowsLeftBy(admin, () =>
        register(server, { email: randomEmail(), password: PASSWORD, role: 'admin' }),
      );
      expect(rows).toEqual([]);
      expect(await storedUsers(server)).toHaveLength(before.length);
    });

    describe('of an address that is taken', () => {
      const email = 'taken@xn--bcher-kva.example';
      beforeAll(() => asUser(server, email));

      it.each([
        ['in the same spelling', email],
        ['in capitals', email.toUpperCase()],
        ['with spaces', `  ${email}  `],
        ['with its domain as people write it', 'taken@bücher.example'],
        ['with its domain decomposed', 'taken@bu\u0308cher.example'],
        ['with full-width letters', 'taken@ｂücher.example'],
      ])('is refused %s', async (_how, spelling) => {
        const password = 'another good password';
        const rows = await rowsLeftBy(admin, async () =>
          expectProblem(await register(server, { email: spelling, password }), 409, 'EMAIL_TAKEN'),
        );
        expect(rows).toEqual([]);
        await login(server, email, password).expect(401);
        await login(server, email).expect(200);
      });
    });

    it('gives an address to one of those who ask for it at the same time', async () => {
      const email = randomEmail();
      // As many as the server hashes for or lets wait; it sends more away with 503.
      const rows = await rowsLeftBy(admin, async () =>
        expect(await statusesOf(times(18, () => register(server, { email, password: PASSWORD })))).toEqual([
          201,
          ...times(17, () => 409),
        ]),
      );
      expect(rows.map(({ action }) => action)).toEqual(['user.registered']);
      await login(server, email).expect(200);
    });
  });

  describe('POST /v1/auth/login', () => {
    let ada: Actor;
    beforeAll(async () => {
      ada = await asUser(server);
    });

    it('gives an access token', async () => {
      const response = await login(server, ada.email).expect(200);
      expect(response.body).toEqual({
        status: 'ok',
        access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        token_type: 'bearer',
        expires_in: 3600,
        refresh_token: expect.stringMatching(/^[\w-]{22}\.0\.[\w-]{43}$/),
        refresh_expires_in: expect.any(Number),
      });
      expect(response.headers['cache-control']).toBe('no-store');
      const { access_token: token } = response.body;
      await actingOn(server, { ...ada, token })
        .get('/v1/auth/me')
        .expect(200);
    });

    it('gives another token each time; the one before stays good', async () => {
      const [first, second] = [await signIn(server, ada.email), await signIn(server, ada.email)];
      expect(second).not.toBe(first);
      await actingOn(server, { ...ada, token: first })
        .get('/v1/auth/me')
        .expect(200);
    });

    it.each([
      ['in capitals', (email: string) => email.toUpperCase()],
      ['with spaces', (email: string) => `  ${email}  `],
      ['with a full-width domain', (email: string) => email.replace('@e', '@ｅ')],
    ])('knows an address %s', (_how, spell) => login(server, spell(ada.email)).expect(200));

    describe('compares passwords', () => {
      const password = [...POPCORN.repeat(64)];
      const email = randomEmail('popcorn');
      beforeAll(() => register(server, { email, password: password.join('') }).expect(201));

      it.each([0, 17, 18, 19, 31, 63])(
        'to the last character: a change of no. %i of 64 tells',
        async (index) => {
          await login(server, email, password.with(index, '🎬').join('')).expect(401);
        },
      );

      it('whole: neither a beginning nor more will do', async () => {
        await login(server, email, password.slice(0, 63).join('')).expect(401);
        await login(server, email, [...password, 'x'].join('')).expect(401);
        await login(server, email, password.join('')).expect(200);
      });

      it('as they are: spaces and case count', async () => {
        await login(server, ada.email, ` ${PASSWORD}`).expect(401);
        await login(server, ada.email, `${PASSWORD} `).expect(401);
        await login(server, ada.email, PASSWORD.toUpperCase()).expect(401);
      });

      it.each([
        ['NFC', 'NFD'],
        ['NFD', 'NFC'],
      ])('by their characters: what was set in %s may come in %s', async (set, sent) => {
        const email = randomEmail();
        const text = 'Amélie à Brüssel';
        await register(server, { email, password: text.normalize(set) }).expect(201);
        await login(server, email, text.normalize(sent)).expect(200);
        await login(server, email, 'Amelie a Brussel').expect(401);
      });
    });

    it('answers alike whatever is wrong: password, address or standing', async () => {
      const disabled = await asUser(server);
      await admin.patch(`/v1/admin/users/${disabled.id}`, { disabled: true }).expect(200);
      const wrongPasswordError = await login(server, ada.email, `${PASSWORD}!`);
      expectProblem(wrongPasswordError, 401, 'INVALID_CREDENTIALS');
      expect(wrongPasswordError.headers['www-authenticate']).toBe('Bearer realm="watchlist"');
      for (const response of [
        await login(server, randomEmail()),
        await login(server, 'no address'),
        await login(server, ' '),
        await login(server, '"ada"@example.com'),
        await login(server, disabled.email),
        await login(server, disabled.email, `${PASSWORD}!`),
      ]) {
        expect(appearanceOf(response)).toEqual(appearanceOf(wrongPasswordError));
      }
    });

    it('does not repeat the rules of registration: a password too short to be one is merely wrong', async () => {
      expectProblem(await login(server, ada.email, 'x'), 401, 'INVALID_CREDENTIALS');
    });

    it.each<[string, object, string[]]>([
      ['an empty password', { email: 'ada@example.com', password: '' }, ['password']],
      ['a password of 257 characters', { email: 'ada@example.com', password: 'x'.repeat(257) }, ['password']],
      [
        'a password of 257 wide characters',
        { email: 'ada@example.com', password: POPCORN.repeat(257) },
        ['password'],
      ],
      [
        'a password with half a character',
        { email: 'ada@example.com', password: `1234567${POPCORN[0]}` },
        ['password'],
      ],
      ['a password with a NUL', { email: 'ada@example.com', password: '1234\u00005678' }, ['password']],
      ['a password that is a number', { email: 'ada@example.com', password: 12_345_678 }, ['password']],
      ['a password that is null', { email: 'ada@example.com', password: null }, ['password']],
      ['no password', { email: 'ada@example.com' }, ['password']],
      ['an empty address', { email: '', password: PASSWORD }, ['email']],
      ['an address with a NUL', { email: 'ada\0@example.com', password: PASSWORD }, ['email']],
      ['an address that is an object', { email: { $ne: null }, password: PASSWORD }, ['email']],
      ['an address that is a list', { email: ['ada@example.com'], password: PASSWORD }, ['email']],
      ['an address that is null', { email: null, password: PASSWORD }, ['email']],
      ['no address', { password: PASSWORD }, ['email']],
      ['nothing', {}, ['email', 'password']],
      [
        'more than it asks for',
        { email: 'ada@example.com', password: PASSWORD, remember: true },
        ['remember'],
      ],
      [
        'another name of the field',
        { username: 'ada@example.com', password: PASSWORD },
        ['email', 'username'],
      ],
    ])('refuses %s', async (_what, body, fields) => {
      expectInvalid(await server.request().post('/v1/auth/login').send(body), ...fields);
    });

    it('takes a password of 256 characters that comes as 512 for what it is', async () => {
      expectProblem(await login(server, ada.email, 'e\u0301'.repeat(256)), 401, 'INVALID_CREDENTIALS');
    });

    describe('leaves one row in the audit log', () => {
      const row = (action: string, more: object) => ({
        id: expect.any(Number),
        occurred_at: expect.any(String),
        action,
        resource_type: 'user',
        changes: {},
        request_id: 'signing-in',
        address: '127.0.0.1',
        ...more,
      });
      const rowsOfLogin = (email: string, password?: string) =>
        rowsLeftBy(admin, () => login(server, email, password).set('x-request-id', 'signing-in'));

      it('when it succeeds', async () => {
        expect(await rowsOfLogin(ada.email)).toEqual([
          row('auth.login_succeeded', { actor_id: ada.id, actor_email: ada.email, resource_id: ada.id }),
        ]);
      });

      it('when the password is wrong: by nobody, naming whom they tried to be', async () => {
        expect(await rowsOfLogin(` ${ada.email.toUpperCase()}`, 'wrong')).toEqual([
          row('auth.login_failed', { actor_id: null, actor_email: ada.email, resource_id: ada.id }),
        ]);
      });

      it('when the user is disabled', async () => {
        const { id, email } = await asUser(server);
        await admin.patch(`/v1/admin/users/${id}`, { disabled: true }).expect(200);
        expect(await rowsOfLogin(email)).toEqual([
          row('auth.login_failed', { actor_id: null, actor_email: email, resource_id: id }),
        ]);
      });

      it('when nobody has that address', async () => {
        const email = randomEmail();
        expect(await rowsOfLogin(email.toUpperCase())).toEqual([
          row('auth.login_failed', { actor_id: null, actor_email: email, resource_id: null }),
        ]);
      });

      it('when it is no address at all, which is not written down', async () => {
        expect(await rowsOfLogin(`${PASSWORD}, by mistake`)).toEqual([
          row('auth.login_failed', { actor_id: null, actor_email: null, resource_id: null }),
        ]);
      });
    });

    it('leaves no row when it was not even tried', async () => {
      expect(await rowsLeftBy(admin, () => login(server, ada.email, ''))).toEqual([]);
    });
  });

  describe('GET /v1/auth/me', () => {
    it('says who is asking, and nothing else', async () => {
      const ada = await asUser(server);
      const { body } = await ada.get('/v1/auth/me').expect(200);
      expect(body).toEqual({
        id: ada.id,
        email: ada.email,
        role: 'user',
        created_at: (await storedUser(server, ada.email)).createdAt.toISOString(),
      });
    });

    it('shows an admin as such', async () => {
      expect((await admin.get('/v1/auth/me').expect(200)).body).toMatchObject({ role: 'admin' });
    });
  });

  describe('WWW-Authenticate', () => {
    const NO_CREDENTIALS = 'Bearer realm="watchlist"';
    const invalidToken = `${NO_CREDENTIALS}, error="invalid_token", error_description="The access token is not valid"`;
    const insufficientScope = `${NO_CREDENTIALS}, error="insufficient_scope", error_description="Only admins can do this"`;

    let ada: Actor;
    beforeAll(async () => {
      ada = await asUser(server);
    });

    it.each<[string, string, (ada: Actor) => string | undefined, number, string]>([
      ['no code for who brings nothing', '/v1/auth/me', () => undefined, 401, NO_CREDENTIALS],
      [
        'no code for who brings nothing, where only admins may',
        '/v1/admin/stats',
        () => undefined,
        401,
        NO_CREDENTIALS,
      ],
      [
        'no code for who brings a password',
        '/v1/auth/me',
        () => 'Basic YWRhOnNlY3JldA==',
        401,
        NO_CREDENTIALS,
      ],
      ['invalid_token for who brings nonsense', '/v1/auth/me', () => 'Bearer nonsense', 401, invalidToken],
      [
        'invalid_token before anything about roles',
        '/v1/admin/stats',
        () => 'Bearer nonsense',
        401,
        invalidToken,
      ],
      [
        'insufficient_scope for a user where only admins may',
        '/v1/admin/stats',
        ({ token }) => `Bearer ${token}`,
        403,
        insufficientScope,
      ],
    ])('has %s', async (_what, path, authorization, status, challenge) => {
      const request = server.request().get(path);
      const credentials = authorization(ada);
      if (credentials !== undefined) request.set('authorization', credentials);
      const response = await request;
      expectProblem(response, status, status === 401 ? 'UNAUTHORIZED' : 'FORBIDDEN');
      expect(response.headers['www-authenticate']).toBe(challenge);
    });

    it('is readable for scripts of the origins that may call', async () => {
      const response = await server.request().get('/v1/auth/me').set('origin', 'http://localhost:3000');
      expect(response.headers['access-control-allow-origin']).toBe('http://localhost:3000');
      expect(response.headers['access-control-expose-headers']).toContain('WWW-Authenticate');
    });

    it('is not on other answers', async () => {
      const answers = [
        await ada.get('/v1/auth/me').expect(200),
        await ada.get('/v1/nowhere').expect(404),
        await login(server, ada.email).expect(200),
        await login(server, ada.email, '').expect(422),
      ];
      for (const { headers } of answers) expect(headers).not.toHaveProperty('www-authenticate');
    });
  });

  it('says nothing secret or personal in the log', async () => {
    const secret = 'a password that must not be logged';
    const email = randomEmail('private');
    await register(server, { email, password: secret }).expect(201);
    await register(server, { email, password: secret }).expect(409);
    const token = await signIn(server, email, secret);
    await login(server, email, `${secret}!`).expect(401);
    await actingOn(server, { id: 0, email, token }).get('/v1/auth/me').expect(200);
    const { passwordHash } = await storedUser(server, email);
    // The audit's lines follow the answers.
    const { total } = await auditLogs(admin, { action: 'auth.login_failed' });
    await eventually(() =>
      expect(server.logs.filter(({ action }) => action === 'auth.login_failed')).toHaveLength(total),
    );
    const log = JSON.stringify(server.logs);
    for (const word of [secret, email, token, passwordHash]) expect(log).not.toContain(word);
  });
});

/** Each test has a storage, and starts servers on it one after the other, as an operator who changes the environment. */
describe('auth across restarts', () => {
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

  const refusalToBoot = (env: Record<string, string>): Promise<unknown> =>
    boot(env, async () => undefined).then(
      () => 'it boots',
      (error: unknown) => error,
    );

  describe('JWT_EXPIRE_MINUTES', () => {
    it('is how long a token is good', async () => {
      await boot({ JWT_EXPIRE_MINUTES: '5' }, async (server) => {
        const { email } = await asUser(server);
        const { body } = await login(server, email).expect(200);
        const { iat, exp } = claimsOf(body.access_token) as { iat: number; exp: number };
        expect([body.expires_in, exp - iat]).toEqual([300, 300]);
      });
    });
  });

  describe('JWT_SECRET', () => {
    it('when changed, ends all tokens', async () => {
      const ada = await boot({}, (server) => asUser(server));
      await boot({ JWT_SECRET: 'dHdvLWhvdXNlaG9sZHMtYm90aC1hbGlrZS1pbi1kaWduaXR5' }, async (server) => {
        expectProblem(await actingOn(server, ada).get('/v1/auth/me'), 401, 'UNAUTHORIZED');
        await login(server, ada.email).expect(200);
      });
      await boot({}, (server) => actingOn(server, ada).get('/v1/auth/me').expect(200));
    });
  });

  describe('PASSWORD_PEPPER', () => {
    const email = randomEmail();
    const hashOf = async (server: TestApp) => (await storedUser(server, email)).passwordHash;

    it('set later, is used from the next login on, and then needed', async () => {
      await boot({}, (server) => asUser(server, email));

      const peppered = await boot({ PASSWORD_PEPPER: PEPPER }, async (server) => {
        const before = await hashOf(server);
        await login(server, email, 'wrong password').expect(401);
        expect(await hashOf(server)).toBe(before);
        await login(server, email).expect(200);
        const after = await hashOf(server);
        expect([before, after]).toEqual([expect.stringMatching(/^v0\$/), expect.stringMatching(/^v1\$/)]);
        await login(server, email).expect(200);
        expect(await hashOf(server)).toBe(after);
        await login(server, email, 'wrong password').expect(401);
        return after;
      });

      const refusal = await refusalToBoot({});
      expect(refusal).toBeInstanceOf(InvalidEnvironmentError);
      expect((refusal as Error).message).toContain('PASSWORD_PEPPER');
      expect((refusal as Error).message).not.toContain(PEPPER);

      await boot({ PASSWORD_PEPPER: `another ${PEPPER}` }, (server) => login(server, email).expect(401));
      await boot({ PASSWORD_PEPPER: PEPPER }, async (server) => {
        expect(await hashOf(server)).toBe(peppered);
        await login(server, email).expect(200);
      });
    });

    it('is used for new users at once', async () => {
      await boot({ PASSWORD_PEPPER: PEPPER }, async (server) => {
        await asUser(server, email);
        expect(await hashOf(server)).toMatch(/^v1\$/);
      });
    });
  });

  describe('BCRYPT_COST', () => {
    it('decides how many are in time: the others are sent away with 503, and nobody fails', async () => {
      await boot({ BCRYPT_COST: '10' }, async (server) => {
        const { email } = await asUser(server);
        const responses = await Promise.all(times(60, () => login(server, email)));
        const shed = responses.filter(({ status }) => status !== 200);
        expect(responses.length - shed.length).toBeGreaterThanOrEqual(18);
        expect(shed.length).toBeGreaterThan(0);
        for (const response of shed) {
          expectProblem(response, 503, 'OVERLOADED');
          expect(response.headers['retry-after']).toBe('1');
        }
        await login(server, email).expect(200);
      });
    });

    it('changed, is the cost of a hash from the next login on', async () => {
      const email = randomEmail();
      const costOf = async (server: TestApp) =>
        /^v0\$\$2b\$(\d\d)\$/.exec((await storedUser(server, email)).passwordHash)?.[1];
      await boot({}, (server) => asUser(server, email));
      for (const cost of ['11', '10']) {
        await boot({ BCRYPT_COST: cost }, async (server) => {
          expect(await costOf(server)).not.toBe(cost);
          await login(server, email, 'wrong password').expect(401);
          expect(await costOf(server)).not.toBe(cost);
          // Who signs in twice at once gets in twice.
          expect(await statusesOf(times(4, () => login(server, email)))).toEqual([200, 200, 200, 200]);
          expect(await costOf(server)).toBe(cost);
          await login(server, email).expect(200);
          await login(server, email, 'wrong password').expect(401);
        });
      }
    });
  });

  describe('the first admin', () => {
    const FIRST_ADMIN = {
      ADMIN_EMAIL: ' Root@Example.COM ',
      ADMIN_PASSWORD: 'a password for the first admin',
    };
    const email = 'root@example.com';
    const asRoot = async (server: TestApp, password = FIRST_ADMIN.ADMIN_PASSWORD) =>
      actingOn(server, { id: 0, email, token: await signIn(server, email, password) });

    it('is created from ADMIN_EMAIL and ADMIN_PASSWORD, with a row by itself in the audit log', async () => {
      await boot(FIRST_ADMIN, async (server) => {
        const root = await asRoot(server);
        await root.get('/v1/admin/stats').expect(200);
        const { id } = await storedUser(server, email);
        const { audit_logs: rows } = await auditLogs(root, { action: 'user.registered' });
        expect(rows).toEqual([
          {
            id: expect.any(Number),
            occurred_at: expect.any(String),
            actor_id: id,
            actor_email: email,
            action: 'user.registered',
            resource_type: 'user',
            resource_id: id,
            changes: { email: { from: null, to: email }, role: { from: null, to: 'admin' } },
            request_id: null,
            address: null,
          },
        ]);
        expect(warningsOf(server)).toEqual([]);
        for (const value of [email, FIRST_ADMIN.ADMIN_PASSWORD])
          expect(JSON.stringify(server.logs)).not.toContain(value);
      });
    });

    it('stays as it is at every further boot, whatever the password is then', async () => {
      const first = await boot(FIRST_ADMIN, (server) => storedUser(server, email));
      await boot({ ...FIRST_ADMIN, ADMIN_PASSWORD: 'a password of later' }, async (server) => {
        expect(await storedUsers(server)).toEqual([first]);
        expect(warningsOf(server)).toEqual([]);
        await login(server, email, 'a password of later').expect(401);
        await (await asRoot(server)).get('/v1/admin/stats').expect(200);
      });
    });

    it('does not keep the server from starting once it is there, with a password that would be refused now', async () => {
      await boot(FIRST_ADMIN, (server) => storedUser(server, email));
      await boot({ ...FIRST_ADMIN, ADMIN_PASSWORD: 'iloveyou' }, async (server) => {
        await (await asRoot(server)).get('/v1/admin/stats').expect(200);
      });
    });

    it('is not made of a user who is there already: nothing changes, and one warning says so', async () => {
      await boot({}, (server) => asUser(server, email));
      await boot(FIRST_ADMIN, async (server) => {
        const root = await asRoot(server, PASSWORD);
        await root.get('/v1/admin/stats').expect(403);
        expect(await storedUsers(server)).toHaveLength(1);
        expect(warningsOf(server)).toEqual([
          expect.objectContaining({ msg: expect.stringContaining('ADMIN_EMAIL') }),
        ]);
        expect(JSON.stringify(warningsOf(server))).not.toContain(email);
      });
    });

    it('is not created when the variables are empty', async () => {
      await boot({ ADMIN_EMAIL: '', ADMIN_PASSWORD: '' }, async (server) =>
        expect(await storedUsers(server)).toEqual([]),
      );
    });

    it.each([
      ['ADMIN_PASSWORD', 'of seven characters', { ...FIRST_ADMIN, ADMIN_PASSWORD: 'seven77' }],
      ['ADMIN_PASSWORD', 'of 257 characters', { ...FIRST_ADMIN, ADMIN_PASSWORD: 'x'.repeat(257) }],
      ['ADMIN_PASSWORD', 'that everybody has', { ...FIRST_ADMIN, ADMIN_PASSWORD: 'iloveyou' }],
      ['ADMIN_PASSWORD', 'that is the address', { ...FIRST_ADMIN, ADMIN_PASSWORD: 'ROOT@example.com' }],
      ['ADMIN_EMAIL', 'that is none', { ...FIRST_ADMIN, ADMIN_EMAIL: 'root at example' }],
      ['ADMIN_EMAIL', 'with a look-alike', { ...FIRST_ADMIN, ADMIN_EMAIL: 'r\u043eot@example.com' }],
      ['ADMIN_EMAIL', 'without ADMIN_PASSWORD', { ADMIN_EMAIL: 'root@example.com' }],
      ['ADMIN_PASSWORD', 'without ADMIN_EMAIL', { ADMIN_PASSWORD: 'a password for nobody' }],
    ])('stops the boot with %s %s, naming the variable and not its value', async (variable, _what, env) => {
      const refusal = await refusalToBoot(env);
      expect(refusal).toBeInstanceOf(InvalidEnvironmentError);
      const { message } = refusal as Error;
      expect(message).toContain(variable);
      for (const value of Object.values(env)) expect(message).not.toContain(value);
      await boot({}, async (server) => expect(await storedUsers(server)).toEqual([]));
    });
  });
});

if (stack() === 'postgres+redis') {
  describe('auth with two servers on one database', () => {
    let storage: Storage;
    let servers: TestApp[] = [];
    beforeEach(async () => {
      storage = await createStorage();
    });
    afterEach(async () => {
      await Promise.all(servers.splice(0).map((server) => server.close()));
      await storage.remove();
    });

    async function bootTogether(env: Record<string, string> = {}): Promise<TestApp[]> {
      servers = await Promise.all(times(2, () => createTestApp({ storage, env })));
      return servers;
    }

    it('that boot together creates one first admin, who can sign in on both', async () => {
      const password = 'a password for the first admin';
      const [here, there] = await bootTogether({ ADMIN_EMAIL: 'root@example.com', ADMIN_PASSWORD: password });
      expect(await storedUsers(here!)).toEqual([expect.objectContaining({ role: 'admin' })]);
      for (const server of [here!, there!]) {
        const token = await signIn(server, 'root@example.com', password);
        const root = actingOn(server, { id: 0, email: 'root@example.com', token });
        expect((await auditLogs(root, { action: 'user.registered' })).total).toBe(1);
        expect(warningsOf(server)).toEqual([]);
      }
    });

    it('gives an address to one of twenty who ask for it at the same time', async () => {
      const email = randomEmail();
      const booted = await bootTogether();
      const answers = booted.flatMap((server) =>
        times(10, () => register(server, { email, password: PASSWORD })),
      );
      expect(await statusesOf(answers)).toEqual([201, ...times(19, () => 409)]);
      expect(await storedUsers(booted[0]!)).toHaveLength(1);
    });

    it('takes a token of one on the other', async () => {
      const [here, there] = await bootTogether();
      const ada = await asUser(here!);
      await actingOn(there!, ada).get('/v1/auth/me').expect(200);
    });
  });

  describe('auth while the database is away', () => {
    let storage: Storage;
    let database: TcpProxy;
    let server: TestApp;
    let ada: Actor;
    beforeAll(async () => {
      storage = await createPostgres();
      database = await TcpProxy.to(storage.env['DATABASE_URL']!);
      server = await createTestApp({ storage, env: { DATABASE_URL: database.url } });
      ada = await asUser(server);
      await database.cut();
    });
    afterAll(async () => {
      await server.close();
      await database.cut();
      await storage.remove();
    });

    it.each<[string, () => PromiseLike<Response>]>([
      ['who has a good token', () => ada.get('/v1/auth/me')],
      ['who has a good token and may not', () => ada.get('/v1/admin/stats')],
      [
        'who has a good token and writes',
        () => ada.post('/v1/watchlists/items', { title: 'Parasite', type: 'movie' }),
      ],
      ['who registers', () => register(server, { email: randomEmail(), password: PASSWORD })],
      ['who signs in', () => login(server, ada.email)],
      ['who signs in with a wrong password', () => login(server, ada.email, 'wrong password')],
    ])('says so to somebody %s', async (_who, act) => {
      const response = await act();
      expectProblem(response, 503, 'DEPENDENCY_DOWN');
      expect(response.headers['retry-after']).toBe('1');
      expect(response.headers).not.toHaveProperty('www-authenticate');
    });

    it('still refuses a token that is none, for which it need not look', async () => {
      const bad = actingOn(server, { ...ada, token: `${ada.token}x` });
      expectProblem(await bad.get('/v1/auth/me'), 401, 'UNAUTHORIZED');
    });

    it('goes on by itself when the database is back, with the tokens of before', async () => {
      await database.restore();
      await eventually(() => ada.get('/v1/auth/me').expect(200));
      await login(server, ada.email).expect(200);
    });
  });
}

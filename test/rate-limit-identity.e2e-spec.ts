import { parseEnv } from '../src/config/env.js';
import { InvalidEnvironmentError } from '../src/config/errors.js';
import { asAdmin, asUser } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { type Answer, inParallel, limitOf, remainingOf, withServer } from './support/rate-limits.js';
import { bytesOf, rawRequest, type RawRequest, sendRaw } from './support/raw-http.js';

const WINDOW = 3600;
const LIMIT = 1000;
const LOGIN = '/v1/auth/login';
/** Counted as a login, and refused before a password is hashed. */
const HALF_A_LOGIN: RawRequest = {
  method: 'POST',
  path: LOGIN,
  headers: { 'content-type': 'application/json' },
  body: '{}',
};

describe('The address policy', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await createTestApp({ env: { RATE_LIMIT_ADDRESS: `${LIMIT}/${WINDOW}` } });
  });
  afterAll(() => server.close());

  /** What health says, which is not counted itself. */
  const remaining = async () => remainingOf(await rawRequest(server.url, { path: '/health' }));

  it.each<[string, Buffer]>([
    ['an unknown path', bytesOf({ path: '/nothing' })],
    ['an unknown path under /v1', bytesOf({ path: '/v1/nothing' })],
    ['a wrong method', bytesOf({ method: 'PUT', path: '/v1/auth/me' })],
    ['an unknown method', bytesOf({ method: 'FOO', path: '/v1/auth/me' })],
    ['CONNECT', bytesOf({ method: 'CONNECT', path: 'example.com:443' })],
    ['OPTIONS for all', bytesOf({ method: 'OPTIONS', path: '*' })],
    ['a target that is no path', bytesOf({ path: '*v1/auth/me' })],
    ['a call without a token', bytesOf({ path: '/v1/auth/me' })],
    ['a call with a bad token', bytesOf({ path: '/v1/auth/me', headers: { authorization: 'Bearer x.y.z' } })],
    ['a body that is not JSON', bytesOf({ ...HALF_A_LOGIN, body: '{' })],
    ['a body that is too large', bytesOf({ ...HALF_A_LOGIN, body: '{}'.padEnd(20_000) })],
    ['a form', bytesOf({ method: 'POST', path: LOGIN, body: 'a=b' })],
    ['a path that cannot be decoded', bytesOf({ path: '/v1/%zz' })],
    ['a query that cannot be decoded', bytesOf({ path: '/v1/auth/me?%zz' })],
    ['a URL that is too long', bytesOf({ path: '/openapi.json?'.padEnd(9000, 'x') })],
    ['a URL that is far too long', bytesOf({ path: '/openapi.json?'.padEnd(20_000, 'x') })],
    ['headers that are too large', bytesOf({ path: '/docs', headers: { 'x-a': 'x'.repeat(20_000) } })],
    ['no Host', Buffer.from('GET /docs HTTP/1.1\r\n\r\n')],
    ['what is no HTTP', Buffer.from('rubbish\r\n\r\n')],
    [
      'a preflight',
      bytesOf({
        method: 'OPTIONS',
        path: LOGIN,
        headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' },
      }),
    ],
    ['the documentation', bytesOf({ path: '/docs' })],
    ['a file of the documentation', bytesOf({ path: '/docs/swagger-ui.css' })],
    ['the document', bytesOf({ path: '/openapi.json' })],
    ['the icon', bytesOf({ path: '/favicon.ico' })],
    ['what another policy counts too', bytesOf(HALF_A_LOGIN)],
    ['HEAD', bytesOf({ method: 'HEAD', path: '/docs' })],
    ['detailed health, which asks the database', bytesOf({ path: '/v1/health/detailed' })],
    ['something that begins like health', bytesOf({ path: '/healthy' })],
  ])('counts %s', async (_what, bytes) => {
    const before = await remaining();
    await sendRaw(server.url, bytes);
    expect(await remaining()).toBe(before - 1);
  });

  it.each<[string, RawRequest]>([
    ['/health', { path: '/health' }],
    ['/health with a slash', { path: '/health/' }],
    ['/health with a query', { path: '/health?now=1' }],
    ['/health in another spelling', { path: '/%68ealth' }],
    ['/health/live', { path: '/health/live' }],
    ['/health/ready', { path: '/health/ready' }],
    ['HEAD of /health', { method: 'HEAD', path: '/health' }],
  ])('does not count %s', async (_what, request) => {
    const before = await remaining();
    const { status } = await rawRequest(server.url, request);
    expect(status).toBe(200);
    expect(await remaining()).toBe(before);
  });

  it('counts users of one address together', () =>
    withServer({ RATE_LIMIT_ADDRESS: `30/${WINDOW}` }, async (other) => {
      // Two calls each, to register and to sign in.
      const [ada, ben] = [await asUser(other), await asUser(other)];
      const answers = await inParallel(60, (index) => (index % 2 ? ada : ben).get('/v1/auth/me'));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(26);
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(34);
    }));

  it('leaves health alone when everything else is refused', () =>
    withServer({ RATE_LIMIT_ADDRESS: `1/${WINDOW}` }, async (other) => {
      await other.request().get('/v1/auth/me').expect(401);
      await other.request().get('/v1/auth/me').expect(429);
      const { body, headers } = await other.request().get('/health').expect(200);
      expect(body).toEqual({ status: 'ok' });
      expect(limitOf({ headers: headers as Record<string, string> })).toMatchObject({
        policy: 'address',
        remaining: 0,
      });
    }));
});

describe('Who asks', () => {
  const env = { RATE_LIMIT_LOGIN: `${LIMIT}/${WINDOW}`, RATE_LIMIT_ADDRESS: `${LIMIT}/${WINDOW}` };

  /** They are one client: each of their calls leaves one call less than the one before. */
  function expectOneClient(answers: readonly Answer[]): void {
    const first = remainingOf(answers[0]!);
    expect(answers.map(remainingOf)).toEqual(answers.map((_, index) => first - index));
  }

  const STATED = ['203.0.113.7', '198.51.100.1', '::1', '2001:db8::1', '127.0.0.1', 'unknown', ''];
  const STATEMENTS = [
    ...['X-Forwarded-For', 'X-Real-IP', 'X-Client-IP', 'True-Client-IP', 'CF-Connecting-IP'],
    ...['X-Cluster-Client-IP', 'X-Originating-IP', 'X-Remote-Addr', 'Client-IP', 'Via', 'From'],
  ].flatMap((name) => STATED.map((address) => ({ [name]: address })));

  describe('is, behind no proxy that is trusted,', () => {
    let server: TestApp;
    beforeAll(async () => {
      server = await createTestApp({ env });
    });
    afterAll(() => server.close());

    it.each<[string, Record<string, string>[]]>([
      ['headers of one name', STATEMENTS],
      ['Forwarded', STATED.map((address) => ({ Forwarded: `for="${address}";proto=https` }))],
      ['lists', STATED.map((address) => ({ 'X-Forwarded-For': `${address}, 10.0.0.1, 203.0.113.9` }))],
      ['Host', ['a.example', 'b.example'].map((host) => ({ host }))],
      [
        'tokens that are not valid',
        ['x.y.z', 'a.b.c'].map((token) => ({ authorization: `Bearer ${token}` })),
      ],
      ['request ids and agents', ['a', 'b'].map((id) => ({ 'x-request-id': id, 'user-agent': id }))],
    ])('the same whatever they state in %s', async (_what, statements) => {
      for (const request of [HALF_A_LOGIN, { path: '/v1/auth/me' }]) {
        const answers = [];
        for (const headers of statements) {
          answers.push(
            await rawRequest(server.url, { ...request, headers: { ...request.headers, ...headers } }),
          );
        }
        expectOneClient(answers);
      }
    });

    it('the same however they spell the path, and whatever they add to it', async () => {
      const answers = [];
      for (const path of [
        LOGIN,
        `${LOGIN}/`,
        `${LOGIN}?`,
        `${LOGIN}?client=2`,
        `${LOGIN}/?client=3`,
        '/v1/auth/%6cogin',
        '/%761/auth/login',
        `http://elsewhere.example${LOGIN}`,
      ]) {
        const answer = await rawRequest(server.url, { ...HALF_A_LOGIN, path });
        expect(limitOf(answer).policy).toBe('login');
        answers.push(answer);
      }
      expectOneClient(answers);
    });

    it('the same on paths that are there in one spelling only', async () => {
      const answers = [];
      for (const path of [
        '/V1/AUTH/LOGIN',
        '/v1/auth/Login',
        '/v1//auth/login',
        '/v1/auth/login%2f',
        '/v1%2fauth/login',
      ]) {
        const answer = await rawRequest(server.url, { ...HALF_A_LOGIN, path });
        expect(answer.status).toBe(404);
        answers.push(answer);
      }
      expectOneClient(answers);
    });

    it('the same user on a path with %2d for its hyphen', async () => {
      const admin = await asAdmin(server);
      const answers = [];
      for (const path of ['audit-logs', 'audit%2dlogs', 'audit%2Dlogs/', '%61udit-logs?limit=1']) {
        const answer = await admin.get(`/v1/admin/${path}`);
        expect(answer.status).toBe(200);
        answers.push(answer);
      }
      expectOneClient(answers);
    });
  });

  it.each([
    ['of a proxy that is not listed', '10.0.0.0/8, 192.0.2.1'],
    ['of a proxy that has the other kind of address', '::1, fe80::/10'],
  ])('is the same whatever is stated by way %s', (_what, proxies) =>
    withServer({ ...env, TRUST_PROXY: proxies }, async (server) => {
      const answers = [];
      for (const address of STATED) {
        const headers = { ...HALF_A_LOGIN.headers, 'X-Forwarded-For': address };
        answers.push(await rawRequest(server.url, { ...HALF_A_LOGIN, headers }));
      }
      expectOneClient(answers);
    }),
  );

  it('is worth a warning in production, once, when it comes by way of a proxy that is not listed', () =>
    withServer({ ...env, NODE_ENV: 'production', TRUST_PROXY: '10.0.0.0/8' }, async (server) => {
      const warnings = () => server.logs.filter(({ msg }) => String(msg).includes('TRUST_PROXY'));
      await rawRequest(server.url, { path: '/health' });
      expect(warnings()).toEqual([]);
      for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Forwarded-For']) {
        await rawRequest(server.url, { path: '/health', headers: { [name]: 'for=203.0.113.7' } });
      }
      expect(warnings()).toEqual([expect.objectContaining({ level: 'warn' })]);
      expect(warnings()[0]!['msg']).toContain('127.0.0.1');
    }));

  it('is nobody to warn of in production when the proxy is listed', () =>
    withServer({ ...env, NODE_ENV: 'production', TRUST_PROXY: 'loopback' }, async (server) => {
      await rawRequest(server.url, { path: '/health', headers: { 'X-Forwarded-For': '203.0.113.7' } });
      expect(server.logs.filter(({ msg }) => String(msg).includes('TRUST_PROXY'))).toEqual([]);
    }));

  describe('is, behind a proxy that is trusted,', () => {
    let server: TestApp;
    beforeAll(async () => {
      server = await createTestApp({ env: { ...env, TRUST_PROXY: 'loopback, 10.0.0.0/8' } });
    });
    afterAll(() => server.close());

    /** Half a login, which the proxy says comes from there. */
    const from = (address: string) =>
      rawRequest(server.url, {
        ...HALF_A_LOGIN,
        headers: { ...HALF_A_LOGIN.headers, 'X-Forwarded-For': address },
      });

    it('whom the proxy names', async () => {
      const answers = [await from('203.0.113.1'), await from('203.0.113.1')];
      expect(answers.map(remainingOf)).toEqual([LIMIT - 1, LIMIT - 2]);
      expect(remainingOf(await from('203.0.113.2'))).toBe(LIMIT - 1);
    });

    it('for the address policy too', async () => {
      const ask = (address: string) =>
        rawRequest(server.url, { path: '/nothing', headers: { 'X-Forwarded-For': address } });
      const answers = [await ask('203.0.113.3'), await ask('203.0.113.3'), await ask('203.0.113.4')];
      expect(answers.map(remainingOf)).toEqual([LIMIT - 1, LIMIT - 2, LIMIT - 1]);
    });

    it('the last whom a trusted proxy has not vouched for: what stands before is hearsay', async () => {
      const answers = [];
      for (const [index, hearsay] of STATED.entries()) {
        answers.push(await from(`${hearsay}, 198.51.100.${index}, 203.0.113.5`));
        answers.push(await from(`${hearsay},203.0.113.5,10.1.2.3`));
        answers.push(await from(`203.0.113.5 , 10.9.9.${index}, 127.0.0.1`));
      }
      expectOneClient(answers);
    });

    it('the proxy itself when it names nobody', async () => {
      const answers = [await rawRequest(server.url, HALF_A_LOGIN), await from(''), await from('127.0.0.1')];
      expectOneClient(answers);
    });

    it('not whom other headers name', async () => {
      const answers = [];
      for (const headers of STATEMENTS.filter((statement) => !('X-Forwarded-For' in statement))) {
        answers.push(
          await rawRequest(server.url, {
            ...HALF_A_LOGIN,
            headers: { ...HALF_A_LOGIN.headers, 'X-Forwarded-For': '203.0.113.6', ...headers },
          }),
        );
      }
      expectOneClient(answers);
    });

    it.each([
      [
        'an IPv4 address as IPv6 has it',
        ['203.0.113.7', '::ffff:203.0.113.7', '::FFFF:cb00:7107', '0:0:0:0:0:ffff:cb00:7107'],
      ],
      [
        'an IPv4 address and its ports',
        ['203.0.113.8', '203.0.113.8:1234', '203.0.113.8:4321', '[::ffff:203.0.113.8]:1'],
      ],
      [
        'an IPv6 network of 64 bits',
        [
          '2001:db8:1:1::1',
          '2001:db8:1:1:ffff:ffff:ffff:ffff',
          '2001:DB8:1:1:0:0:0:2',
          '2001:0db8:0001:0001::3',
        ],
      ],
      [
        'an IPv6 address and its ports',
        ['[2001:db8:1:2::1]', '[2001:db8:1:2::1]:443', '[2001:db8:1:2::2]:1234', '2001:db8:1:2::3'],
      ],
    ])('one client for all spellings and addresses of %s', async (_what, addresses) => {
      const answers = [];
      for (const address of addresses) answers.push(await from(address));
      expect(remainingOf(answers[0]!)).toBe(LIMIT - 1);
      expectOneClient(answers);
    });

    it.each([
      ['two IPv4 addresses', ['192.0.2.1', '192.0.2.2']],
      ['two IPv6 networks', ['2001:db8:2:1::1', '2001:db8:2:2::1']],
      ['IPv4 and IPv6', ['192.0.2.3', '2001:db8:2:3::1']],
    ])('another for another of %s', async (_what, addresses) => {
      for (const address of addresses) expect(remainingOf(await from(address))).toBe(LIMIT - 1);
    });

    it('somebody whatever the proxy says', async () => {
      for (const rubbish of [
        'unknown',
        '_hidden',
        ',',
        ', ,',
        '203.0.113',
        '1e3',
        '::g',
        'x'.repeat(4000),
        '%00',
        '"',
      ]) {
        expect((await from(rubbish)).status).toBe(422);
      }
    });

    it('the user when signed in, wherever the calls come from', async () => {
      const ada = await asUser(server);
      const ask = (address: string) =>
        rawRequest(server.url, {
          path: '/v1/auth/me',
          headers: { authorization: `Bearer ${ada.token}`, 'X-Forwarded-For': address },
        });
      const answers = [];
      for (const address of ['198.51.100.1', '198.51.100.2', '2001:db8:3::1'])
        answers.push(await ask(address));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      expectOneClient(answers);
    });
  });
});

describe('TRUST_PROXY', () => {
  const parse = (value: string) =>
    parseEnv({ JWT_SECRET: 'b3VyLW93bi1zZWNyZXQtb2YtdGhpcnR5LXR3by1ieXRlcw', TRUST_PROXY: value });

  it.each([
    ...['true', 'false', '1', '2', '*', 'all', 'localhost', 'example.com', 'loopback linklocal', 'Loopback'],
    ...['10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '10/8', '10.1', '0x7f.0.0.1', '017700000001', '256.0.0.1'],
    ...['::/129', '::g', '1.2.3.4:80', '10.0.0.0/8;::1', '10.0.0.0/8, true'],
  ])('must not be %s: nobody could say whom that trusts', (value) => {
    let error: unknown;
    try {
      parse(value);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(InvalidEnvironmentError);
    expect((error as Error).message).toMatch(/^ {2}- TRUST_PROXY must be a comma-separated list/m);
  });

  it.each(['loopback', 'linklocal,uniquelocal', ' 10.0.0.0/8 , ::1', '192.0.2.1', 'fc00::/7', ''])(
    'may be "%s"',
    (value) => {
      expect(parse(value).TRUST_PROXY).toEqual(
        value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== ''),
      );
    },
  );
});

import { createSecretKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import type { Response } from 'supertest';
import { UsersRepository } from '../src/users/users.repository.js';
import { type Actor, asUser } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { expectProblem } from './support/expected.js';
import { rawRequest } from './support/raw-http.js';
import {
  type Claims,
  claimsOf,
  decoded,
  encoded,
  expired,
  KEY_ID,
  keyOf,
  nowInSeconds,
  signed,
} from './support/tokens.js';

const NO_CREDENTIALS = 'Bearer realm="watchlist"';
const INVALID_TOKEN = `${NO_CREDENTIALS}, error="invalid_token", error_description="The access token is not valid"`;

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** What a forger has to work with: a good token and, to show that the signature is not what gives it away, our key. */
interface Material {
  readonly token: string;
  readonly claims: Claims;
  readonly key: KeyObject;
  /** Of the forger's own making. */
  readonly otherKey: KeyObject;
}
type Forgery = (material: Material) => string;

const withClaims =
  (change: Claims): Forgery =>
  ({ claims, key }) =>
    signed(key, { ...claims, ...change });

const withoutClaim =
  (name: string): Forgery =>
  ({ claims: { [name]: _dropped, ...rest }, key }) =>
    signed(key, rest);

const withPayload =
  (payload: unknown): Forgery =>
  ({ key }) =>
    signed(key, payload);

/** `hash`: which HMAC really signs it. */
const withHeader =
  (header: unknown, hash?: string): Forgery =>
  ({ claims, key }) =>
    signed(key, claims, header, hash);

const withSignature =
  (change: (signature: string, material: Material) => string): Forgery =>
  (material) => {
    const [header, payload, signature] = material.token.split('.') as [string, string, string];
    return `${header}.${payload}.${change(signature, material)}`;
  };

const withKeyPair =
  (alg: string, pair: { privateKey: KeyObject }): Forgery =>
  ({ claims }) => {
    const content = `${encoded({ alg, typ: 'JWT', kid: KEY_ID })}.${encoded(claims)}`;
    const key = alg.startsWith('ES')
      ? { key: pair.privateKey, dsaEncoding: 'ieee-p1363' as const }
      : pair.privateKey;
    return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
  };

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

describe('access tokens', () => {
  let server: TestApp;
  let ada: Actor;
  let material: Material;

  beforeAll(async () => {
    server = await createTestApp();
    ada = await asUser(server);
    material = {
      token: ada.token,
      claims: claimsOf(ada.token),
      key: keyOf(server),
      otherKey: createSecretKey(randomBytes(32)),
    };
  });
  afterAll(() => server.close());

  const me = (authorization?: string) => {
    const request = server.request().get('/v1/auth/me');
    return authorization === undefined ? request : request.set('authorization', authorization);
  };

  function expectUnauthorized(response: Response, challenge: string): void {
    expectProblem(response, 401, 'UNAUTHORIZED');
    expect(response.headers['www-authenticate']).toBe(challenge);
  }

  async function expectRefused(token: string): Promise<void> {
    expectUnauthorized(await me(`Bearer ${token}`), INVALID_TOKEN);
  }

  describe('as the server makes them', () => {
    it('are signed with HS256, and say with which key', () => {
      expect(decoded(ada.token, 0)).toEqual({ alg: 'HS256', typ: 'JWT', kid: KEY_ID });
    });

    it('say whose they are and until when, and nothing about what that user may do', () => {
      const { claims } = material;
      expect(claims).toEqual({
        sub: String(ada.id),
        iat: expect.any(Number),
        exp: (claims['iat'] as number) + 3600,
        iss: 'watchlist-api',
        aud: 'watchlist-api',
        jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
        sid: expect.stringMatching(/^[\w-]{22}$/),
      });
    });

    it('let their user in', async () => {
      const { body } = await me(`Bearer ${ada.token}`).expect(200);
      expect(body).toMatchObject({ id: ada.id, email: ada.email });
    });
  });

  /** Without these, the refusals below could all have one and the same uninteresting reason. */
  describe('put together by hand', () => {
    it.each<[string, Forgery]>([
      ['exactly as the server does it', ({ claims, key }) => signed(key, claims)],
      ['with its members in another order', withHeader({ kid: KEY_ID, typ: 'JWT', alg: 'HS256' })],
      ['with a claim that means nothing to us', withClaims({ scope: 'everything', role: 'admin' })],
      ['by an instance whose clock is a little ahead', withClaims({ iat: nowInSeconds() + 2 })],
      ['for more than one audience', withClaims({ aud: ['somebody-else', 'watchlist-api'] })],
    ])('pass %s', async (_how, forge) => {
      const { body } = await me(`Bearer ${forge(material)}`).expect(200);
      expect(body).toMatchObject({ id: ada.id, role: 'user' });
    });
  });

  describe('with another algorithm', () => {
    it.each(['none', 'None', 'NONE', 'nOnE'])('are refused: %s, unsigned', async (alg) => {
      await expectRefused(`${encoded({ alg, typ: 'JWT', kid: KEY_ID })}.${encoded(material.claims)}.`);
    });

    it.each<[string, Forgery]>([
      ['none, signed all the same', withHeader({ kid: KEY_ID, alg: 'none', typ: 'JWT' })],
      [
        'none, with the signature of a good token',
        ({ claims, token }) =>
          `${encoded({ alg: 'none', kid: KEY_ID })}.${encoded(claims)}.${token.split('.')[2]}`,
      ],
      ['HS384', withHeader({ kid: KEY_ID, alg: 'HS384', typ: 'JWT' }, 'sha384')],
      ['HS512', withHeader({ kid: KEY_ID, alg: 'HS512', typ: 'JWT' }, 'sha512')],
      ['hs256', withHeader({ kid: KEY_ID, alg: 'hs256', typ: 'JWT' })],
      ['HS256 with a space', withHeader({ kid: KEY_ID, alg: 'HS256 ', typ: 'JWT' })],
      ['SHA256', withHeader({ kid: KEY_ID, alg: 'SHA256', typ: 'JWT' })],
      ['RS256, with a key pair of the forger', withKeyPair('RS256', rsa)],
      ['RS256, signed with our HS256 key', withHeader({ kid: KEY_ID, alg: 'RS256', typ: 'JWT' })],
      ['ES256, with a key pair of the forger', withKeyPair('ES256', ec)],
      ['PS256, signed with our HS256 key', withHeader({ kid: KEY_ID, alg: 'PS256', typ: 'JWT' })],
      ['several', withHeader({ kid: KEY_ID, alg: ['HS256'], typ: 'JWT' })],
      ['a number', withHeader({ kid: KEY_ID, alg: 256, typ: 'JWT' })],
      ['null', withHeader({ kid: KEY_ID, alg: null, typ: 'JWT' })],
      ['not said', withHeader({ kid: KEY_ID, typ: 'JWT' })],
    ])('are refused: %s', (_algorithm, forge) => expectRefused(forge(material)));
  });

  describe('with another header', () => {
    it.each<[string, Forgery]>([
      [
        'a critical extension',
        withHeader({ kid: KEY_ID, alg: 'HS256', typ: 'JWT', crit: ['b64'], b64: false }),
      ],
      [
        'a critical extension that has no name',
        withHeader({ kid: KEY_ID, alg: 'HS256', typ: 'JWT', crit: [] }),
      ],
      [
        'critical extensions that are null',
        withHeader({ kid: KEY_ID, alg: 'HS256', typ: 'JWT', crit: null }),
      ],
      ['no key id', withHeader({ alg: 'HS256', typ: 'JWT' })],
      ['the id of a key that we do not have', withHeader({ alg: 'HS256', typ: 'JWT', kid: '1' })],
      ['a key id that is a list', withHeader({ alg: 'HS256', typ: 'JWT', kid: [KEY_ID] })],
      ['a key id that everything has', withHeader({ alg: 'HS256', typ: 'JWT', kid: '__proto__' })],
      [
        'a key id that is a path',
        ({ claims }) => signed('', claims, { alg: 'HS256', typ: 'JWT', kid: '../../../../dev/null' }),
      ],
      [
        'a key id that is a query',
        ({ claims }) => signed('key', claims, { alg: 'HS256', typ: 'JWT', kid: "' UNION SELECT 'key" }),
      ],
      [
        'a key that it brings along',
        ({ claims, otherKey }) =>
          signed(otherKey, claims, {
            alg: 'HS256',
            typ: 'JWT',
            kid: KEY_ID,
            jwk: { kty: 'oct', k: otherKey.export().toString('base64url') },
          }),
      ],
      [
        'the address of a key',
        ({ claims, otherKey }) =>
          signed(otherKey, claims, {
            alg: 'HS256',
            typ: 'JWT',
            kid: KEY_ID,
            jku: 'http://127.0.0.1:9/jwks.json',
          }),
      ],
      ['null', withHeader(null)],
      ['a list', withHeader(['HS256'])],
      ['a number', withHeader(256)],
      ['text', withHeader('"HS256"')],
      ['no JSON', withHeader('{"alg":"HS256"')],
      ['no UTF-8', withHeader(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))],
      ['nothing', withHeader('')],
    ])('are refused: %s', (_header, forge) => expectRefused(forge(material)));
  });

  describe('with another signature', () => {
    it.each<[string, Forgery]>([
      ['none', withSignature(() => '')],
      ['not even a place for one', ({ token }) => token.slice(0, token.lastIndexOf('.'))],
      ['cut short by a character', withSignature((signature) => signature.slice(0, -1))],
      ['cut to its first half', withSignature((signature) => signature.slice(0, 21))],
      ['one character longer', withSignature((signature) => `${signature}A`)],
      ['padded', withSignature((signature) => `${signature}=`)],
      ['twice', withSignature((signature) => signature + signature)],
      ['in hexadecimal', withSignature((signature) => Buffer.from(signature, 'base64url').toString('hex'))],
      [
        'of other claims',
        withSignature((_signature, { claims, key }) => signed(key, { ...claims, sub: '2' }).split('.')[2]!),
      ],
      ['made with another key', ({ claims, otherKey }) => signed(otherKey, claims)],
      ['made with an empty key', ({ claims }) => signed('', claims)],
      [
        'made with the public half of a key pair',
        ({ claims }) => signed(rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string, claims),
      ],
      [
        'made with a hash without a key',
        ({ claims, token }) => `${token.split('.')[0]}.${encoded(claims)}.${encoded('')}`,
      ],
    ])('are refused: %s', (_signature, forge) => expectRefused(forge(material)));

    it('are refused when the unused last bits differ, though the bytes are the same', async () => {
      const last = BASE64URL.indexOf(ada.token.at(-1)!);
      const spellings = [...BASE64URL.slice(last & ~3, (last & ~3) + 4)].filter(
        (character) => character !== ada.token.at(-1),
      );
      const bytesOf = (token: string) => Buffer.from(token.split('.')[2]!, 'base64url');
      for (const character of spellings) {
        const token = ada.token.slice(0, -1) + character;
        expect(bytesOf(token)).toEqual(bytesOf(ada.token));
        await expectRefused(token);
      }
    });
  });

  it('are refused with any one character changed, wherever it stands', async () => {
    const accepted: number[] = [];
    for (let index = 0; index < ada.token.length; index++) {
      const replacement = ada.token[index] === 'A' ? 'B' : 'A';
      const token = ada.token.slice(0, index) + replacement + ada.token.slice(index + 1);
      const response = await me(`Bearer ${token}`);
      if (response.status !== 401 || response.headers['www-authenticate'] !== INVALID_TOKEN)
        accepted.push(index);
    }
    expect(accepted).toEqual([]);
  });

  it('are refused cut short at any place', async () => {
    const accepted: number[] = [];
    for (let length = 0; length < ada.token.length; length += 7) {
      if ((await me(`Bearer ${ada.token.slice(0, length)}`)).status !== 401) accepted.push(length);
    }
    expect(accepted).toEqual([]);
  });

  describe('with other claims', () => {
    const hour = 3600;
    const time = (name: string, ...wrong: [string, unknown][]) =>
      wrong.map(([what, value]): [string, Forgery] => [`${name} ${what}`, withClaims({ [name]: value })]);

    it.each<[string, Forgery]>([
      ['exp a second ago', withClaims({ exp: nowInSeconds() - 1 })],
      ['exp an hour ago', ({ token }) => expired(server, token)],
      ['no exp', withoutClaim('exp')],
      ...time(
        'exp',
        ['null', null],
        ['as text', String(nowInSeconds() + hour)],
        ['0', 0],
        ['negative', -1],
        ['a list', [nowInSeconds() + hour]],
        ['an object', {}],
      ),
      ['iat in an hour', withClaims({ iat: nowInSeconds() + hour, exp: nowInSeconds() + 2 * hour })],
      ['no iat', withoutClaim('iat')],
      ...time('iat', ['null', null], ['as text', '0'], ['a list', [0]]),
      ['nbf in an hour', withClaims({ nbf: nowInSeconds() + hour })],
      ...time('nbf', ['as text', '0'], ['null', null]),
      ['no iss', withoutClaim('iss')],
      ...time(
        'iss',
        ['of somebody else', 'https://example.com'],
        ['in another case', 'Watchlist-API'],
        ['with more behind it', 'watchlist-api/'],
        ['null', null],
        ['a list with ours', ['watchlist-api']],
        ['an object', {}],
      ),
      ['no aud', withoutClaim('aud')],
      ...time(
        'aud',
        ['somebody else', 'watchlist-web'],
        ['a list without us', ['a', 'b']],
        ['an empty list', []],
        ['null', null],
        ['a number', 1],
        ['a beginning', 'watchlist'],
      ),
      ['no jti', withoutClaim('jti')],
      ...time('jti', ['a number', 1], ['null', null]),
      ['no sid', withoutClaim('sid')],
      ...time(
        'sid',
        ['of no session', 'A'.repeat(22)],
        ['empty', ''],
        ['a number', 1],
        ['null', null],
        ['a list', ['A'.repeat(22)]],
        ['with a NUL', '\0'],
        ['very long', 'A'.repeat(2000)],
      ),
    ])('are refused: %s', (_claim, forge) => expectRefused(forge(material)));
  });

  describe('with another subject', () => {
    it.each<[string, unknown]>([
      ['nobody', '2147483647'],
      ['zero', '0'],
      ['a negative number', '-1'],
      ['more than the database counts', '2147483648'],
      ['the most that ten digits can say', '9999999999'],
      ['more than JavaScript counts', '9007199254740993'],
      ['twenty digits', '9'.repeat(20)],
      ['a thousand digits', '9'.repeat(1000)],
      ['empty', ''],
      ['a word', 'admin'],
      ['a uuid', '7f1b1c9e-3c4b-4c1e-9a2f-0f7a0c9d5e11'],
      ['a query', '1 OR 1=1'],
      ['NaN', 'NaN'],
      ['null', null],
      ['true', true],
      ['an object', { id: 1 }],
    ])('are refused: %s', (_subject, sub) => expectRefused(withClaims({ sub })(material)));

    it.each<[string, (id: number) => unknown]>([
      ['a number', (id) => id],
      ['a list of one', (id) => [String(id)]],
      ['in hexadecimal', (id) => `0x${id.toString(16)}`],
      ['with an exponent', (id) => `${id}e0`],
      ['with a fraction', (id) => `${id}.0`],
      ['with a sign', (id) => `+${id}`],
      ['with a zero before it', (id) => `0${id}`],
      ['with a space before it', (id) => ` ${id}`],
      ['with a line break behind it', (id) => `${id}\n`],
      ['with a NUL behind it', (id) => `${id}\0`],
      [
        'in full-width digits',
        (id) => String(id).replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
      ],
    ])('are refused when it is their user, but %s', (_spelling, spell) =>
      expectRefused(withClaims({ sub: spell(ada.id) })(material)),
    );

    it('are refused without one', () => expectRefused(withoutClaim('sub')(material)));

    it('are refused from the request on after which their user is gone', async () => {
      const bob = await asUser(server);
      await bob.get('/v1/auth/me').expect(200);
      await server.app.get(UsersRepository, { strict: false }).delete(bob.id);
      expectUnauthorized(await bob.get('/v1/auth/me'), INVALID_TOKEN);
    });
  });

  describe('with another payload', () => {
    it.each<[string, unknown]>([
      ['text', '"ada"'],
      ['a bare word', 'ada'],
      ['a list', []],
      ['a list of claims', [{ sub: '1' }]],
      ['null', null],
      ['true', true],
      ['a number', 1],
      ['an empty object', {}],
      ['half an object', '{"sub":"1"'],
      ['no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
      ['nothing', ''],
      ['something very deep', `${'['.repeat(3000)}${']'.repeat(3000)}`],
    ])('are refused: %s', (_payload, payload) => expectRefused(withPayload(payload)(material)));
  });

  describe('that are none', () => {
    it.each([
      ['one word', 'token'],
      ['dots', '..'],
      ['two parts', 'a.b'],
      ['three parts of nonsense', 'a.b.c'],
      ['four parts', 'a.b.c.d'],
      ['an encrypted token of five parts', 'a.b.c.d.e'],
      ['null', 'null'],
      ['undefined', 'undefined'],
      ['an object', '[object Object]'],
      ['a template', '{{token}}'],
      ['percent signs', '%00%2e%2e'],
      ['quotes', '"a.b.c"'],
    ])('are refused: %s', (_what, token) => expectRefused(token));
  });

  describe('of great length', () => {
    const bearer = (kilobytes: number) => ({
      path: '/v1/auth/me',
      headers: {
        authorization: `Bearer ${withClaims({ padding: 'x'.repeat(kilobytes * 768) })(material)}`,
      },
    });

    it('pass, if nothing else is wrong with them', async () => {
      await expect(rawRequest(server.url, bearer(8))).resolves.toMatchObject({ status: 200 });
    });

    it('are refused when the signature does not fit', async () => {
      await expectRefused(`${'A'.repeat(6000)}.${'A'.repeat(6000)}.${'A'.repeat(43)}`);
    });

    it('are not even read beyond what headers may have', async () => {
      await expect(rawRequest(server.url, bearer(64))).resolves.toMatchObject({
        status: 431,
        body: { code: 'HEADERS_TOO_LARGE' },
      });
    });
  });

  describe('brought in another way', () => {
    it.each<[string, (token: string) => string]>([
      ['as bearer', (token) => `bearer ${token}`],
      ['as BEARER', (token) => `BEARER ${token}`],
      ['after two spaces', (token) => `Bearer  ${token}`],
      ['with a space behind', (token) => `Bearer ${token} `],
    ])('pass %s', (_how, write) => me(write(ada.token)).expect(200));

    it.each<[string, (token: string) => string]>([
      ['after another word', (token) => `Bearer token ${token}`],
      ['before another word', (token) => `Bearer ${token} token`],
      ['twice', (token) => `Bearer ${token}, Bearer ${token}`],
      ['in quotes', (token) => `Bearer "${token}"`],
      ['as a parameter', (token) => `Bearer token=${token}`],
      ['without being there', () => 'Bearer'],
    ])('are refused %s', async (_how, write) => {
      expectUnauthorized(await me(write(ada.token)), INVALID_TOKEN);
    });

    it.each<[string, (token: string) => string]>([
      ['Basic', (token) => `Basic ${Buffer.from(`ada:${token}`).toString('base64')}`],
      ['Basic, with the token as it is', (token) => `Basic ${token}`],
      ['JWT', (token) => `JWT ${token}`],
      ['BearerToken', (token) => `BearerToken ${token}`],
      ['DPoP', (token) => `DPoP ${token}`],
      ['none', (token) => token],
    ])('are not looked for under the scheme %s', async (_scheme, write) => {
      expectUnauthorized(await me(write(ada.token)), NO_CREDENTIALS);
    });

    it('are not there when the header is empty', async () => {
      expectUnauthorized(await me(''), NO_CREDENTIALS);
    });

    it.each(['access_token', 'token', 'authorization', 'jwt'])(
      'are not looked for in the query (%s)',
      async (name) => {
        const response = await server.request().get(`/v1/auth/me?${name}=${ada.token}`);
        expectUnauthorized(response, NO_CREDENTIALS);
      },
    );

    it.each<[string, Record<string, string>]>([
      ['a cookie', { cookie: 'access_token=$; token=$; Authorization=Bearer $' }],
      ['headers of their own', { 'x-access-token': '$', 'x-auth-token': '$', token: '$' }],
      ['the header for proxies', { 'proxy-authorization': 'Bearer $' }],
    ])('are not looked for in %s', async (_place, headers) => {
      const request = server.request().get('/v1/auth/me');
      for (const [name, value] of Object.entries(headers))
        request.set(name, value.replaceAll('$', ada.token));
      expectUnauthorized(await request, NO_CREDENTIALS);
    });

    it('are not looked for in the body', async () => {
      const response = await server
        .request()
        .post('/v1/watchlists/items')
        .send({ title: 'Parasite', type: 'movie', access_token: ada.token });
      expectUnauthorized(response, NO_CREDENTIALS);
    });
  });

  it('are never in the log, good or bad', () => {
    const log = JSON.stringify(server.logs);
    expect(log).toContain('/v1/auth/me');
    expect(log).not.toContain(ada.token);
    expect(log).not.toContain(ada.token.split('.')[2]);
    expect(log).not.toContain(ada.token.split('.')[1]);
  });
});

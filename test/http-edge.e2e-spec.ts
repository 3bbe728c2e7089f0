import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { asAdmin, asUser, type Actor } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectCommonHeaders, expectInvalid, expectProblem } from './support/expected.js';
import {
  bytesOf,
  chunked,
  RawConnection,
  rawRequest,
  type RawRequest,
  type RawResponse,
  sendRaw,
  sendRawUntilClosed,
} from './support/raw-http.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const BODY_LIMIT = 16_384;
/** An item has notes, so its body can be larger. */
const ITEM_BODY_LIMIT = 81_920;
const limitOf = (path: string) => (path.includes('/watchlists/items') ? ITEM_BODY_LIMIT : BODY_LIMIT);
const URL_LIMIT = 8192;

interface Operation {
  readonly requestBody?: { content: object };
}
const { paths } = JSON.parse(readFileSync(join(__dirname, '../openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
};
const withIds = (path: string) => path.replace(/\{\w+\}/g, '1');

/** Every route that takes a body. */
const BODY_ROUTES = Object.entries(paths).flatMap(([path, operations]) =>
  Object.entries(operations)
    .filter(([, { requestBody }]) => requestBody !== undefined)
    .map(([method]): [string, string] => [method.toUpperCase(), withIds(path)]),
);
const REGISTER = '/v1/auth/register';
const ITEMS = '/v1/watchlists/items';

/** All that they cannot do without. */
const CONTENT_WITH_ONE_FIELD = ['/v1/auth/password/forgot', '/v1/admin/users', '/v1/watchlists/items/1/move'];

/** They look for a token elsewhere then. */
const CONTENT_WITH_NOTHING = ['/v1/auth/refresh', '/v1/auth/logout'];

describe('The HTTP edge', () => {
  let server: TestApp;
  let admin: Actor;
  beforeAll(async () => {
    server = await createTestApp();
    admin = await asAdmin(server);
  });
  afterAll(() => server.close());

  /** As an admin, who may call every route. */
  const send = (request: RawRequest) =>
    rawRequest(server.url, {
      ...request,
      headers: { authorization: `Bearer ${admin.token}`, ...request.headers },
    });
  const sendJson = (method: string, path: string, body: string | Buffer) =>
    send({ method, path, headers: JSON_TYPE, body });

  function expectRefusal(response: RawResponse, status: number, code: string): void {
    expectProblem(response, status, code);
    expectCommonHeaders(response);
  }

  it('knows routes that take a body', () => {
    expect(BODY_ROUTES).toEqual(
      expect.arrayContaining([
        ['POST', REGISTER],
        ['POST', ITEMS],
        ['PATCH', '/v1/watchlists/items/1'],
        ['PATCH', '/v1/admin/users/1'],
      ]),
    );
  });

  // One parser reads every route's body, so one route stands for all of them here.
  describe('a body that is sent to add an item', () => {
    it.each([
      ['text/plain', '{"title":"Parasite","type":"movie"}'],
      ['application/x-www-form-urlencoded', 'title=Parasite&type=movie'],
      ['application/xml', '<title>Parasite</title>'],
      [
        'multipart/form-data; boundary=x',
        '--x\r\ncontent-disposition: form-data; name="title"\r\n\r\nx\r\n--x--\r\n',
      ],
      ['application/octet-stream', '{}'],
      ['application/merge-patch+json', '{}'],
      ['application/vnd.api+json', '{}'],
      ['application/json5', '{}'],
      ['nonsense', '{}'],
      [undefined, '{}'],
    ])('as %s answers 415', async (type, body) => {
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
      const response = await send({ method: 'POST', path: ITEMS, headers, body });
      expectRefusal(response, 415, 'UNSUPPORTED_MEDIA_TYPE');
    });

    it.each([
      ['null', 'null'],
      ['an array', '[{"title":"Parasite","type":"movie"}]'],
      ['a string', '"Parasite"'],
      ['a number', '42'],
      ['a boolean', 'true'],
      ['half an object', '{"title":"Para'],
      ['two objects', '{}{}'],
      ['single quotes', "{'title':'Parasite'}"],
      ['a comma too many', '{"title":"Parasite",}'],
      ['NaN', '{"title":NaN}'],
      ['blanks only', ' \r\n\t '],
      ['objects nested 9 deep', `${'{"a":'.repeat(9)}1${'}'.repeat(9)}`],
      ['arrays nested 9 deep', `{"title":${'['.repeat(8)}${']'.repeat(8)}}`],
      ['arrays nested 3,000 deep', `{"title":${'['.repeat(3000)}${']'.repeat(3000)}}`],
      ['arrays opened 8,000 times', '['.repeat(8000)],
      ['a member named __proto__', '{"__proto__":{"role":"admin"}}'],
      ['a member named __proto__ further in', '{"title":{"__proto__":{"type":"movie"}}}'],
      ['a member named __proto__ in escapes', '{"\\u005f_proto__":1}'],
      ['a byte that is not UTF-8', Buffer.from('{"title":"\xff"}', 'latin1')],
      ['an overlong UTF-8 sequence', Buffer.from('{"title":"\xc0\x80"}', 'latin1')],
      ['a surrogate encoded in UTF-8', Buffer.from('{"title":"\xed\xa0\x80"}', 'latin1')],
      ['UTF-8 that breaks off', Buffer.from('{"title":"\xe2\x82"}', 'latin1')],
      ['UTF-16', Buffer.from('{"title":"Parasite"}', 'utf16le')],
    ])('with %s answers 400', async (_what, body) => {
      expectRefusal(await sendJson('POST', ITEMS, body), 400, 'MALFORMED_JSON');
    });

    it.each([
      ['101 fields', Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, 0])), 'body'],
      ['a list of 1001', { title: Array(1001).fill(0) }, 'title'],
    ])('with %s answers 422 without a look at each', async (_what, body, field) => {
      expectInvalid(await sendJson('POST', ITEMS, JSON.stringify(body)), field);
    });
  });

  describe.each(BODY_ROUTES)('%s %s', (method, path) => {
    it('answers 415 to text, 400 to malformed JSON and 413 to a body over the limit', async () => {
      const text = { method, path, headers: { 'content-type': 'text/plain' }, body: '{}' };
      expectRefusal(await send(text), 415, 'UNSUPPORTED_MEDIA_TYPE');
      expectRefusal(await sendJson(method, path, '{"title":"Para'), 400, 'MALFORMED_JSON');
      const body = `{"title":"${'x'.repeat(limitOf(path))}"}`;
      expectRefusal(await sendJson(method, path, body), 413, 'BODY_TOO_LARGE');
      const headers = { ...JSON_TYPE, 'transfer-encoding': 'chunked' };
      const parts = chunked(body.slice(0, 10_000), body.slice(10_000));
      expectRefusal(await send({ method, path, headers, body: parts }), 413, 'BODY_TOO_LARGE');
    });

    if (!CONTENT_WITH_NOTHING.includes(path)) {
      it('without any body answers 422 and names what is missing', async () => {
        for (const request of [{ headers: JSON_TYPE, body: '' }, { headers: JSON_TYPE }, { body: '' }, {}]) {
          const response = await send({ method, path, ...request });
          expectRefusal(response, 422, 'VALIDATION_FAILED');
          // A change needs any one field. Deleting one's account takes the password only.
          const takesOne = method !== 'POST' || CONTENT_WITH_ONE_FIELD.includes(path);
          expect((response.body as { errors: object[] }).errors.length).toBeGreaterThanOrEqual(
            takesOne ? 1 : 2,
          );
        }
      });
    }

    it('does not know fields that every object inherits', async () => {
      for (const field of ['constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', '']) {
        const response = await sendJson(method, path, JSON.stringify({ [field]: { prototype: {} } }));
        expectRefusal(response, 422, 'VALIDATION_FAILED');
        const { errors } = response.body as { errors: object[] };
        expect(errors).toContainEqual({ field, message: 'is not a known field' });
      }
    });
  });

  describe('a JSON body', () => {
    it('may be called JSON with parameters and in capitals', async () => {
      for (const type of [
        'application/json; charset=utf-8',
        'APPLICATION/JSON',
        'application/json;foo=bar',
      ]) {
        const response = await send({
          method: 'POST',
          path: ITEMS,
          headers: { 'content-type': type },
          body: '{}',
        });
        expectInvalid(response, 'title', 'type');
      }
    });

    it('may nest 8 deep and have 100 fields', async () => {
      const deep = `${'{"a":'.repeat(8)}1${'}'.repeat(8)}`;
      const wide = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, 0]));
      expectInvalid(await sendJson('POST', ITEMS, deep), 'a', 'title', 'type');
      expectInvalid(
        await sendJson('POST', ITEMS, JSON.stringify(wide)),
        ...Object.keys(wide),
        'title',
        'type',
      );
    });

    it('may have as many bytes as its route allows, and not one more', async () => {
      const owner = await asUser(server);
      const item = JSON.stringify({ title: 'Parasite', type: 'movie' });
      const add = (body: string) =>
        send({
          method: 'POST',
          path: ITEMS,
          headers: { ...JSON_TYPE, authorization: `Bearer ${owner.token}` },
          body,
        });
      expect((await add(item.padEnd(ITEM_BODY_LIMIT))).status).toBe(201);
      expectRefusal(await add(item.padEnd(ITEM_BODY_LIMIT + 1)), 413, 'BODY_TOO_LARGE');
    });

    it('of the size that a smaller BODY_LIMIT forbids is refused', async () => {
      const strict = await createTestApp({ env: { BODY_LIMIT: '1024' } });
      try {
        const response = await rawRequest(strict.url, {
          method: 'POST',
          path: REGISTER,
          headers: JSON_TYPE,
          body: '{}'.padEnd(1025),
        });
        expectRefusal(response, 413, 'BODY_TOO_LARGE');
      } finally {
        await strict.close();
      }
    });

    it.each<[string, number, string, Omit<RawRequest, 'body'>, string, string]>([
      ['too large', 413, 'BODY_TOO_LARGE', {}, '', ' '.repeat(500_000)],
      [
        'of another type',
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        { headers: { 'content-type': 'text/plain' } },
        'a',
        'b',
      ],
      ['sent to nowhere', 404, 'NOT_FOUND', { path: '/v1/nowhere' }, '{', '}'],
    ])('that is %s is refused while it is being sent, and the connection goes on', async (...row) => {
      const [, status, code, request, begun, rest] = row;
      const connection = new RawConnection(server.url);
      const { headers, ...more } = request;
      const length = String(begun.length + rest.length);
      const head = bytesOf({
        method: 'POST',
        path: REGISTER,
        headers: { ...JSON_TYPE, ...headers, 'content-length': length },
        ...more,
      });
      try {
        expectRefusal(await connection.send(Buffer.concat([head, Buffer.from(begun)])), status, code);
        const next = bytesOf({ path: '/health' });
        expect(await connection.send(Buffer.concat([Buffer.from(rest), next]))).toMatchObject({
          status: 200,
        });
      } finally {
        connection.close();
      }
    });

    it('of unknown length goes on, too, when it turns out too large', async () => {
      const connection = new RawConnection(server.url);
      const head = bytesOf({
        method: 'POST',
        path: REGISTER,
        headers: { ...JSON_TYPE, 'transfer-encoding': 'chunked' },
      });
      const chunk = `${BODY_LIMIT.toString(16)}\r\n${' '.repeat(BODY_LIMIT)}\r\n`;
      try {
        const refused = await connection.send(Buffer.concat([head, Buffer.from(chunk + chunk)]));
        expectRefusal(refused, 413, 'BODY_TOO_LARGE');
        const next = Buffer.concat([Buffer.from(`${chunk}0\r\n\r\n`), bytesOf({ path: '/health' })]);
        expect(await connection.send(next)).toMatchObject({ status: 200 });
      } finally {
        connection.close();
      }
    });

    it.each([
      ['HTTP/1.0', 'POST /v1/auth/register HTTP/1.0'],
      ['a last request', 'POST /v1/auth/register HTTP/1.1\r\nhost: localhost\r\nconnection: close'],
    ])('that is too large may be sent to its end by %s, and is answered meanwhile', async (_who, head) => {
      const { hostname, port } = new URL(server.url);
      const socket = connect({ host: hostname, port: Number(port) });
      const received: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => received.push(chunk));
      const closed = once(socket, 'close');
      const piece = Buffer.alloc(100_000, 0x20);
      socket.write(`${head}\r\ncontent-type: application/json\r\ncontent-length: 3000000\r\n\r\n`);
      await eventually(() => expect(String(Buffer.concat(received))).toMatch(/BODY_TOO_LARGE.*\}$/));
      for (let n = 0; n < 30; n++) {
        await new Promise<void>((resolve, reject) =>
          socket.write(piece, (error) => (error ? reject(error) : resolve())),
        );
      }
      await closed;
      expect(String(Buffer.concat(received)).match(/HTTP\/1\.1/g)).toHaveLength(1);
    });

    it('is refused before it has been sent when its length says that it is too large', async () => {
      const response = await send({
        method: 'POST',
        path: REGISTER,
        headers: { ...JSON_TYPE, 'content-length': '9999999' },
      });
      expectRefusal(response, 413, 'BODY_TOO_LARGE');
    });

    it.each([
      ['NUL', '\\u0000'],
      ['a lone high surrogate', '\\ud800'],
      ['a lone low surrogate', '\\udc00'],
    ])('with %s in a string answers 422 and names the field', async (_what, escape) => {
      expectInvalid(
        await sendJson(
          'POST',
          REGISTER,
          `{"email":"a${escape}@example.com","password":"long enough${escape}"}`,
        ),
        'email',
        'password',
      );
      expectInvalid(
        await sendJson('POST', '/v1/auth/login', `{"email":"ada@example.com","password":"${escape}"}`),
        'password',
      );
      expectInvalid(await sendJson('POST', ITEMS, `{"title":"a${escape}b","type":"movie"}`), 'title');
      expectInvalid(await sendJson('PATCH', `${ITEMS}/1`, `{"title":"a${escape}b"}`), 'title');
      expectInvalid(await sendJson('PATCH', '/v1/admin/users/1', `{"role":"user${escape}"}`), 'role');
    });

    it('with a field whose name is ill-formed answers 422 in well-formed JSON', async () => {
      const response = await sendJson(
        'POST',
        ITEMS,
        '{"title":"Parasite","type":"movie","\\ud800\\u0000":1}',
      );
      expectInvalid(response, '\ud800\0');
    });

    it('may be left out of a DELETE that is called JSON all the same', async () => {
      const owner = await asUser(server);
      const { body } = await owner.post(ITEMS, { title: 'Parasite', type: 'movie' }).expect(201);
      const response = await send({
        method: 'DELETE',
        path: `${ITEMS}/${(body as { item: { id: number } }).item.id}`,
        headers: { ...JSON_TYPE, authorization: `Bearer ${owner.token}` },
      });
      expect(response).toMatchObject({ status: 204, body: undefined });
    });

    it('is refused where none is asked for', async () => {
      expectInvalid(await sendJson('DELETE', `${ITEMS}/1`, '{"force":true}'), 'force');
    });

    it('leaves nothing behind when it is refused', async () => {
      const stats = async () => (await admin.get('/v1/admin/stats').expect(200)).body as object;
      const before = await stats();
      const item = '{"title":"Parasite","type":"movie"}';
      const bodies: [string, string | Buffer][] = [
        ['text/plain', item],
        ['application/x-www-form-urlencoded', 'title=Parasite&type=movie'],
        ['application/json', `${item} and more`],
        ['application/json', item.replace('{', '{"__proto__":{},')],
        ['application/json', item.replace('{', '{"constructor":{},')],
        ['application/json', item.replace('Para', '\\u0000')],
        ['application/json', Buffer.from(item.replace('Para', '\xff'), 'latin1')],
        ['application/json', item.padEnd(ITEM_BODY_LIMIT + 1)],
      ];
      for (const [type, body] of bodies) {
        const { status } = await send({
          method: 'POST',
          path: ITEMS,
          headers: { 'content-type': type },
          body,
        });
        expect([400, 413, 415, 422]).toContain(status);
      }
      expect(await stats()).toEqual(before);
    });
  });

  describe('a path', () => {
    it.each([
      '/v1',
      '/v1/',
      '/v2/auth/me',
      '/v1/nothing',
      '/v1/auth',
      '/v1/auth/me/more',
      '/V1/auth/me',
      '/v1/auth/ME',
      '//v1/auth/me',
      '/v1//auth/me',
      '/v1/auth/../auth/me',
      '/v1/auth/me;a=b',
      '/healthz',
      '/health/nothing',
      '/.env',
    ])('that nothing is at answers 404: %s', async (path) => {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'PROPFIND']) {
        expectRefusal(await send({ method, path }), 404, 'NOT_FOUND');
      }
      expect(await send({ method: 'HEAD', path })).toMatchObject({ status: 404, body: undefined });
    });

    it.each([
      ...['/docs/nothing', '/docs/..', '/docs/../package.json', '/docs/..%2f..%2fpackage.json'],
      ...['/docs/%2e%2e/package.json', '/docs/%00', '/docs/a%5c..%5cb', '/docs/.git', '/docs//', '/docs/%2f'],
      ...[
        '/docs/package.json',
        '/docs/README.md',
        '/docs/NOTICE',
        '/docs/index.js',
        '/docs/absolute-path.js',
      ],
      ...['/docs/swagger-ui-bundle.js.map', '/docs/swagger-ui.css.map', '/docs/oauth2-redirect.html'],
      `/docs/${'x'.repeat(64)}`,
      `/docs/${'x'.repeat(5000)}`,
    ])('under /docs that is no file of it answers 404: %s', async (path) => {
      expectRefusal(await send({ path }), 404, 'NOT_FOUND');
    });

    it.each([
      '*',
      '*v1/auth/me',
      '*health',
      'http://localhost/nothing',
      'http:///nothing',
      'ftp://localhost/health',
    ])('that is not one is a path that nothing is at: %s', async (path) => {
      for (const method of ['GET', 'OPTIONS', 'FOO']) {
        expectRefusal(await send({ method, path }), 404, 'NOT_FOUND');
      }
    });

    it.each(['%', '%z', '%zz', '%ff', '%c0%80', '%E0%A4%A', '%ed%a0%80'])(
      'with the percent-encoding %s answers 400',
      async (text) => {
        for (const path of [
          `/${text}`,
          `/v1/${text}/me`,
          `${ITEMS}/${text}`,
          `/health${text}`,
          `/docs/${text}`,
        ]) {
          for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
            expectRefusal(await send({ method, path }), 400, 'BAD_REQUEST');
          }
        }
      },
    );

    it('may be percent-encoded where it need not be', async () => {
      expect((await send({ path: '/v1/auth/m%65' })).body).toMatchObject({ id: admin.id });
      expect((await send({ path: '/v1/admin/audit%2Dlogs' })).body).toHaveProperty('audit_logs');
      expect((await send({ path: '/%68ealth' })).body).toEqual({ status: 'ok' });
    });

    it('may come with a scheme and a host, as proxies send it', async () => {
      expect((await send({ path: 'http://localhost/v1/auth/me' })).body).toMatchObject({ id: admin.id });
    });

    it.each(['/v1/auth/me', '/%761/auth/me', 'http://localhost/v1/auth/me'])(
      'is under the rules of /v1 however it is spelled: %s',
      async (path) => {
        const response = await send({ path });
        expect(response.status).toBe(200);
        expect(response.headers['cache-control']).toBe('no-store');
        expectInvalid(await send({ path: `${path}?fields=id` }), 'fields');
      },
    );
  });

  describe('a query', () => {
    it.each(['%', '%z', '%zz', '%ff', '%c0%80', '%ed%a0%80'])(
      'with the percent-encoding %s answers 400',
      async (text) => {
        for (const path of [
          '/v1/watchlists',
          '/v1/auth/me',
          REGISTER,
          '/v1/admin/users',
          '/health',
          '/openapi.json',
        ]) {
          const method = path === REGISTER ? 'POST' : 'GET';
          for (const query of [text, `skip=${text}`, `a=b&${text}=c`]) {
            expectRefusal(await send({ method, path: `${path}?${query}` }), 400, 'BAD_REQUEST');
          }
        }
      },
    );

    it.each(['#', '#limit=1', '#limit=0', '?limit=1#', '?limit=1#limit=0', '/#'])(
      'does not begin or end with a fragment, which a request has none of: %s answers 400',
      async (text) => {
        for (const path of ['/v1/watchlists', '/v1/auth/me', '/v1/admin/users', '/health']) {
          expectRefusal(await send({ path: `${path}${text}` }), 400, 'BAD_REQUEST');
        }
        expectRefusal(await send({ path: `/v1/nothing${text}` }), 404, 'NOT_FOUND');
      },
    );

    it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
      'does not know %s',
      async (name) => {
        for (const path of ['/v1/watchlists', '/v1/auth/me', '/v1/admin/users']) {
          expectInvalid(await send({ path: `${path}?${name}=1` }), name);
          expectInvalid(
            await send({ path: `${path}?skip=0&${name}=1&${name}=2` }),
            name,
            ...(path.endsWith('me') ? ['skip'] : []),
          );
        }
      },
    );

    it.each([
      ['one long value', (length: number) => `q=${'x'.repeat(length - 2)}`],
      [
        'many names',
        (length: number) =>
          Array.from({ length }, (_, i) => `k${i}`)
            .join('&')
            .slice(0, length),
      ],
      ['one name again and again', (length: number) => 'skip=0&'.repeat(length).slice(0, length)],
      ['nothing but &', (length: number) => '&'.repeat(length)],
    ])('of 8 KiB that is %s is answered in good order', async (_what, queryOf) => {
      for (const path of ['/v1/watchlists', '/v1/auth/me', '/v1/admin/users']) {
        const query = queryOf(URL_LIMIT - path.length - 1);
        const response = await send({ path: `${path}?${query}` });
        if (/^&+$/.test(query)) expect(response.status).toBe(200);
        else if (query.startsWith('q=') && path.endsWith('users')) expectInvalid(response, 'q');
        else expectRefusal(response, 422, 'VALIDATION_FAILED');
      }
    });
  });

  describe('a URL', () => {
    it('of 8,192 characters is read', async () => {
      expect((await send({ path: '/health?'.padEnd(URL_LIMIT, 'x') })).status).toBe(200);
    });

    it.each([URL_LIMIT + 1, 16_000, 17_000, 60_000])('of %i characters answers 414', async (length) => {
      for (const path of ['/health?', '/v1/watchlists?skip=', `${ITEMS}/`]) {
        expectRefusal(await send({ path: path.padEnd(length, 'x') }), 414, 'URI_TOO_LONG');
      }
    });
  });

  describe('headers', () => {
    it.each([
      ['in one', { 'x-padding': 'x'.repeat(17_000) }],
      [
        'in many',
        Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`x-padding-${i}`, 'x'.repeat(40)])),
      ],
      ['in a token', { authorization: `Bearer ${'x'.repeat(60_000)}` }],
    ])('of more than 16 KiB %s answer 431', async (_where, headers) => {
      expectRefusal(await send({ path: '/v1/auth/me', headers }), 431, 'HEADERS_TOO_LARGE');
    });

    it('of 15 KiB are read', async () => {
      expect((await send({ path: '/v1/auth/me', headers: { 'x-padding': 'x'.repeat(15_000) } })).status).toBe(
        200,
      );
    });

    it('that ask for a protocol or a courtesy that is not offered change nothing', async () => {
      for (const headers of [
        { connection: 'upgrade', upgrade: 'websocket' },
        {
          connection: 'upgrade, http2-settings',
          upgrade: 'h2c',
          'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
        },
        { expect: '200-ok' },
        { accept: 'text/html' },
        { 'accept-version': '2.x' },
        { 'x-http-method-override': 'DELETE' },
        { 'x-original-url': '/v1/admin/stats' },
      ]) {
        const response = await send({
          path: '/v1/auth/me',
          headers: headers as unknown as Record<string, string>,
        });
        expect(response).toMatchObject({ status: 200, body: { id: admin.id } });
        expectCommonHeaders(response);
      }
    });

    it('that ask to be told to continue are told so', async () => {
      const response = await send({
        method: 'POST',
        path: ITEMS,
        headers: { ...JSON_TYPE, expect: '100-continue' },
        body: '{}',
      });
      expectInvalid(response, 'title', 'type');
    });
  });

  describe('a method', () => {
    const METHODS = [
      ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'],
      ...['PROPFIND', 'SEARCH', 'QUERY', 'LINK', 'FOO', 'get', 'GETT', 'DESCRIBE'],
    ];
    const ALLOWED: Record<string, string[]> = {
      ...Object.fromEntries(
        Object.entries(paths).map(([path, operations]) => [
          withIds(path),
          Object.keys(operations).flatMap((method) =>
            method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()],
          ),
        ]),
      ),
      '/docs': ['GET', 'HEAD'],
      '/docs/swagger-ui.css': ['GET', 'HEAD'],
      '/openapi.json': ['GET', 'HEAD'],
      '/favicon.ico': ['GET', 'HEAD'],
    };

    async function expectMethodsRefused(path: string, allowed: string[]): Promise<void> {
      for (const method of METHODS.filter((each) => !allowed.includes(each))) {
        const response = await send({ method, path });
        const { status, headers } = response;
        expect({ method, status, allow: headers['allow']?.split(', ').sort() }).toEqual({
          method,
          status: 405,
          allow: [...allowed].sort(),
        });
        expectCommonHeaders(response);
        if (method === 'HEAD') expect(response.body).toBeUndefined();
        else expectProblem(response, 405, 'METHOD_NOT_ALLOWED');
      }
    }

    it.each(Object.entries(ALLOWED))(
      'that %s does not answer returns 405 with the methods in Allow',
      expectMethodsRefused,
    );

    it.each(['/v1/auth/me/', '/v1/auth/me?a=b'])('returns 405 with another spelling: %s', (path) =>
      expectMethodsRefused(path, ALLOWED['/v1/auth/me']!),
    );

    it('that is not known at all is a 404 where nothing is', async () => {
      for (const method of ['FOO', 'get', 'CONNECT']) {
        expectRefusal(await send({ method, path: '/v1/nothing' }), 404, 'NOT_FOUND');
      }
      expectRefusal(await send({ method: 'CONNECT', path: 'example.com:443' }), 404, 'NOT_FOUND');
    });

    it('CONNECT leaves nothing behind, whatever becomes of its connection', async () => {
      const { hostname, port } = new URL(server.url);
      const bytes = bytesOf({ method: 'CONNECT', path: 'example.com:443' });
      for (let i = 0; i < 30; i++) {
        const socket = connect(Number(port), hostname).on('error', () => undefined);
        await once(socket, 'connect');
        socket.write(bytes, () => socket.resetAndDestroy());
        await once(socket, 'close');
      }
      const halfOpen = connect({ host: hostname, port: Number(port), allowHalfOpen: true }).resume();
      halfOpen.write(bytes);
      await once(halfOpen, 'end');
      halfOpen.end();
      await once(halfOpen, 'close');
      expectProblem(await send({ path: '/v1/nothing' }), 404, 'NOT_FOUND');
    });

    it('is not changed by a body, a token or a content type', async () => {
      expectRefusal(await sendJson('PUT', `${ITEMS}/1`, '{"title":"Parasite"}'), 405, 'METHOD_NOT_ALLOWED');
      expectRefusal(await sendJson('DELETE', '/v1/watchlists', '[['), 405, 'METHOD_NOT_ALLOWED');
      expectRefusal(
        await rawRequest(server.url, { method: 'PATCH', path: '/v1/admin/stats', body: 'x'.repeat(99) }),
        405,
        'METHOD_NOT_ALLOWED',
      );
    });

    it('OPTIONS with only one of the two headers of a preflight is none', async () => {
      for (const headers of [
        { origin: 'http://localhost:3000' },
        { 'access-control-request-method': 'GET' },
      ] as unknown as Record<string, string>[]) {
        expectRefusal(
          await send({ method: 'OPTIONS', path: '/v1/auth/me', headers }),
          405,
          'METHOD_NOT_ALLOWED',
        );
      }
    });
  });

  describe('what is hardly HTTP', () => {
    const POST_LOGIN =
      'POST /v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
    const SMUGGLED = 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n';

    it.each([
      ['words', 'hello there\r\n\r\n'],
      ['a TLS handshake', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'],
      ['an SSH greeting', 'SSH-2.0-OpenSSH_9.2\r\n'],
      ['zeros', '\0'.repeat(100)],
      ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['a version that there is not', 'GET /health HTTP/9.9\r\nhost: localhost\r\n\r\n'],
      ['no version', 'GET /health\r\n\r\n'],
      ['no target', 'GET HTTP/1.1\r\nhost: localhost\r\n\r\n'],
      ['a target without a slash', 'GET health HTTP/1.1\r\nhost: localhost\r\n\r\n'],
      ['a target with a space', 'GET /hea lth HTTP/1.1\r\nhost: localhost\r\n\r\n'],
      ['a target with a bare byte', 'GET /caf\xe9 HTTP/1.1\r\nhost: localhost\r\n\r\n'],
      ['bare line feeds', 'GET /health HTTP/1.1\nhost: localhost\n\n'],
      ['no Host', 'GET /health HTTP/1.1\r\n\r\n'],
      ['two Hosts', 'GET /health HTTP/1.1\r\nhost: a.example\r\nHost: b.example\r\n\r\n'],
      ['a header without a colon', 'GET /health HTTP/1.1\r\nhost: localhost\r\nrubbish\r\n\r\n'],
      ['a blank before the colon', 'GET /health HTTP/1.1\r\nhost: localhost\r\nx-a : b\r\n\r\n'],
      ['a folded header', 'GET /health HTTP/1.1\r\nhost: localhost\r\nx-a: b\r\n c\r\n\r\n'],
      ['NUL in a header', 'GET /health HTTP/1.1\r\nhost: localhost\r\nx-a: b\0c\r\n\r\n'],
      [
        'a length and chunks',
        `${POST_LOGIN}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
      ],
      [
        'chunks and a length',
        `${POST_LOGIN}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`,
      ],
      ['two lengths', `${POST_LOGIN}content-length: 2\r\ncontent-length: 40\r\n\r\n{}${SMUGGLED}`],
      ['the same length twice', `${POST_LOGIN}content-length: 2\r\ncontent-length: 2\r\n\r\n{}${SMUGGLED}`],
      ['a list of lengths', `${POST_LOGIN}content-length: 2, 2\r\n\r\n{}${SMUGGLED}`],
      ['a negative length', `${POST_LOGIN}content-length: -2\r\n\r\n{}${SMUGGLED}`],
      ['a length that is no number', `${POST_LOGIN}content-length: 0x2\r\n\r\n{}${SMUGGLED}`],
      ['a length beyond all numbers', `${POST_LOGIN}content-length: ${'9'.repeat(30)}\r\n\r\n{}`],
      ['chunks of chunks', `${POST_LOGIN}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
      [
        'chunks and something else',
        `${POST_LOGIN}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
      ],
      ['a chunk that is no number', `${POST_LOGIN}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
      [
        'a chunk that is longer than it says',
        `${POST_LOGIN}transfer-encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n`,
      ],
    ])('is refused with 400: %s', async (_what, text) => {
      expectRefusal(await sendRaw(server.url, Buffer.from(text, 'latin1')), 400, 'BAD_REQUEST');
    });

    it.each([
      [
        'a length and chunks',
        `${POST_LOGIN}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
      ],
      ['two lengths', `${POST_LOGIN}content-length: 2\r\ncontent-length: 40\r\n\r\n{}${SMUGGLED}`],
    ])('hides no second request behind %s', async (_what, text) => {
      const answers = await sendRawUntilClosed(server.url, text);
      expect(answers.map(({ status }) => status)).toEqual([400]);
    });

    it.each([
      ['of which more is to come', 'GET /health HTTP/1.1\r\nhost: localhost\r\n', 200],
      [
        'of a browser',
        `OPTIONS ${ITEMS} HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost:3000\r\naccess-control-request-method: POST\r\n`,
        204,
      ],
      ['that was refused', 'GET /v1/auth/me HTTP/1.1\r\nhost: localhost\r\n', 401],
    ])('gives one answer to a request %s, whatever follows it', async (_what, head, status) => {
      const { hostname, port } = new URL(server.url);
      const socket = connect({ host: hostname, port: Number(port) });
      let received = '';
      socket.on('data', (chunk: Buffer) => (received += String(chunk)));
      socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
      await eventually(() => expect(received).toContain('\r\n\r\n'));
      const closed = once(socket, 'close');
      socket.write('zz\r\n\r\n');
      await closed;
      expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
    });

    it.each([
      [
        'refused, and breaks off',
        'POST /nowhere HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
        404,
      ],
      ['no HTTP', 'GARB AGE\r\n\r\n', 400],
    ])(
      'answers what came before it on the connection first, when it is %s',
      async (_what, broken, status) => {
        const credentials = JSON.stringify({ email: 'nobody@example.com', password: 'wrong password' });
        const login = bytesOf({
          method: 'POST',
          path: '/v1/auth/login',
          headers: JSON_TYPE,
          body: credentials,
        });
        const answers = await sendRawUntilClosed(
          server.url,
          Buffer.concat([login, login, Buffer.from(broken)]),
        );
        expect(answers.map((answer) => answer.status)).toEqual([401, 401, status]);
      },
    );

    it('may be HTTP/1.0, which has no Host', async () => {
      const response = await sendRaw(server.url, 'GET /health HTTP/1.0\r\n\r\n');
      expect(response).toMatchObject({ status: 200, body: { status: 'ok' } });
    });

    it('leaves the process up and the next client served', async () => {
      await sendRaw(server.url, 'hello there\r\n\r\n');
      expect((await send({ path: '/v1/auth/me' })).status).toBe(200);
    });
  });

  it('answers requests that come one after the other on one connection', async () => {
    const [first, second] = await sendRawUntilClosed(
      server.url,
      Buffer.concat([
        bytesOf({ path: '/health' }),
        bytesOf({ path: '/v1/nothing', headers: { connection: 'close' } }),
      ]),
    );
    expect(first!.status).toBe(200);
    expectRefusal(second!, 404, 'NOT_FOUND');
  });
});

describe('A request that does not come to its end', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await createTestApp();
  });
  afterAll(() => server.close());

  it('is waited for, but not for long', () => {
    const { headersTimeout, requestTimeout } = server.app.getHttpServer() as Server;
    expect([headersTimeout, requestTimeout]).toEqual([5000, 10_000]);
  });

  describe('in time', () => {
    beforeAll(() => {
      // Read at each check of the connections, so that a test need not wait as long as the server does.
      Object.assign(server.app.getHttpServer() as Server, { headersTimeout: 100, requestTimeout: 200 });
    });

    it.each([
      ['in its request line', 'GET /hea'],
      ['in its headers', 'GET /health HTTP/1.1\r\nhost: localhost\r\nx-a: '],
      [
        'before its body',
        'POST /v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n',
      ],
      [
        'in its body',
        'POST /v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"em',
      ],
      [
        'in its chunks',
        'POST /v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{"em\r\n',
      ],
    ])('is answered 408 and its connection closed: it stops %s', async (_where, text) => {
      const answers = await sendRawUntilClosed(server.url, text);
      expect(answers).toHaveLength(1);
      expectProblem(answers[0]!, 408, 'REQUEST_TIMEOUT');
      expectCommonHeaders(answers[0]!);
    });

    it('hides no second request in a body that is too large', async () => {
      const head = `POST /v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
      const smuggled = 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n';
      const answers = await sendRawUntilClosed(server.url, `${head}content-length: 20000\r\n\r\n${smuggled}`);
      expect(answers.map(({ status }) => status)).toEqual([413]);
    });
  });
});

describe('A server that has more to do than it can', () => {
  it('says so with 503 until it has caught up, to everybody but health', async () => {
    const server = await createTestApp({ env: { MAX_EVENT_LOOP_DELAY_MS: '20' } });
    const busy = setInterval(() => {
      for (const end = performance.now() + 60; performance.now() < end;);
    }, 1);
    try {
      await eventually(async () => {
        const response = await rawRequest(server.url, { path: '/v1/auth/me' });
        expectProblem(response, 503, 'OVERLOADED');
        expectCommonHeaders(response);
        expect(response.headers['retry-after']).toMatch(/^[1-9]\d*$/);
      });
      expect(await rawRequest(server.url, { path: '/health' })).toMatchObject({ status: 200 });
      clearInterval(busy);
      await eventually(async () => {
        expect(await rawRequest(server.url, { path: '/v1/auth/me' })).toMatchObject({ status: 401 });
      });
    } finally {
      clearInterval(busy);
      await server.close();
    }
  });
});

describe('Of two things that are wrong with a request, the answer names the first in this order:', () => {
  const FOREVER = 3600;
  const LARGE = '{}'.padEnd(BODY_LIMIT + 1);
  const expectStatus = ({ status, body }: RawResponse, expected: number, code: string) =>
    expect({ status, code: (body as { code?: string }).code }).toEqual({ status: expected, code });

  describe('404 and 405, then 429 for the address, then what cannot be read', () => {
    let server: TestApp;
    beforeAll(async () => {
      server = await createTestApp({ env: { RATE_LIMIT_ADDRESS: `3/${FOREVER}` } });
      for (let call = 0; call < 3; call++) await rawRequest(server.url, { path: '/v1/auth/me' });
    });
    afterAll(() => server.close());

    it.each([
      ['a route', '/v1/auth/me'],
      ['a path that cannot be decoded', '/v1/%zz'],
    ])('and 429 for the address closes the connection: %s', async (_what, path) => {
      const answers = await sendRawUntilClosed(server.url, bytesOf({ path }));
      expect(answers).toEqual([expect.objectContaining({ status: 429 })]);
      expect(answers[0]!.headers).toMatchObject({ connection: 'close' });
    });

    it.each<[string, RawRequest, number, string]>([
      ['an unknown path', { path: '/v1/nothing' }, 404, 'NOT_FOUND'],
      ['a method that is not answered', { method: 'PUT', path: '/v1/auth/me' }, 405, 'METHOD_NOT_ALLOWED'],
      ['an unknown method', { method: 'FOO', path: '/v1/auth/me' }, 405, 'METHOD_NOT_ALLOWED'],
      ['no token', { path: '/v1/auth/me' }, 429, 'RATE_LIMITED'],
      ['a path that cannot be decoded', { path: '/v1/%zz' }, 429, 'RATE_LIMITED'],
      ['a query that cannot be decoded', { path: '/v1/auth/me?%zz' }, 429, 'RATE_LIMITED'],
      ['a URL that is too long', { path: '/openapi.json?'.padEnd(URL_LIMIT + 1, 'x') }, 429, 'RATE_LIMITED'],
      ['two Hosts', { path: '/openapi.json', headers: { host: 'a', HOST: 'b' } }, 429, 'RATE_LIMITED'],
      [
        'a body that is too large',
        { method: 'POST', path: REGISTER, headers: JSON_TYPE, body: LARGE },
        429,
        'RATE_LIMITED',
      ],
      [
        'a body that is not JSON',
        { method: 'POST', path: REGISTER, headers: JSON_TYPE, body: '{' },
        429,
        'RATE_LIMITED',
      ],
      ['a body of another type', { method: 'POST', path: REGISTER, body: '{}' }, 429, 'RATE_LIMITED'],
      [
        'headers that are too large',
        { path: '/openapi.json', headers: { 'x-a': 'x'.repeat(20_000) } },
        429,
        'RATE_LIMITED',
      ],
      ['no HTTP', { path: '/ /', headers: {} }, 429, 'RATE_LIMITED'],
    ])('over the limit and with %s', async (_what, request, status, code) => {
      expectStatus(await rawRequest(server.url, request), status, code);
    });
  });

  describe('what cannot be read, then 401, 403, 429 for the route, 422, 404 for the id', () => {
    let server: TestApp;
    let user: Actor;
    let admin: Actor;
    beforeAll(async () => {
      const env = {
        RATE_LIMIT_LOGIN: `2/${FOREVER}`,
        RATE_LIMIT_LIST: `1/${FOREVER}`,
        RATE_LIMIT_WRITE: `1/${FOREVER}`,
      };
      server = await createTestApp({ env });
      user = await asUser(server);
      admin = await asAdmin(server);
      await user.get('/v1/watchlists').expect(200);
      await user.post(ITEMS, { title: 'Parasite', type: 'movie' }).expect(201);
    });
    afterAll(() => server.close());

    const send = (who: 'nobody' | 'a user' | 'an admin', request: RawRequest) => {
      const token = { nobody: undefined, 'a user': user.token, 'an admin': admin.token }[who];
      return rawRequest(server.url, {
        ...request,
        headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...request.headers },
      });
    };
    const json = (method: string, path: string, body: string): RawRequest => ({
      method,
      path,
      headers: JSON_TYPE,
      body,
    });

    it.each<[string, 'nobody' | 'a user' | 'an admin', RawRequest, number, string]>([
      ['not JSON, no token', 'nobody', json('POST', ITEMS, '{'), 400, 'MALFORMED_JSON'],
      [
        'too large, no token',
        'nobody',
        json('POST', ITEMS, '{}'.padEnd(ITEM_BODY_LIMIT + 1)),
        413,
        'BODY_TOO_LARGE',
      ],
      [
        'another type, no token',
        'nobody',
        { method: 'POST', path: ITEMS, body: 'x' },
        415,
        'UNSUPPORTED_MEDIA_TYPE',
      ],
      ['query not decodable, no token', 'nobody', { path: '/v1/auth/me?%zz' }, 400, 'BAD_REQUEST'],
      [
        'not JSON, over the route limit',
        'nobody',
        json('POST', '/v1/auth/login', '{'),
        400,
        'MALFORMED_JSON',
      ],
      ['not JSON, role not enough', 'a user', json('PATCH', '/v1/admin/users/1', '{'), 400, 'MALFORMED_JSON'],
      ['no token, unknown field', 'nobody', json('POST', ITEMS, '{"x":1}'), 401, 'UNAUTHORIZED'],
      ['no token, unknown parameter', 'nobody', { path: '/v1/watchlists?x=1' }, 401, 'UNAUTHORIZED'],
      ['no token, role not enough', 'nobody', { path: '/v1/admin/stats' }, 401, 'UNAUTHORIZED'],
      ['no token, unknown id', 'nobody', { path: `${ITEMS}/999` }, 401, 'UNAUTHORIZED'],
      [
        'role not enough, over the route limit',
        'a user',
        json('PATCH', '/v1/admin/users/1', '{"role":"user"}'),
        403,
        'FORBIDDEN',
      ],
      [
        'role not enough, unknown field',
        'a user',
        json('PATCH', '/v1/admin/users/1', '{"x":1}'),
        403,
        'FORBIDDEN',
      ],
      [
        'role not enough, unknown id',
        'a user',
        json('DELETE', '/v1/admin/watchlists/items/999', ''),
        403,
        'FORBIDDEN',
      ],
      ['over the route limit, unknown field', 'a user', json('POST', ITEMS, '{"x":1}'), 429, 'RATE_LIMITED'],
      [
        'over the route limit, unknown parameter',
        'a user',
        { path: '/v1/watchlists?x=1' },
        429,
        'RATE_LIMITED',
      ],
      [
        'over the route limit, unknown id',
        'a user',
        { method: 'DELETE', path: `${ITEMS}/999` },
        429,
        'RATE_LIMITED',
      ],
      [
        'over the route limit, nothing in the body',
        'nobody',
        json('POST', '/v1/auth/login', '{}'),
        429,
        'RATE_LIMITED',
      ],
      ['unknown parameter, unknown id', 'a user', { path: `${ITEMS}/999?x=1` }, 422, 'VALIDATION_FAILED'],
      ['unknown parameter, no id', 'a user', { path: `${ITEMS}/1e3?x=1` }, 422, 'VALIDATION_FAILED'],
    ])('%s, from %s', async (_what, who, request, status, code) => {
      expectStatus(await send(who, request), status, code);
    });
  });

  describe('422, then 404 for the id', () => {
    let server: TestApp;
    let admin: Actor;
    beforeAll(async () => {
      server = await createTestApp();
      admin = await asAdmin(server);
    });
    afterAll(() => server.close());

    it.each([
      ['PATCH', `${ITEMS}/999`],
      ['PATCH', `${ITEMS}/abc`],
      ['PATCH', '/v1/admin/users/999'],
      ['PATCH', '/v1/admin/users/0'],
      ['PATCH', '/v1/admin/watchlists/items/999'],
      ['PATCH', '/v1/admin/watchlists/items/2147483648'],
      ['DELETE', `${ITEMS}/-1`],
      ['DELETE', '/v1/admin/watchlists/items/01'],
    ])('%s %s with an unknown field', async (method, path) => {
      const withToken = { ...JSON_TYPE, authorization: `Bearer ${admin.token}` };
      const response = await rawRequest(server.url, { method, path, headers: withToken, body: '{"x":1}' });
      expectStatus(response, 422, 'VALIDATION_FAILED');
    });

    it('POST for a user whom there is not, with an unknown field', async () => {
      const body = { user_id: 999, title: 'Parasite', type: 'movie', x: 1 };
      expectInvalid(await admin.post('/v1/admin/watchlists/items', body), 'x');
    });
  });
});

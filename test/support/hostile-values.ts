/** What hostile requests are made of. In paths, queries and headers one character is one byte. */

export const METHODS = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'],
  ...['PROPFIND', 'SEARCH', 'FOO', 'get'],
];

/** In the place of an id. None of them is one. */
export const NO_IDS = [
  ...['0', '-0', '-1', '+1', '01', '1e3', '0x10', '1.0', '1,0', '1_0', '%201', '1%20', '1%00', '%00', '%0a'],
  ...['%09', '2147483648', '9007199254740993', '9'.repeat(400), 'NaN', 'null', 'undefined', 'true', '[1]'],
  ...['{}', '*', '%2a', '%D9%A1', '%EF%BC%91', '%F0%9D%9F%8F', '\xd9\xa1', '%2e', '%2e%2e', '..', '.'],
  ...['%252e%252e', '%2f', '%5c', '1%2f2', '1%252f', '1;a=b', '1.json', "1'--", '1%27%20OR%201=1', '%'],
  ...['%zz', '%ff', '%c0%ae', '%ed%a0%80', 'x'.repeat(5000), 'me', '__proto__', 'constructor', 'toString'],
];
export const SEGMENTS = [
  ...['..', '.', '%2e%2e', '%2E%2e', '%252e%252e', '..%2f', '..%5c', '%00', '%2f', '%252f', '%5c', ''],
  ...['%20', '\\', '*', ';a=b', ':item_id', '{item_id}', '__proto__', 'constructor', '\xc3\xa9', '%C3%A9'],
  ...['\xff', '%ff', '%', '%c0%ae%c0%ae', '%u002e', '|', '^', '`', '<', '"', '[', ']', '~', '@', '$', '&'],
  ...['+', 'a'.repeat(300), 'docs', 'package.json', 'openapi.json', 'health', 'v1', 'admin', 'auth'],
  ...['watchlists', 'items', '.env', '.git', '#', '#x', '?', 'x#y'],
];
export const TARGETS = [
  ...['*', '/', '//', '///', '/%2f', '/%', '/%00', '/\\', '/..', '/%2e%2e/%2e%2e/etc/passwd', 'x', '?'],
  ...['/?', '/#', '/.env', '/docs', '/docs/', '/docs/swagger-ui.css', '/docs/swagger-ui-init.js'],
  ...['/docs/..%2fpackage.json', '/docs/package.json', '/docs/%2e%2e%2fpackage.json', '/docs//'],
  ...[
    '/openapi.json',
    '/favicon.ico',
    '/dashboard',
    '/dashboard/reset',
    '/dashboard/assets/none.js',
    '/dashboard/assets/..%2f..%2f..%2fpackage.json',
    '/dashboard/reset?token=x',
    '/v1',
    '/v1/',
    'http://localhost/v1/auth/me',
  ],
  ...['http://evil.example/v1/watchlists', 'https://x', 'ftp://x/health', 'http:///', '/v1/watchlists#'],
  ...['/v1/watchlists#?skip=0', '/v1/auth/me#x', '/\x01', '/a b', '/\x7f', '/\xff\xfe'],
  ...[`/${'a'.repeat(9000)}`, `/${'%2e'.repeat(3000)}`, `/v1/watchlists/items/${'1'.repeat(18_000)}`],
];

export const QUERY_NAMES = [
  ...['unknown', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '[]', 'a.b'],
  ...['a[b]', 'skip[]', 'skip[0]', 'skip[$gt]', 'limit%00', 'Limit', '%20limit', 'limit%20', 'user_id'],
  ...['access_token', 'id'],
];
export const QUERY_VALUES = [
  ...['', '0', '-0', '-1', '%2B1', '+1', '01', '1e3', '0x10', '1.0', '%201', '1%20', '1%0a', '1,2', '[]'],
  ...['{}', '2147483647', '2147483648', '9007199254740993', '1'.repeat(400), '1e400', 'NaN', 'Infinity'],
  ...['null', 'true', 'MOVIE', 'movie,show', 'movie%00', '%00', '%ff', '%', '%z', '%ed%a0%80', '%c0%80'],
  ...['%D9%A1', '%EF%BC%91', "'", '%27%20OR%201=1--', '%25', '_', '%5c', '%F0%9F%8E%AC', '\xe9', '\xff'],
  ...['2026-02-30T00:00:00Z', 'now', '0000-00-00T00:00:00Z', '-1', '9999-12-31T23:59:59-23:59'],
  ...['+275760-09-13T00:00:00.001Z', 'x'.repeat(300)],
];
export const QUERIES = [
  ...['&', '=', '&&&', '?', '??', '%', '%ff', '#', 'skip', 'skip=1#limit=2', 'a=b;c=d'],
  ...[
    'skip=0&'.repeat(1150),
    'x'.repeat(8100),
    'q='.padEnd(8100, 'x'),
    'q='.padEnd(8300, 'x'),
    'q='.padEnd(20_000, 'x'),
  ],
  ...['%F0%9F%8E%AC'.repeat(670), Array.from({ length: 1000 }, (_, n) => `k${n}=1`).join('&')],
];

export const FIELDS = [
  ...['unknown', 'role', 'id', 'is_admin', 'disabled', 'user_id', 'created_at', 'owner', 'password_hash'],
  ...['', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'toJSON', 'then', '\ud800'],
  ...['\0', '$where'],
];
/** In the place of any text. */
export const TEXTS = [
  ...['', ' ', '\0', 'a\0b', '\ud800', 'a\udc00b', '\udfff\ud800', '\u0085', '\u202e', '\ufeff', '\ufffe'],
  ...['\r\nX: y', '\u{1F3AC}'.repeat(255), '\u{1F3AC}'.repeat(256), '\ufdfa'.repeat(255)],
  ...[`e${'\u0301'.repeat(2000)}`, '\t', 'a'.repeat(255), 'a'.repeat(256), 'a'.repeat(257)],
  ...['a'.repeat(15_000), '\ufb2c'.repeat(250), '\u1112\u1161', "'; DROP TABLE users; --", '${7*7}'],
  ...['{{7*7}}', '%s%n', '../../etc/passwd', '<script>alert(1)</script>', '\\', 'admin@example.com', 'a@b'],
  ...['@', 'a@', '@b.c', 'a@b@c.de', '"a b"@example.com', 'a@[127.0.0.1]', 'a@xn--.com'],
  ...[`${'a'.repeat(64)}@example.com`, `${'a'.repeat(65)}@example.com`, `a@${'b'.repeat(250)}.com`],
  ...['ä@example.com', 'a@ß.de', 'a@\u3002com', 'a\0@example.com', 'a@example.com\r\nBcc: b@example.com'],
  ...['movie', 'MOVIE', 'movie ', 'user', 'admin', 'root', '__proto__', 'constructor', 'null', 'NaN', '1'],
  ...['-0', 'true', '[object Object]'],
];
/** In the place of any value, as they are written: most have no JavaScript value of their own. */
export const VALUES = [
  ...['null', 'true', 'false', '0', '-0', '-1', '1', '1.5', '1e3', '1E400', '-1e400', '1e-400'],
  ...['2147483647', '2147483648', '9007199254740993', '9'.repeat(400), '0.1e1', '[]', '{}', '[[]]'],
  ...['[null]', '["movie"]', '{"$gt":""}', '{"length":1}', '{"toString":1}', '{"toJSON":1}', '{"then":1}'],
  ...['{"__proto__":{"role":"admin"}}', '{"constructor":{"prototype":{"role":"admin"}}}', '"\\ud800"'],
  ...['"\\u0000"', '"\\udc00\\ud800"'],
  // Not JSON at all.
  ...['NaN', 'Infinity', '-', '+1', '01', '0x10', '.5', '1.', "'movie'", 'undefined', '', '/**/1', '"\t"'],
  ...['"\\x"'],
];

export const bytes = (text: string) => Buffer.from(text);
const nested = (depth: number, open: string, close: string) =>
  bytes(open.repeat(depth) + '1' + close.repeat(depth));
const wide = (count: number) => bytes(`{${Array.from({ length: count }, (_, n) => `"k${n}":1`).join(',')}}`);

export const BODIES: readonly Buffer[] = [
  ...[
    ...['', ' ', '\n', 'null', 'true', '0', '1e400', '""', '[]', '[{}]', '{}', '{', '}', '{"', '{"a"'],
    ...['{"a":', '{"a":1', '{"a":1,}', '{,}', '{"a":1}{"b":2}', '{"a":1} x', '{a:1}', "{'a':1}"],
    ...['{"a":1/*x*/}', '//\n{}', '{"a":\\u0031}', '{"__proto__":{"role":"admin"}}'],
    ...['{"\\u005f_proto__":1}', '{"constructor":{"prototype":{"x":1}}}', '<a/>'],
    ...['email=a%40b.de&password=12345678'],
    ...['--x\r\ncontent-disposition: form-data; name="title"\r\n\r\na\r\n--x--'],
  ].map(bytes),
  ...[nested(8, '[', ']'), nested(9, '[', ']'), nested(3000, '[', ']'), bytes('['.repeat(16_000))],
  ...[nested(7, '{"a":', '}'), nested(2000, '{"a":', '}'), bytes('{"a":'.repeat(2700))],
  bytes(`{"title":${'['.repeat(8000)}${']'.repeat(8000)}}`),
  ...[wide(499), wide(1500), bytes(`[${'1,'.repeat(499)}1]`), bytes(`{"title":[${'1,'.repeat(7000)}1]}`)],
  ...[bytes(`{"title":"${'x'.repeat(16_370)}"}`), bytes(`{"title":${' '.repeat(16_300)}1}`)],
  ...[
    bytes('"'.repeat(501)),
    Buffer.alloc(100),
    Buffer.of(0xff),
    Buffer.of(0xef, 0xbb, 0xbf),
    Buffer.of(0xfe, 0xff, 0, 0x7b, 0, 0x7d),
  ],
];
/** In the middle of a text: what no text has, as UTF-8 has it. */
export const BROKEN_TEXT: readonly Buffer[] = [
  ...[Buffer.of(0xff), Buffer.of(0x80), Buffer.of(0xc3), Buffer.of(0xc0, 0x80), Buffer.of(0xed, 0xa0, 0x80)],
  ...[Buffer.of(0xf4, 0x90, 0x80, 0x80), Buffer.of(0), Buffer.of(0x0a)],
];
/** Of more bytes than a body may have. */
export const HUGE_BODIES: readonly Buffer[] = [
  ...[bytes(`{"title":"${'x'.repeat(16_384)}","type":"movie"}`), bytes(`{"title":"${'x'.repeat(60_000)}"}`)],
  ...[bytes('{}'.padEnd(16_385)), bytes('['.repeat(40_000)), Buffer.alloc(20_000, 0xff)],
];
export const CONTENT_TYPES = [
  ...['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;charset=latin1'],
  ...['application/json;', 'application/json; charset=utf-16', 'application/json; charset'],
  ...['application/json;;', ' application/json', 'application/problem+json', 'application/jsonx'],
  ...['application/json, text/plain', 'application/json/x', 'json', 'text/plain', 'text/json'],
  ...['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '*/*', '', 'application', '/'],
  ...[';', 'application/', '/json', 'a'.repeat(5000), '\xff/\xff', '__proto__', 'application/xml'],
];

export type Header = readonly [name: string, value: string];
const all = (name: string, ...values: string[]) => values.map((value): Header => [name, value]);

export const HEADERS: readonly Header[] = [
  ...all('x-request-id', '', ' ', 'a b', 'a,b', '\xe9', '../..', '${jndi:ldap://x}'),
  ...all('x-request-id', 'x'.repeat(128), 'x'.repeat(129), 'x'.repeat(9000)),
  ...all('if-none-match', '', '"', 'W/', 'W/"', '*, "a"', '"*"', 'W/"1.1.1"', '\xff'),
  ...all('if-none-match', '"a",'.repeat(2000), ','.repeat(5000)),
  ...all('accept', '', 'text/html', 'application/xml', 'image/*', '*', 'a/b;q=x', 'x'.repeat(4000), '\xff'),
  ...all('connection', 'close', 'upgrade', 'upgrade, authorization'),
  ...all('upgrade', 'websocket', 'h2c'),
  ...all('expect', '100-continue', '200-ok'),
  ...all('origin', 'http://localhost:3000', '\xff'),
  ...all('access-control-request-method', 'DELETE'),
  ...all('access-control-request-headers', 'authorization'),
  ...all('x-forwarded-for', '203.0.113.7, unknown, ::1'),
  ...all('forwarded', 'for="[::1]";proto=https'),
  ...all('x-forwarded-host', 'evil.example'),
  ...all('x-http-method-override', 'DELETE'),
  ...all('x-original-url', '/v1/admin/stats'),
  ...all('if-match', '*', '', '"', 'W/', 'W/"', '*, "a"', '"*"', '"a" "b"', '\xff', '"\xff"'),
  ...all('if-match', '"a",'.repeat(2000), ','.repeat(5000), `"a"${' '.repeat(5000)}x`),
  ...all('if-modified-since', 'yesterday'),
  ...all('range', 'bytes=0-0,-1'),
  ...all('accept-encoding', 'gzip, br, *;q=0'),
  ...all('accept-charset', 'utf-16'),
  ...all('accept-version', '9.9.9'),
  ...all('te', 'trailers, deflate'),
  ...all('trailer', 'x'),
  ...all('cache-control', 'no-cache, only-if-cached'),
  ...all('cookie', `a=b; ${'c=d; '.repeat(500)}`),
  ...all('authorization', 'Bearer x'),
  ...all('x-padding', 'x'.repeat(20_000)),
  ...all('x-nul', 'a\0b'),
  ...['__proto__', 'constructor', 'x-'.repeat(100), 'x y', ''].map((name): Header => [name, 'x']),
];

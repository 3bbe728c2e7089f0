import type { OpenAPIObject } from '@nestjs/swagger';

type Headers = NonNullable<NonNullable<OpenAPIObject['components']>['headers']>;

const header = (description: string, schema: object, required = false) => ({ description, required, schema });
const count = { type: 'integer', format: 'int32', minimum: 0, maximum: 2_147_483_647 };
const text = (maxLength: number, pattern: string, example: string) => ({
  type: 'string',
  maxLength,
  pattern,
  example,
});

const EVERYWHERE = {
  'X-Request-ID': header(
    "The client's `X-Request-ID`, or a new id.",
    text(128, '^[A-Za-z0-9._-]{1,128}$', 'b0c7c9b0-7f0f-4c4a-9f5e-2f7d3a1c9e10'),
    true,
  ),
  'X-RateLimit-Limit': header('The number of requests that the rate limit allows in any window.', {
    ...count,
    example: 60,
  }),
  'X-RateLimit-Remaining': header('The number of requests that the rate limit still allows now.', {
    ...count,
    example: 59,
  }),
  'X-RateLimit-Reset': header('The Unix time in seconds when the oldest counted request leaves the window.', {
    ...count,
    format: 'int64',
    maximum: 9_007_199_254_740_991,
    example: 1_795_422_660,
  }),
  // In lower case, as the server sends them. OWASP's rule rejects documents that have both these and X-RateLimit-*.
  'ratelimit-policy': header(
    'The policy of the request: the number of requests and the window in seconds (draft-ietf-httpapi-ratelimit-headers).',
    text(100, '^"[a-z]+";q=\\d+;w=\\d+$', '"list";q=60;w=60'),
  ),
  ratelimit: header(
    'The remaining requests, and the seconds until the oldest counted request leaves the window.',
    text(100, '^"[a-z]+";r=\\d+;t=\\d+$', '"list";r=59;t=60'),
  ),
  'Access-Control-Allow-Origin': header(
    "The client's origin, if `CORS_ORIGINS` lists it.",
    text(300, '^[a-z][a-z0-9+.-]*://[^/]+$', 'http://localhost:3000'),
  ),
};

/** {@link responseHeaders} decides which response has which header. */
export const RESPONSE_HEADERS = {
  ...EVERYWHERE,
  'Retry-After': header('The seconds to wait before the next try.', { ...count, minimum: 1, example: 12 }),
  'WWW-Authenticate': header(
    'RFC 6750.',
    text(200, '^Bearer .*$', 'Bearer realm="watchlist", error="invalid_token"'),
    true,
  ),
  ETag: header('Weak: changes with the response.', text(200, '^W/"[^"]+"$', 'W/"kXx0.7.q1w2e3"'), true),
  StrongETag: header(
    'Strong: changes with the item; for `If-Match` and `If-None-Match`.',
    text(100, '^"[^"]+"$', '"5f0c1d2e.7.41.k1"'),
    true,
  ),
  'X-Cache': header(
    'HIT: from the cache. MISS: from the database. BYPASS: the cache was not available.',
    { type: 'string', enum: ['HIT', 'MISS', 'BYPASS'], example: 'HIT' },
    true,
  ),
} satisfies Headers;

type HeaderName = keyof typeof RESPONSE_HEADERS;

const BY_STATUS: Record<number, readonly HeaderName[]> = {
  401: ['WWW-Authenticate'],
  403: ['WWW-Authenticate'],
  429: ['Retry-After'],
  502: ['Retry-After'],
  503: ['Retry-After'],
};

const reference = (name: HeaderName) => ({ $ref: `#/components/headers/${name}` });

/** The headers of a response, as references to {@link RESPONSE_HEADERS}. */
export function responseHeaders(status: number, { cached = false, hasETag = false } = {}): Headers {
  const names = [
    ...(Object.keys(EVERYWHERE) as HeaderName[]),
    ...(BY_STATUS[status] ?? []),
    ...(cached && status < 400 ? (['ETag', 'X-Cache'] as const) : []),
  ];
  const headers = names.map((name) => [name, reference(name)] as const);
  return Object.fromEntries(
    hasETag && status < 400 ? [...headers, ['ETag', reference('StrongETag')]] : headers,
  );
}

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
    "The caller's, or a new one.",
    text(128, '^[A-Za-z0-9._-]{1,128}$', 'b0c7c9b0-7f0f-4c4a-9f5e-2f7d3a1c9e10'),
    true,
  ),
  'X-RateLimit-Limit': header('Calls that pass in any window.', { ...count, example: 60 }),
  'X-RateLimit-Remaining': header('Calls that would still pass now.', { ...count, example: 59 }),
  'X-RateLimit-Reset': header('Unix seconds when the oldest counted call leaves the window.', {
    ...count,
    format: 'int64',
    maximum: 9_007_199_254_740_991,
    example: 1_795_422_660,
  }),
  // In lower case, as they are sent: OWASP's rule wants either these or X-RateLimit-*, and takes both for neither.
  'ratelimit-policy': header(
    'The policy that the call was counted under: calls and seconds (draft-ietf-httpapi-ratelimit-headers).',
    text(100, '^"[a-z]+";q=\\d+;w=\\d+$', '"list";q=60;w=60'),
  ),
  ratelimit: header(
    'What is left of it, and the seconds until the oldest call leaves the window.',
    text(100, '^"[a-z]+";r=\\d+;t=\\d+$', '"list";r=59;t=60'),
  ),
  'Access-Control-Allow-Origin': header(
    "The caller's origin, if it is one of those in `CORS_ORIGINS`.",
    text(300, '^[a-z][a-z0-9+.-]*://[^/]+$', 'http://localhost:3000'),
  ),
};

/** Where each is sent is in {@link responseHeaders}. */
export const RESPONSE_HEADERS = {
  ...EVERYWHERE,
  'Retry-After': header('Seconds after which a try can succeed.', { ...count, minimum: 1, example: 12 }),
  'WWW-Authenticate': header(
    'RFC 6750.',
    text(200, '^Bearer .*$', 'Bearer realm="watchlist", error="invalid_token"'),
    true,
  ),
  ETag: header('Weak; changes with the answer.', text(200, '^W/"[^"]+"$', 'W/"kXx0.7.q1w2e3"'), true),
  StrongETag: header(
    'Strong: changes with the item; for `If-Match` and `If-None-Match`.',
    text(100, '^"[^"]+"$', '"5f0c1d2e.7.41.k1"'),
    true,
  ),
  'X-Cache': header(
    'Where the answer came from.',
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

/** The headers of an answer, as references to {@link RESPONSE_HEADERS}. */
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

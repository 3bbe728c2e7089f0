import type { Response } from 'supertest';

type Answer = Pick<Response, 'status' | 'headers' | 'body'>;

/** What an item has in the fields that were not given. */
export const UNSET_FIELDS = {
  year: null,
  status: 'planned',
  rating: null,
  notes: null,
  tags: [],
  ids: {},
  poster_url: null,
  runtime_minutes: null,
  release_date: null,
  progress: null,
  watched_at: null,
} as const;

/** A complete problem document: exactly these members, and the request's id as the header has it. */
export function expectProblem(response: Answer, status: number, code: string): void {
  expect({ status: response.status, code: (response.body as { code?: string }).code }).toEqual({
    status,
    code,
  });
  expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(response.body).toEqual({
    type: `urn:watchlist:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code,
    request_id: response.headers['x-request-id'],
    instance: expect.stringMatching(/^\//),
    ...(status === 422 && { errors: expect.any(Array) }),
  });
}

/** A 422 that names exactly these fields, in any order. */
export function expectInvalid(response: Answer, ...fields: string[]): void {
  expectProblem(response, 422, 'VALIDATION_FAILED');
  const { errors } = response.body as { errors: { field: string; message: string }[] };
  expect(errors.map(({ field }) => field).sort()).toEqual([...fields].sort());
  for (const { message } of errors) expect(message).not.toBe('');
}

/** The headers of every answer. */
export const COMMON_HEADERS: Readonly<Record<string, RegExp>> = {
  'x-request-id': /^[A-Za-z0-9._-]{1,128}$/,
  'x-content-type-options': /^nosniff$/,
  'referrer-policy': /^no-referrer$/,
  'strict-transport-security': /^max-age=\d+/,
  'content-security-policy': /^(?=.*default-src 'none').*frame-ancestors 'none'/,
  'x-ratelimit-limit': /^\d+$/,
  'x-ratelimit-remaining': /^\d+$/,
  'x-ratelimit-reset': /^\d+$/,
  'ratelimit-policy': /^"[a-z]+";q=\d+;w=\d+$/,
  ratelimit: /^"[a-z]+";r=\d+;t=\d+$/,
};
/** And what it keeps off. */
export const UNWANTED_HEADERS = ['server', 'x-powered-by'];

export function expectCommonHeaders({ headers }: Pick<Answer, 'headers'>): void {
  expect(headers).toMatchObject(
    Object.fromEntries(
      Object.entries(COMMON_HEADERS).map(([name, pattern]) => [name, expect.stringMatching(pattern)]),
    ),
  );
  for (const name of UNWANTED_HEADERS) expect(headers).not.toHaveProperty(name);
}

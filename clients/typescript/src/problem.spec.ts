import {
  etagOf,
  type Problem,
  ProblemError,
  retryAfterOf,
  UnexpectedAnswerError,
  unwrap,
} from './problem.js';

const PROBLEM: Problem = {
  type: 'urn:watchlist:problem:validation-failed',
  title: 'Unprocessable Content',
  status: 422,
  detail: 'Not valid: title.',
  code: 'VALIDATION_FAILED',
  request_id: 'r1',
  instance: '/v1/watchlists/items',
  errors: [{ field: 'title', message: 'must be text of 1 to 255 characters' }],
};

const answer = (status: number, headers: Record<string, string> = {}) =>
  new Response(status === 304 ? null : 'x', { status, headers });

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe(unwrap.name, () => {
  it('is what was asked for', () => {
    expect(unwrap({ data: { id: 1 }, response: answer(200) })).toEqual({ id: 1 });
    expect(unwrap({ data: undefined, response: new Response(null, { status: 204 }) })).toBeUndefined();
  });

  it('throws a problem as an error that says what the document says', () => {
    const response = answer(422);
    const error = thrownBy(() => unwrap({ error: PROBLEM, response }));
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({
      name: 'ProblemError',
      message: PROBLEM.detail,
      status: 422,
      code: 'VALIDATION_FAILED',
      errors: PROBLEM.errors,
      requestId: 'r1',
      retryAfter: undefined,
      problem: PROBLEM,
      response,
    });
  });

  it('has no fields to name when it is no 422, and knows when to come back', () => {
    const { errors: _errors, ...problem } = { ...PROBLEM, status: 429, code: 'RATE_LIMITED' };
    const error = thrownBy(() => unwrap({ error: problem, response: answer(429, { 'retry-after': '7' }) }));
    expect(error).toMatchObject({ code: 'RATE_LIMITED', errors: [], retryAfter: 7 });
  });

  it.each<[string, number, unknown]>([
    ['a page of a proxy', 502, '<html>Bad Gateway</html>'],
    ['JSON of somebody else', 500, { error: 'oops' }],
    ['a health report', 503, { status: 'down', dependencies: { database: 'down', redis: 'ok' } }],
    ['nothing', 500, ''],
    ['nothing new', 304, undefined],
    ['null', 500, null],
  ])('throws %s as what it is', (_what, status, body) => {
    const error = thrownBy(() => unwrap({ error: body, response: answer(status) }));
    expect(error).toBeInstanceOf(UnexpectedAnswerError);
    expect(error).toMatchObject({
      body,
      response: { status },
      message: expect.stringContaining(`${status}`),
    });
  });
});

describe(retryAfterOf.name, () => {
  const of = (value?: string) =>
    retryAfterOf(answer(429, value === undefined ? {} : { 'retry-after': value }));

  it.each<[string | undefined, number | undefined]>([
    ['0', 0],
    ['12', 12],
    [' 12 ', 12],
    [undefined, undefined],
    ['', undefined],
    ['soon', undefined],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('reads %j as %j', (value, seconds) => {
    expect(of(value)).toBe(seconds);
  });

  it('reads a date as the seconds until then', () => {
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-11-27T08:00:00.500Z'));
    expect(of('Fri, 27 Nov 2026 08:00:30 GMT')).toBe(30);
    now.mockRestore();
  });
});

describe(etagOf.name, () => {
  it.each<[string | undefined, string | undefined]>([
    ['"a"', '"a"'],
    ['W/"a"', '"a"'],
    [undefined, undefined],
  ])('of %s is %s', (value, tag) => {
    expect(etagOf(answer(200, value === undefined ? {} : { etag: value }))).toBe(tag);
  });
});

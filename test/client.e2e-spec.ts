import {
  authorize,
  createWatchlistClient,
  etagOf,
  honourRetryAfter,
  type Problem,
  ProblemError,
  renewing,
  type Tokens,
  UnexpectedAnswerError,
  unwrap,
  type WatchlistClient,
} from '@watchlist/client';
import { asAdmin, PASSWORD, randomEmail } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { runScript } from './support/run-script.js';

const ITEM = '/v1/watchlists/items/{item_id}';

/** What a call is refused with. */
async function problemOf(call: Promise<unknown>): Promise<ProblemError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProblemError);
  return error as ProblemError;
}

describe('@watchlist/client', () => {
  let server: TestApp;
  /** Every request that any of the clients has sent. */
  let sent: Request[];
  beforeAll(async () => {
    server = await createTestApp();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    sent = [];
  });

  const optionsFor = ({ url }: TestApp) => ({
    baseUrl: url,
    fetch: (request: Request) => {
      sent.push(request);
      return fetch(request);
    },
  });

  interface Member {
    readonly client: WatchlistClient;
    readonly email: string;
    readonly tokens: Tokens;
  }

  /** Registered, signed in, and sending their token. */
  async function signUp(on = server, options = optionsFor(on)): Promise<Member> {
    const client = createWatchlistClient(options);
    const body = { email: randomEmail(), password: PASSWORD };
    const { user } = unwrap(await client.POST('/v1/auth/register', { body }));
    expect(user).toMatchObject({ email: body.email, role: 'user' });
    const tokens = unwrap(await client.POST('/v1/auth/login', { body }));
    client.use(authorize(() => tokens.access_token));
    return { client, email: body.email, tokens };
  }

  const add = async (client: WatchlistClient, title = 'Amélie') =>
    client.POST('/v1/watchlists/items', { body: { title, type: 'movie' } });

  it('registers, signs in, adds, lists, changes, deletes and signs out', async () => {
    const { client, email } = await signUp();
    expect(unwrap(await client.GET('/v1/auth/me')).email).toBe(email);
    const added = await add(client);
    const { item } = unwrap(added);
    expect(item).toMatchObject({ title: 'Amélie', type: 'movie' });
    expect(added.response.headers.get('location')).toBe(`/v1/watchlists/items/${item.id}`);

    const query = { type: 'movie', sort: 'title_asc', limit: 5 } as const;
    expect(unwrap(await client.GET('/v1/watchlists', { params: { query } }))).toEqual({
      user: email,
      skip: 0,
      limit: 5,
      total: 1,
      has_more: false,
      next_cursor: null,
      counts: { planned: 1, watching: 0, watched: 0, on_hold: 0, dropped: 0 },
      version: 1,
      watchlist: [item],
    });
    const params = { path: { item_id: item.id } };
    const changed = unwrap(await client.PATCH(ITEM, { params, body: { title: '8½' } }));
    expect(changed.item.title).toBe('8½');
    expect(unwrap(await client.DELETE(ITEM, { params }))).toBeUndefined();
    expect((await problemOf(client.GET(ITEM, { params }).then(unwrap))).code).toBe('ITEM_NOT_FOUND');

    expect(unwrap(await client.POST('/v1/auth/logout', { body: {} }))).toBeUndefined();
    const refused = await problemOf(client.GET('/v1/auth/me').then(unwrap));
    expect(refused).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
  });

  it('shows where a list came from, and when there is nothing new', async () => {
    const { client } = await signUp();
    unwrap(await add(client));
    const [miss, hit] = [await client.GET('/v1/watchlists'), await client.GET('/v1/watchlists')];
    expect([miss, hit].map(({ response }) => response.headers.get('x-cache'))).toEqual(['MISS', 'HIT']);
    expect(unwrap(hit)).toEqual(unwrap(miss));

    const headers = { 'If-None-Match': hit.response.headers.get('etag')! };
    const same = await client.GET('/v1/watchlists', { headers });
    expect(same.response.status).toBe(304);
    expect(() => unwrap(same)).toThrow(UnexpectedAnswerError);
  });

  it('changes what nobody else has changed meanwhile', async () => {
    const { client } = await signUp();
    const added = await add(client, 'Amelie');
    const { item } = unwrap(added);
    const params = { path: { item_id: item.id }, header: { 'If-Match': etagOf(added.response) } };
    const first = await client.PATCH(ITEM, { params, body: { title: 'Amélie' } });
    expect(unwrap(first).item.title).toBe('Amélie');
    const late = await problemOf(client.PATCH(ITEM, { params, body: { title: 'AMELIE' } }).then(unwrap));
    expect(late).toMatchObject({ status: 412, code: 'PRECONDITION_FAILED' });
    const header = { 'If-Match': etagOf(first.response) };
    await client.DELETE(ITEM, { params: { ...params, header } }).then(unwrap);
  });

  it('names what is not acceptable, field by field', async () => {
    const { client } = await signUp();
    const answer = await client.POST('/v1/watchlists/items', {
      // @ts-expect-error: there is no such type, which the compiler says too
      body: { title: '', type: 'opera' },
    });
    const problem: Problem | undefined = answer.error;
    expect(problem).toMatchObject({ status: 422, code: 'VALIDATION_FAILED' });
    const { errors, requestId } = await problemOf(Promise.resolve(answer).then(unwrap));
    expect(errors.map(({ field }) => field).sort()).toEqual(['title', 'type']);
    expect(requestId).toBe(answer.response.headers.get('x-request-id'));
  });

  it('is told what is for admins only, and does it as one', async () => {
    const { client } = await signUp();
    const refused = await problemOf(client.GET('/v1/admin/stats').then(unwrap));
    expect(refused).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    const admin = createWatchlistClient(optionsFor(server));
    const { token } = await asAdmin(server);
    admin.use(authorize(async () => token));
    expect(unwrap(await admin.GET('/v1/admin/stats')).users.admins).toBeGreaterThan(0);
  });

  it('is told when it may come back, and waits if it wants to', async () => {
    const strict = await createTestApp({ env: { RATE_LIMIT_WRITE: '2/3' } });
    try {
      const { client, tokens } = await signUp(strict);
      const answers = await Promise.all([add(client), add(client), add(client)]);
      const refusals = answers.filter(({ error }) => error !== undefined);
      expect(refusals.map(({ error }) => error!.code)).toEqual(['RATE_LIMITED']);
      const { status, retryAfter } = await problemOf(Promise.resolve(refusals[0]!).then(unwrap));
      expect({ status, retryAfter }).toEqual({ status: 429, retryAfter: expect.any(Number) });

      const options = optionsFor(strict);
      const patient = createWatchlistClient({ ...options, fetch: honourRetryAfter(options) });
      patient.use(authorize(() => tokens.access_token));
      const before = sent.length;
      expect(unwrap(await add(patient, '七人の侍')).item.title).toBe('七人の侍');
      expect(sent.length - before).toBeGreaterThan(1);
    } finally {
      await strict.close();
    }
  });

  describe(authorize.name, () => {
    it('sends nothing without a token, and leaves alone what is there', async () => {
      const client = createWatchlistClient(optionsFor(server));
      client.use(authorize(() => undefined));
      expect((await client.GET('/v1/auth/me')).error?.code).toBe('UNAUTHORIZED');
      const { tokens } = await signUp();
      const headers = { authorization: `Bearer ${tokens.access_token}` };
      client.use(authorize(() => 'another'));
      unwrap(await client.GET('/v1/auth/me', { headers }));
    });
  });

  describe(renewing.name, () => {
    const renewals = () => sent.filter(({ url }) => url.endsWith('/v1/auth/refresh')).length;

    it('leaves a token alone that is good', async () => {
      const { tokens } = await signUp();
      const accessToken = renewing(optionsFor(server), tokens);
      expect(await accessToken()).toBe(tokens.access_token);
      expect(renewals()).toBe(0);
    });

    it('exchanges one that is about to expire, once for all who ask, and the next one when it is time', async () => {
      const { tokens } = await signUp();
      const accessToken = renewing(optionsFor(server), { ...tokens, expires_in: 29 });
      const given = await Promise.all(Array.from({ length: 10 }, () => accessToken()));
      expect(new Set(given).size).toBe(1);
      expect(given[0]).not.toBe(tokens.access_token);
      expect(renewals()).toBe(1);
      const renewed = createWatchlistClient(optionsFor(server));
      renewed.use(authorize(accessToken));
      unwrap(await renewed.GET('/v1/auth/me'));
      expect(renewals()).toBe(1);

      const later = Date.now() + 3600_000;
      const now = jest.spyOn(Date, 'now').mockReturnValue(later);
      const next = accessToken();
      now.mockRestore();
      expect(await next).not.toBe(given[0]);
      expect(renewals()).toBe(2);
    });

    it('says so when the session has ended, to everybody who asks', async () => {
      const { client, tokens } = await signUp();
      unwrap(await client.POST('/v1/auth/logout', { body: {} }));
      const accessToken = renewing(optionsFor(server), { ...tokens, expires_in: 0 });
      for (let time = 0; time < 2; time++) {
        expect(await problemOf(accessToken())).toMatchObject({ status: 401, code: 'INVALID_REFRESH_TOKEN' });
      }
    });
  });

  it('does in its example what the example says', async () => {
    const { code, stdout, stderr } = await runScript('clients/typescript/examples/first-steps.mjs', {
      env: { BASE_URL: server.url },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^signed in as example-.+@example\.com$/),
      expect.stringMatching(/^added Amelie as number \d+$/),
      'changed to Amélie',
      'refused: 412 PRECONDITION_FAILED',
      'VALIDATION_FAILED: title must be text of 1 to 255 characters',
      'MISS: Amélie',
      'HIT: Amélie',
      'erased',
    ]);
  });
});

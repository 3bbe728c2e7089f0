import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog } from '../src/audit/audit-log.entity.js';
import { asUser, PASSWORD, randomEmail, tokenFor } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { GithubStub } from './support/github-stub.js';
import { OtlpReceiver, type ReceivedSpan } from './support/otlp-receiver.js';
import { bytesOf, sendRawUntilClosed } from './support/raw-http.js';
import { type Answer, type Call, call, type Member, ROOMY, signUp } from './support/server-client.js';
import { build, type Exit, parseLog, type ServerProcess, startServer } from './support/server-process.js';
import { createStorage, stack, type Storage } from './support/stack.js';
import { WebhookReceiver } from './support/webhook-receiver.js';

const TITLE = 'The Conversation';
const TRACESTATE = 'vendor=what-clients-tell-each-other';
const onPostgres = stack() === 'postgres+redis';

/** What a client that is traced itself sends: `traceparent`, and the two ids that are in it. */
function traceOfClient(flags = '01') {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

/** In the order in which they began; those of one millisecond, which is all that the SDK tells, as they ended. */
const namesOf = (spans: readonly ReceivedSpan[]) =>
  [...spans].sort((a, b) => Number(a.start - b.start)).map(({ name }) => name);

jest.setTimeout(90_000);
beforeAll(build, 120_000);

describe('A server that was told where to send its spans', () => {
  let folder: string;
  let storage: Storage;
  let collector: OtlpReceiver;
  let github: GithubStub;
  let webhook: WebhookReceiver;
  let server: ServerProcess;
  let user: Member;
  let exit: Exit;
  let lines: Record<string, unknown>[];

  interface Traced {
    readonly answer: Answer;
    readonly client: ReturnType<typeof traceOfClient>;
  }
  const ask = async (what: Call): Promise<Traced> => {
    const client = traceOfClient();
    const { traceparent } = client;
    return { answer: await call(server.url, { ...what, traceparent, tracestate: TRACESTATE }), client };
  };
  const did: Record<
    'add' | 'miss' | 'hit' | 'read' | 'unknown' | 'github' | 'githubDown' | 'health' | 'login',
    Traced
  > = {} as never;

  /** All of it happens before the first test: the spans come at the end, when the server is told to go. */
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'watchlist-tracing-'));
    storage = await createStorage();
    collector = await OtlpReceiver.start();
    github = await GithubStub.start();
    webhook = await WebhookReceiver.start();
    const settings = {
      ...collector.env,
      // Nothing is sent before the end.
      OTEL_BSP_SCHEDULE_DELAY: '600000',
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: 'plenty',
    };
    const dotEnv = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(folder, '.env'), dotEnv.join(''));
    server = await startServer({
      folder,
      env: {
        ...ROOMY,
        ...storage.env,
        RATE_LIMIT_LIST: '100000/60',
        REDIS_COMMAND_TIMEOUT_MS: '5000',
        GITHUB_API_URL: github.url,
        AUDIT_WEBHOOK_URL: webhook.url,
        AUDIT_WEBHOOK_SECRET: 'a secret for tests of the webhook',
      },
    });
    user = await signUp(server.url);
    const { token } = user;
    // Who is asking is known from then on, where it can be.
    await call(server.url, { path: '/v1/auth/me', token });
    did.login = await ask({ path: '/v1/auth/login', body: { email: user.email, password: PASSWORD } });
    did.add = await ask({ path: '/v1/watchlists/items', token, body: { title: TITLE, type: 'movie' } });
    did.miss = await ask({ path: '/v1/watchlists?limit=77', token });
    did.hit = await ask({ path: '/v1/watchlists?limit=77', token });
    did.read = await ask({ path: `/v1/watchlists/items/${did.add.answer.body.item.id}`, token });
    did.unknown = await ask({ path: `/v1/secrets/${user.email}`, token });
    github.answer('server error');
    did.githubDown = await ask({ path: '/v1/external/github' });
    github.answer('ok');
    did.github = await ask({ path: '/v1/external/github' });
    did.health = await ask({ path: '/health/ready' });
    await eventually(() => expect(webhook.deliveries).toHaveLength(4));
    server.signal('SIGTERM');
    exit = await server.exited;
    lines = parseLog(exit.stdout);
  }, 90_000);
  afterAll(async () => {
    await server.remove();
    await Promise.all([collector.close(), github.close(), webhook.close(), storage.remove()]);
    rmSync(folder, { recursive: true });
  });

  const spansOf = ({ client }: Traced) => collector.inTrace(client.traceId);
  const serverSpanOf = (traced: Traced) => {
    const spans = spansOf(traced).filter(({ kind }) => kind === 'server');
    expect(spans).toHaveLength(1);
    return spans[0]!;
  };
  const childrenOf = (traced: Traced) =>
    spansOf(traced).filter(({ parentId }) => parentId === serverSpanOf(traced).spanId);

  it('has sent them all when it is gone, which it is in order', () => {
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(collector.requests[0]).toMatchObject({ path: '/v1/traces' });
  });

  it('answered as ever', () => {
    const statuses = Object.entries(did).map(([what, { answer }]) => [what, answer.status]);
    expect(Object.fromEntries(statuses)).toEqual({
      login: 200,
      add: 201,
      miss: 200,
      hit: 200,
      read: 200,
      unknown: 404,
      github: 200,
      githubDown: 502,
      health: 200,
    });
    expect([did.miss, did.hit].map(({ answer }) => answer.headers['x-cache'])).toEqual(['MISS', 'HIT']);
  });

  it.each([
    ['login', 'POST /v1/auth/login', '/v1/auth/login', 200],
    ['add', 'POST /v1/watchlists/items', '/v1/watchlists/items', 201],
    ['hit', 'GET /v1/watchlists', '/v1/watchlists', 200],
    ['read', 'GET /v1/watchlists/items/:item_id', '/v1/watchlists/items/:item_id', 200],
    ['unknown', 'GET', undefined, 404],
  ] as const)('continues the trace of who asked (%s), as %s', (what, name, route, status) => {
    const { answer, client } = did[what];
    const span = serverSpanOf(did[what]);
    expect(span).toMatchObject({ name, parentId: client.spanId, failed: false });
    expect(span.attributes).toEqual({
      'http.request.method': name.split(' ')[0],
      'url.scheme': 'http',
      ...(route && { 'http.route': route }),
      'http.response.status_code': status,
      request_id: answer.headers['x-request-id'],
    });
    expect(span.resource).toMatchObject({
      'service.name': 'watchlist-api',
      'service.instance.id': expect.any(String),
    });
  });

  it('has one tree for each request: whatever is done for it is done within it', () => {
    for (const [what, traced] of Object.entries(did)) {
      if (what === 'health') continue;
      const root = serverSpanOf(traced);
      const others = spansOf(traced).filter((span) => span !== root);
      for (const { parentId, kind, start, end } of others) {
        expect([what, parentId, kind]).toEqual([what, root.spanId, 'client']);
        expect(start >= root.start && end >= start).toBe(true);
      }
    }
  });

  it('says which statements and commands an added item took', () => {
    const names = namesOf(childrenOf(did.add));
    const [before, lastTrip, webhook] = [names.slice(0, -3), names.slice(-3, -1), names.slice(-1)];
    expect(before).toEqual([
      ...(onPostgres ? ['SELECT sessions users'] : []),
      'BEGIN',
      'WITH users watchlists owner',
      'INSERT watchlist_items watchlists',
    ]);
    // PostgreSQL gets these two together, so their spans can start at the same moment.
    expect(lastTrip.sort()).toEqual(['COMMIT', 'INSERT audit_logs']);
    expect(webhook).toEqual(['POST']);
  });

  it('says that an answer from the cache took no statement for it', () => {
    const forWho = onPostgres ? ['SELECT sessions users'] : [];
    const limit = onPostgres ? ['EVALSHA slidingLogHit'] : [];
    const lookUp = onPostgres ? ['GET'] : [];
    const keep = onPostgres ? ['SET'] : [];
    // The list's version. SQLite's server keeps it in memory once it has read it.
    const version = 'SELECT watchlists';
    expect(namesOf(childrenOf(did.hit))).toEqual([...forWho, ...limit, ...(onPostgres ? [version] : [])]);
    expect(namesOf(childrenOf(did.miss))).toEqual([
      ...forWho,
      ...limit,
      version,
      ...lookUp,
      'SELECT watchlists watchlist_items',
      ...keep,
    ]);
  });

  it('describes a statement by its text, and nothing that was given with it', () => {
    const insert = childrenOf(did.add).find(({ name }) => name === 'INSERT watchlist_items watchlists')!;
    const {
      'server.address': host,
      'server.port': port,
      'db.namespace': database,
      ...rest
    } = insert.attributes;
    expect(rest).toEqual({
      'db.system.name': onPostgres ? 'postgresql' : 'sqlite',
      'db.operation.name': 'INSERT',
      'db.query.summary': 'INSERT watchlist_items watchlists',
      'db.query.text': expect.stringMatching(/^INSERT INTO "watchlist_items" .* VALUES \(\$1, \$2, .*\)/),
    });
    const { hostname, pathname, port: given } = new URL(storage.env['DATABASE_URL']!);
    expect([host, port, database]).toEqual(
      onPostgres ? [hostname, Number(given), pathname.slice(1)] : [undefined, undefined, undefined],
    );
  });

  it('writes no number into a text either, where TypeORM does', () => {
    const texts = collector.spans.map(({ attributes }) => attributes['db.query.text']).filter(Boolean);
    expect(texts.length).toBeGreaterThan(20);
    for (const text of texts) expect(text).not.toMatch(/(?<![\w$."])\d/);
  });

  it('tells GitHub which trace it is part of, and what came of it', () => {
    const [ours] = childrenOf(did.github);
    expect(ours).toMatchObject({ kind: 'client', name: 'GET', failed: false });
    expect(ours!.attributes).toEqual({
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(github.url).port),
      'http.response.status_code': 200,
    });
    // And nothing that who asked would have it told.
    expect(github.requests.map(({ traceparent, tracestate }) => [traceparent, tracestate])).toEqual([
      [`00-${ours!.traceId}-${ours!.spanId}-01`, undefined],
    ]);
  });

  it('shows each try of a call that failed, and that the request failed with it', () => {
    const failure = { 'error.type': '500', 'http.response.status_code': 500 };
    expect(childrenOf(did.githubDown)).toEqual([
      expect.objectContaining({ failed: true, attributes: expect.objectContaining(failure) }),
      expect.objectContaining({ failed: true, attributes: expect.objectContaining(failure) }),
    ]);
    const { failed, attributes } = serverSpanOf(did.githubDown);
    expect([failed, attributes['error.type'], attributes['http.response.status_code']]).toEqual([
      true,
      '502',
      502,
    ]);
  });

  it("delivers an event within its request's trace, and tells the receiver", () => {
    const delivery = webhook.deliveries.find(({ event }) => event.action === 'watchlist_item.created')!;
    const ours = childrenOf(did.add).find(({ name }) => name === 'POST')!;
    expect(delivery.headers['traceparent']).toBe(`00-${ours.traceId}-${ours.spanId}-01`);
    expect(delivery.headers).not.toHaveProperty('tracestate');
    expect(ours.attributes).toMatchObject({
      'http.response.status_code': 204,
      request_id: did.add.answer.headers['x-request-id'],
    });
  });

  it('leaves health checks and what it does by itself alone', () => {
    expect(spansOf(did.health)).toEqual([]);
    expect(collector.spans.filter(({ attributes }) => attributes['http.route'] === '/health/ready')).toEqual(
      [],
    );
    // Background jobs and the boot leave no statements here, because they have no trace.
    const roots = collector.spans.filter(({ parentId }) => parentId === null);
    expect(namesOf(roots)).toEqual(['POST /v1/auth/register', 'POST /v1/auth/login', 'GET /v1/auth/me']);
  });

  it('sends nothing that is secret or somebody’s', () => {
    const sent = Buffer.concat(collector.bodies).toString();
    expect(sent).toContain('/v1/watchlists/items/:item_id');
    const { id } = did.add.answer.body.item;
    for (const secret of [
      PASSWORD,
      TITLE,
      TITLE.toLowerCase(),
      user.email,
      user.token,
      user.token.split('.')[2]!,
      'Bearer',
      ROOMY.JWT_SECRET,
      'limit=77',
      `/items/${id}`,
      '/hook',
      'secrets/',
      TRACESTATE,
    ])
      expect([secret, sent.includes(secret)]).toEqual([secret, false]);
  });

  it('has the ids of trace and span in every line of a traced request, beside its own', () => {
    for (const [what, traced] of Object.entries(did)) {
      const ofRequest = lines.filter(
        ({ request_id }) => request_id === traced.answer.headers['x-request-id'],
      );
      const span = what === 'health' ? undefined : serverSpanOf(traced);
      // The request, the audit's line, and what has failed.
      const alone = !['add', 'login', 'githubDown'].includes(what);
      expect([what, ofRequest.length]).toEqual([what, alone ? 1 : 2]);
      for (const { trace_id, span_id } of ofRequest)
        expect([what, trace_id, span_id]).toEqual([what, span?.traceId, span?.spanId]);
    }
    const others = lines.filter(({ request_id }) => request_id === undefined);
    expect(others.filter(({ trace_id }) => trace_id !== undefined)).toEqual([]);
  });

  it('warns of what it cannot use among the variables that only the SDK reads', () => {
    const warnings = lines.filter(({ context }) => context === 'OpenTelemetry');
    expect(warnings).toEqual([
      expect.objectContaining({
        level: 'warn',
        msg: expect.stringContaining('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT'),
      }),
    ]);
  });
});

describe('Within one process', () => {
  let collector: OtlpReceiver;
  let server: TestApp;
  let end: () => Promise<void>;
  const told: string[] = [];
  beforeEach(async () => {
    collector = await OtlpReceiver.start();
  });
  afterEach(async () => {
    await end();
    await collector.close();
    for (const name of told.splice(0)) delete process.env[name];
  });

  /** The SDK reads them itself. */
  async function serve(env: Record<string, string> = {}, storage?: Storage): Promise<void> {
    const tracing = { ...collector.env, ...env };
    for (const [name, value] of Object.entries(tracing)) {
      told.push(name);
      process.env[name] = value;
    }
    server = await createTestApp({ env: { ...tracing, CACHE_TTL_SECONDS: '0' }, storage });
    let ending: Promise<void> | undefined;
    end = () => (ending ??= server.close());
  }

  it('those who share a statement have it in the trace of each', async () => {
    await serve();
    const { id } = await asUser(server);
    const token = await tokenFor(server, id);
    const clients = Array.from({ length: 12 }, () => traceOfClient());
    // In one packet: they begin together.
    const pages = clients.map(({ traceparent }, index) =>
      bytesOf({
        path: '/v1/watchlists',
        headers: {
          authorization: `Bearer ${token}`,
          traceparent,
          connection: index === clients.length - 1 ? 'close' : 'keep-alive',
        },
      }),
    );
    const answers = await sendRawUntilClosed(server.url, Buffer.concat(pages));
    expect(answers.map(({ status }) => status)).toEqual(clients.map(() => 200));
    await end();
    for (const { traceId } of clients) {
      const statements = collector.inTrace(traceId).filter(({ name }) => name.includes('watchlist_items'));
      expect(statements).toHaveLength(1);
      expect(collector.inTrace(traceId)).toContainEqual(
        expect.objectContaining({ kind: 'server', spanId: statements[0]!.parentId }),
      );
    }
    const shared = collector.spans.filter(
      ({ attributes }) => attributes['watchlist.shared_by'] !== undefined,
    );
    // On SQLite no two readers share.
    if (onPostgres) expect(shared.length).toBeGreaterThan(0);
    for (const { attributes, traceId } of shared) {
      expect(clients.map((client) => client.traceId)).toContain(traceId);
      expect(attributes['watchlist.shared_by']).toBeGreaterThan(1);
    }
  });

  it('what is not to be recorded is not, and yet can be found by its lines', async () => {
    await serve({ OTEL_TRACES_SAMPLER: 'always_off' });
    const client = traceOfClient();
    const { headers } = await server.request().get('/v1/nothing').set({ traceparent: client.traceparent });
    await end();
    expect(collector.requests).toEqual([]);
    expect(server.logs.find(({ request_id }) => request_id === headers['x-request-id'])).toMatchObject({
      trace_id: client.traceId,
    });
  });

  it('one that nobody waits for any more ends all the same, with no status', async () => {
    await serve();
    const client = traceOfClient();
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(
      `POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ntraceparent: ${client.traceparent}\r\n` +
        'content-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
    await eventually(async () => {
      const connections = await new Promise<number>((resolve) =>
        server.app.getHttpServer().getConnections((_error: unknown, count: number) => resolve(count)),
      );
      expect(connections).toBe(1);
    });
    socket.destroy();
    const [span] = await eventually(() => {
      const spans = collector.inTrace(client.traceId);
      expect(spans).toHaveLength(1);
      return spans;
    });
    expect(span).toMatchObject({ name: 'POST /v1/auth/login', parentId: client.spanId });
    expect(span!.attributes).not.toHaveProperty('http.response.status_code');
  });

  it('a statement that fails says what kind of error it was, and not what the database said', async () => {
    await serve();
    const client = traceOfClient();
    const { id } = await asUser(server);
    const token = await tokenFor(server, id);
    await server.unitOfWork.write((manager) =>
      manager.query('ALTER TABLE audit_logs RENAME TO audit_logs_away'),
    );
    const body = { title: TITLE, type: 'movie' };
    await server
      .request()
      .post('/v1/watchlists/items')
      .set('authorization', `Bearer ${token}`)
      .set({ traceparent: client.traceparent })
      .send(body)
      .expect(500);
    await end();
    const failed = collector.inTrace(client.traceId).filter(({ failed }) => failed);
    const kinds = failed.map(({ name, attributes }) => [name, attributes['error.type']]);
    expect(kinds).toContainEqual(['INSERT audit_logs', onPostgres ? '42P01' : 'SQLITE_ERROR']);
    expect(kinds).toContainEqual(['POST /v1/watchlists/items', '500']);
    expect(Buffer.concat(collector.bodies).toString()).not.toContain('does not exist');
  });

  it('an event that is delivered after a restart is still in the trace of its request', async () => {
    const storage = await createStorage();
    const webhook = await WebhookReceiver.start();
    const hook = {
      AUDIT_WEBHOOK_URL: webhook.url,
      AUDIT_WEBHOOK_SECRET: 'a secret for tests of the webhook',
    };
    const client = traceOfClient();
    const register = () =>
      server
        .request()
        .post('/v1/auth/register')
        .set({ traceparent: client.traceparent })
        .send({ email: randomEmail(), password: PASSWORD })
        .expect(201);
    try {
      webhook.answer('gone');
      await serve(hook, storage);
      await register();
      await eventually(() => expect(webhook.deliveries).toHaveLength(1));
      await end();
      webhook.answer('ok');
      await serve(hook, storage);
      await server.unitOfWork.write((manager) =>
        manager.update(AuditLog, { action: 'user.registered' }, { deliveryDueAt: new Date(0) }),
      );
      // Looks for what is due.
      await register();
      await eventually(() => expect(new Set(webhook.acknowledged).size).toBe(2));
      await end();
    } finally {
      await end();
      await webhook.close();
      await storage.remove();
    }
    const [first] = webhook.deliveries;
    const ofFirst = webhook.deliveries.filter(({ event }) => event.id === first!.event.id);
    const posts = collector
      .inTrace(client.traceId)
      .filter(({ attributes }) => attributes['http.request.method'] === 'POST' && attributes['server.port']);
    const [failed, ...others] = posts;
    expect(failed).toMatchObject({ failed: true, attributes: { 'error.type': '410' } });
    expect(others.map((post) => post.failed)).toEqual(others.map(() => false));
    expect(ofFirst.length).toBeGreaterThanOrEqual(2);
    expect(
      posts
        .filter(({ parentId }) => parentId === failed!.parentId)
        .map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
    ).toEqual(ofFirst.map(({ headers }) => headers['traceparent']));
  });

  it('a call of GitHub that gets no answer says what kind of error that was', async () => {
    await serve();
    const client = traceOfClient();
    await server.request().get('/v1/external/github').set({ traceparent: client.traceparent }).expect(502);
    await end();
    const tries = collector.inTrace(client.traceId).filter(({ name }) => name === 'GET');
    expect(tries.map(({ attributes }) => attributes['error.type'])).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
  });

  it('a trace is taken from the headers that OTEL_PROPAGATORS names, and from no others', async () => {
    await serve({ OTEL_PROPAGATORS: 'b3' });
    const { traceId, spanId } = traceOfClient();
    await server
      .request()
      .get('/v1/nothing')
      .set({ b3: `${traceId}-${spanId}-1` });
    const other = traceOfClient();
    await server.request().get('/v1/nothing').set({ traceparent: other.traceparent });
    await end();
    expect(collector.inTrace(traceId)).toHaveLength(1);
    expect(collector.inTrace(other.traceId)).toEqual([]);
  });
});

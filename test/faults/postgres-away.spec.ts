import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { ADVISORY_LOCK } from '../../src/database/migrate.js';
import { PASSWORD, randomEmail } from '../support/actors.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/expected.js';
import { DEAD_MAIL_SERVER } from '../support/mail-server.js';
import { PostgresServer } from '../support/postgres-server.js';
import { discrepancies, readStored, RecordedWrites } from '../support/recorded-writes.js';
import { seeded } from '../support/seeded.js';
import { type Answer, call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { build, freePort, type ServerProcess, startServer } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';

jest.setTimeout(120_000);

let postgres: PostgresServer;
beforeAll(async () => {
  await build();
  postgres = await PostgresServer.create();
}, 150_000);
afterAll(() => postgres.remove());

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
}
const { paths } = JSON.parse(readFileSync(join(__dirname, '../../openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, { operationId: string }>>;
};
const OPERATIONS = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId }]): Operation => ({
    method: method.toUpperCase(),
    path: path.replace(/\{\w+\}/, '1'),
    operationId,
  })),
);
const WITHOUT_DATABASE = ['getLiveness', 'getLive', 'getReady', 'getDetailedHealth', 'getGithubStatus'];
/** Where nobody need be signed in the body is looked at before the database is asked. */
const BODIES: Record<string, () => object> = {
  register: () => ({ email: randomEmail(), password: PASSWORD }),
  login: () => ({ email: randomEmail(), password: PASSWORD }),
  forgotPassword: () => ({ email: randomEmail() }),
  resetPassword: () => ({ token: `${'A'.repeat(22)}.${'A'.repeat(43)}`, new_password: PASSWORD }),
  refresh: () => ({ refresh_token: `${'A'.repeat(22)}.0.${'A'.repeat(43)}` }),
};

const start = (databaseUrl: string, env: Record<string, string> = {}) =>
  startServer({ env: { ...ROOMY, ...DEAD_MAIL_SERVER, DATABASE_URL: databaseUrl, ...env } });

const perform = (url: string, { method, path, operationId }: Operation, { token }: Member): Promise<Answer> =>
  call(url, {
    method,
    path,
    token,
    body: BODIES[operationId]?.(),
  });

/** Every route says that the database is away, or that it does not need it. */
async function expectAway(url: string, member: Member): Promise<void> {
  const needing = OPERATIONS.filter(({ operationId }) => !WITHOUT_DATABASE.includes(operationId));
  const [answers, detailed, health, live, ready] = await Promise.all([
    Promise.all(needing.map((operation) => perform(url, operation, member))),
    call(url, { path: '/v1/health/detailed' }),
    call(url, { path: '/health' }),
    call(url, { path: '/health/live' }),
    call(url, { path: '/health/ready' }),
  ]);
  for (const answer of answers) {
    expectProblem(answer, 503, 'DEPENDENCY_DOWN');
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  }
  expect(detailed).toMatchObject({
    status: 503,
    body: { status: 'down', dependencies: { database: 'down', redis: 'disabled' } },
  });
  for (const alive of [health, live]) expect(alive).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect(ready).toMatchObject({ status: 503, body: { status: 'not_ready', reason: 'database_down' } });
}

/** More reads and writes at once than there are connections. */
function manyRequests(url: string, { token }: Member): Promise<number[]> {
  return Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      const body = n % 2 === 0 ? undefined : { title: `Title ${n}`, type: 'movie' };
      const path = body ? '/v1/watchlists/items' : '/v1/watchlists';
      return (await call(url, { path, token, body })).status;
    }),
  );
}

/** Each connection of the pool works: one that does not would be met by some of the requests, every time. */
async function expectRecovered(url: string, member: Member): Promise<void> {
  await eventually(async () => {
    expect(new Set(await manyRequests(url, member))).toEqual(new Set([200, 201]));
  });
  // They look at the clock.
  await eventually(async () => {
    for (const path of ['/v1/health/detailed', '/health/ready'])
      expect((await call(url, { path })).status).toBe(200);
  });
}

const errorsOf = (server: ServerProcess) => server.logs().filter(({ level }) => level === 'error');

describe('without PostgreSQL', () => {
  let server: ServerProcess;
  let member: Member;
  beforeAll(async () => {
    server = await start(await postgres.emptyDatabase());
    member = await signUp(server.url);
  });
  afterAll(() => server?.remove());

  it.each([
    ['is stopped', () => postgres.stop(), () => postgres.start()],
    ['is killed', () => postgres.kill(), () => postgres.start()],
    ['hangs', async () => postgres.freeze(), async () => postgres.resume()],
  ])(
    'every route that needs it answers 503 while it %s, and the same process serves again when it is back',
    async (_what, leave, comeBack) => {
      await expectRecovered(server.url, member);
      await leave();
      try {
        await expectAway(server.url, member);
        // Nor does it get worse with time.
        await expectAway(server.url, member);
      } finally {
        await comeBack();
      }
      await expectRecovered(server.url, member);
      expect(errorsOf(server)).toEqual([]);
    },
  );

  it('a server ends as it should when told to while PostgreSQL hangs', async () => {
    const other = await start(await postgres.emptyDatabase());
    try {
      await expectRecovered(other.url, await signUp(other.url));
      postgres.freeze();
      other.signal('SIGTERM');
      expect(await other.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
    } finally {
      postgres.resume();
      await other.remove();
    }
  });
});

describe('with a PostgreSQL that accepts no writes', () => {
  let admin: Client;
  let database: string;
  let server: ServerProcess;
  let member: Member;
  beforeAll(async () => {
    const databaseUrl = await postgres.emptyDatabase();
    server = await start(databaseUrl);
    member = await signUp(server.url);
    admin = new Client({ connectionString: postgres.url });
    await admin.connect();
    database = new URL(databaseUrl).pathname.slice(1);
  });
  afterAll(async () => {
    await admin?.end();
    await server?.remove();
  });

  const endConnections = () =>
    admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database]);
  const add = () =>
    call(server.url, {
      path: '/v1/watchlists/items',
      token: member.token,
      body: { title: 'Alien', type: 'movie' },
    });

  it.each([
    [
      'is a standby now',
      () => admin.query(`ALTER DATABASE "${database}" SET default_transaction_read_only = on`),
      // Connections that are open keep the old setting, as connections to the old node do after a failover.
      () => admin.query(`ALTER DATABASE "${database}" RESET default_transaction_read_only`),
      /accepts no writes \(cannot execute UPDATE in a read-only transaction\)/,
    ],
    [
      'accepts no connections, for a reason of a class that is in no list',
      () => admin.query(`ALTER DATABASE "${database}" WITH ALLOW_CONNECTIONS false`),
      () => admin.query(`ALTER DATABASE "${database}" WITH ALLOW_CONNECTIONS true`),
      /accepts no writes \(database ".*" is not currently accepting connections\)/,
    ],
  ])('that %s, it says so once and recovers at once', async (_what, takeAway, giveBack, reason) => {
    const before = server.logs().length;
    await takeAway();
    await endConnections();
    for (let time = 0; time < 3; time++) {
      expectProblem(await add(), 503, 'DEPENDENCY_DOWN');
      expect(await call(server.url, { path: '/health/ready' })).toMatchObject({
        status: 503,
        body: { reason: 'database_down' },
      });
    }
    await giveBack();
    await expectRecovered(server.url, member);
    await eventually(() => {
      const lines = server.logs().slice(before);
      expect(lines.filter(({ context }) => context === 'Database').map(({ msg }) => msg)).toEqual([
        expect.stringMatching(reason),
        'accepts writes again',
      ]);
    });
  });
});

describe('while another instance migrates the database', () => {
  it('a server is not ready, nor does it answer otherwise; it is as soon as it answers', async () => {
    const databaseUrl = await postgres.emptyDatabase();
    const other = new Client({ connectionString: databaseUrl });
    await other.connect();
    await other.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const starting = start(databaseUrl, { PORT: String(port) });
    try {
      await eventually(async () => {
        const { rows } = await other.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%try_advisory%' AND pid <> pg_backend_pid()`,
        );
        expect(rows).not.toEqual([]);
      });
      for (const path of ['/health/ready', '/health/live'])
        await expect(call(url, { path })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      await other.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCK]);
      // Refused, until the first answer of all.
      const first = await eventually(() => call(url, { path: '/health/ready' }));
      expect(first).toMatchObject({ status: 200, body: { status: 'ready' } });
    } finally {
      await other.end();
      await (await starting).remove();
    }
  });
});

describe('with a bad connection to PostgreSQL', () => {
  let databaseUrl: string;
  let proxy: TcpProxy;
  let server: ServerProcess;
  let member: Member;
  beforeAll(async () => {
    databaseUrl = await postgres.emptyDatabase();
    proxy = await TcpProxy.to(databaseUrl);
    server = await start(proxy.url);
    member = await signUp(server.url);
  });
  afterEach(() => proxy.restore());
  afterAll(async () => {
    await server?.remove();
    await proxy.cut();
  });

  it('gives up a connection on which nothing comes back any more, and makes new ones', async () => {
    await expectRecovered(server.url, member);
    proxy.forget();
    // These may meet it.
    for (const status of await manyRequests(server.url, member)) expect([200, 201, 503]).toContain(status);
    await expectRecovered(server.url, member);
    expect(errorsOf(server)).toEqual([]);
  });

  /** 57P01 (an administrator ends the connection), as the server writes it. */
  const FAREWELL = errorResponse({
    S: 'FATAL',
    V: 'FATAL',
    C: '57P01',
    M: 'terminating connection due to administrator command',
  });
  /** ReadyForQuery; the byte behind it tells whether a transaction is open. */
  const READY = Buffer.from('Z\0\0\0\x05');
  const isReady = (answer: Buffer) => answer.subarray(-6, -1).equals(READY);

  it.each([
    ['every connection, as soon as it is made', 1],
    ['a connection now and then', 5],
  ])('goes on when PostgreSQL ends %s, right behind the word that it is ready', (_which, every) =>
    seeded(async (random) => {
      const users = [await signUp(server.url), await signUp(server.url)];
      const writes = new RecordedWrites(users, 24, random);
      let ready = 0;
      proxy.dismiss({
        isCue: (answer) => isReady(answer) && ++ready % every === 0,
        farewell: FAREWELL,
      });
      proxy.breakConnections();
      const { stop } = writes.start(server.url);
      await eventually(() => expect(writes.count('refused')).toBeGreaterThan(30));
      await stop();
      await proxy.restore();
      await expectRecovered(server.url, member);
      expect(errorsOf(server)).toEqual([]);
      expect(writes.unexpected).toEqual([]);
      // The process has answered every one.
      expect(writes.count('unknown')).toBe(0);
      const stored = await readStored(databaseUrl, users);
      expect(discrepancies(writes.history, stored).slice(0, 10)).toEqual([]);
    }),
  );
});

function errorResponse(fields: Record<string, string>): Buffer {
  const body = Buffer.from(
    `${Object.entries(fields)
      .map(([key, value]) => `${key}${value}\0`)
      .join('')}\0`,
  );
  const header = Buffer.from('E\0\0\0\0');
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

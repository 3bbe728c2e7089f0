import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc, { type Arbitrary } from 'fast-check';
import { PASSWORD } from '../support/actors.js';
import { eventually } from '../support/eventually.js';
import { GithubStub } from '../support/github-stub.js';
import {
  bytesOf,
  type HostileRequest,
  hostileRequests,
  OPERATIONS,
  replayOf,
  type Tokens,
} from '../support/hostile-requests.js';
import { MailServer } from '../support/mail-server.js';
import { destinationOf, faultsOf } from '../support/judge.js';
import { type RawAnswer, RawConnection } from '../support/raw-http.js';
import { call, ROOMY, signUp } from '../support/server-client.js';
import { build, type ServerProcess, startServer } from '../support/server-process.js';
import { createPostgres, createSqlite, emptyRedis, type Storage } from '../support/stack.js';

/** Printed when a run fails; with it, and as many runs, the same requests are made up again. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 10_000);
/** On the other database, and with the default limits: far fewer, because the code before the database is the same. */
const FEWER_RUNS = RUNS * 0.04;
/** Requests under way at a time: fewer than would keep one from having its password hashed. */
const CONNECTIONS = 8;
const ITEMS = 300;
/** Of 1, when all garbage is gone. */
const HEAP_GROWTH = 0.2;

const ADMIN = { email: 'admin@example.com', password: PASSWORD };

const LIMITS = Object.keys(ROOMY).filter((name) => name.startsWith('RATE_LIMIT_'));
/** There, so that their headers are, but out of the way. */
const HIGH_LIMITS = Object.fromEntries(LIMITS.map((name) => [name, '1000000/1']));
const DEFAULT_LIMITS = Object.fromEntries(LIMITS.map((name) => [name, '']));

/** Answers SIGUSR2 by writing down what is on the heap when all garbage is gone. */
const MEASURE_HEAP = `
const { renameSync, writeFileSync } = require('node:fs');
process.on('SIGUSR2', () => {
  gc();
  setImmediate(() => {
    gc();
    writeFileSync('heap-used.draft', String(process.memoryUsage().heapUsed));
    renameSync('heap-used.draft', 'heap-used');
  });
});
`;

jest.setTimeout(600_000);
beforeAll(build, 120_000);

/** A server with an admin, a user and some items, and what has come of the requests to it so far. */
class Target {
  /** How often each status was answered, and each operation did what it is there for or refused to. */
  readonly seen = new Map<string, number>();

  private readonly requests: Arbitrary<HostileRequest>;

  private constructor(
    readonly server: ServerProcess,
    userEmail: string,
    readonly tokens: Tokens,
  ) {
    const user = { email: userEmail, password: PASSWORD };
    this.requests = hostileRequests({ user, firstFreeUserId: 10 });
  }

  static async start(env: Record<string, string>, nodeOptions: readonly string[] = []): Promise<Target> {
    const server = await startServer({
      env: { ...ROOMY, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password, ...env },
      nodeOptions,
    });
    const { body } = await call(server.url, { path: '/v1/auth/login', body: ADMIN });
    const user = await signUp(server.url);
    const created = await call(server.url, {
      path: '/v1/auth/tokens',
      token: user.token,
      body: { name: 'Script', scopes: ['items:read', 'items:write', 'profile:read'] },
    });
    return new Target(server, user.email, {
      user: user.token,
      admin: body.access_token,
      script: created.body.token,
    });
  }

  get secrets(): string[] {
    return [ROOMY.JWT_SECRET, PASSWORD, ...Object.values(this.tokens)];
  }

  async fillList(): Promise<void> {
    for (let n = 0; n < ITEMS; n++) {
      const { status } = await call(this.server.url, {
        path: '/v1/watchlists/items',
        token: this.tokens.user,
        body: { title: `Title ${n}`, type: n % 2 ? 'movie' : 'show' },
      });
      expect(status).toBe(201);
    }
  }

  /** @throws with all that was found, each as small as it could be made */
  async attack(seed: number, runs: number): Promise<void> {
    const perConnection = Math.ceil(runs / CONNECTIONS);
    const outcomes = await Promise.allSettled(
      Array.from({ length: CONNECTIONS }, (_, n) => this.attackOnOneConnection(seed + n, perConnection)),
    );
    const findings = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [String(outcome.reason)] : [],
    );
    if (findings.length > 0)
      throw new Error(
        [`FUZZ_SEED=${SEED} FUZZ_RUNS=${RUNS} makes up the same requests.`, ...findings].join('\n\n'),
      );
  }

  private async attackOnOneConnection(seed: number, numRuns: number): Promise<void> {
    const connection = new RawConnection(this.server.url);
    let first: string | undefined;
    const property = fc.asyncProperty(this.requests, async (request) => {
      try {
        const answer = await connection.send(bytesOf(request, this.tokens));
        // Where an upgrade has not been taken up, Node no longer tells the server of what is not HTTP.
        if (request.headers.some(([name]) => name === 'upgrade')) connection.close();
        const faults = faultsOf(request, answer, this.secrets);
        if (faults !== undefined) throw new Error(faults);
        this.note(request, answer);
      } catch (error) {
        first ??= replayOf(request);
        throw error;
      }
    });
    try {
      await fc.assert(property, { seed, numRuns, includeErrorInReport: true });
    } catch (error) {
      // Once the server has gone, what is smaller is no example of why.
      throw new Error(`${(error as Error).message}\nFirst seen with: ${first}`, { cause: error });
    } finally {
      connection.close();
    }
  }

  private note(request: HostileRequest, { status }: RawAnswer): void {
    const keys = [String(status)];
    const destination = destinationOf(request);
    if (destination.kind === 'operation') {
      const { method, path } = destination.operation;
      keys.push(`${method} ${path} ${status < 400 ? 'succeeds' : 'is refused'}`);
    }
    for (const key of keys) this.seen.set(key, (this.seen.get(key) ?? 0) + 1);
  }

  async heapUsed(): Promise<number> {
    const file = join(this.server.folder, 'heap-used');
    rmSync(file, { force: true });
    this.server.signal('SIGUSR2');
    await eventually(() => expect(existsSync(file)).toBe(true));
    return Number(readFileSync(file, 'utf8'));
  }

  /** What is not as it should be with the server, in words. */
  async harm(): Promise<string[]> {
    const ask = async (path: string, token?: string) => {
      const { status } = await call(this.server.url, { path, ...(token !== undefined && { token }) });
      return status === 200 ? [] : [`answers ${status} at ${path}`];
    };
    const log = this.server.logs();
    const text = JSON.stringify(log);
    return [
      ...(await ask('/health')),
      ...(await ask('/v1/watchlists', this.tokens.user)),
      ...(await ask('/v1/watchlists', this.tokens.script)),
      ...(await ask('/v1/admin/stats', this.tokens.admin)),
      ...log.filter(({ level }) => level !== 'info').map((line) => `logs ${JSON.stringify(line)}`),
      ...this.secrets.filter((secret) => text.includes(secret)).map(() => 'logs a secret'),
    ];
  }
}

async function createPostgresAndRedis(): Promise<Storage> {
  const { env, remove } = await createPostgres();
  return { env: { ...env, REDIS_URL: await emptyRedis() }, remove };
}

describe('Hostile requests', () => {
  let github: GithubStub;
  let mailServer: MailServer;
  let folder: string;
  let measuringHeap: readonly string[];
  beforeAll(async () => {
    github = await GithubStub.start();
    mailServer = await MailServer.start();
    folder = mkdtempSync(join(tmpdir(), 'watchlist-preload-'));
    const preload = join(folder, 'measure-heap.cjs');
    writeFileSync(preload, MEASURE_HEAP);
    measuringHeap = ['--expose-gc', '--require', preload];
  });
  afterAll(async () => {
    await github.close();
    await mailServer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  describe.each([
    ['on SQLite', createSqlite, RUNS],
    ...(process.env['TEST_REDIS_URL'] === undefined
      ? []
      : [['on PostgreSQL and Redis', createPostgresAndRedis, FEWER_RUNS] as const]),
  ] as const)('%s', (_what, createStorage, runs) => {
    let storage: Storage;
    let target: Target;
    const heap: number[] = [];
    beforeAll(async () => {
      storage = await createStorage();
      target = await Target.start(
        { ...HIGH_LIMITS, ...storage.env, ...mailServer.env, GITHUB_API_URL: github.url },
        measuringHeap,
      );
      await target.fillList();
    });
    afterAll(async () => {
      await target?.server.remove();
      await storage.remove();
    });

    it('are answered in good order and as the document says, every one', async () => {
      await target.attack(SEED, runs / 10);
      heap.push(await target.heapUsed());
      await target.attack(SEED + CONNECTIONS, runs - runs / 10);
      heap.push(await target.heapUsed());
      expect(target.seen.get('500')).toBeUndefined();
    });

    it('harm nothing: the same process goes on, serves who may be served, and has no error in its log', async () => {
      await expect(target.harm()).resolves.toEqual([]);
    });

    // Fewer requests do not warm the server up, and may miss a way by chance.
    if (runs < 10_000) return;

    it('leave nothing behind on the heap', () => {
      const [warm, end] = heap as [number, number];
      expect(end).toBeLessThan(warm * (1 + HEAP_GROWTH));
    });

    it('are not all alike: each operation succeeds and is refused, each in every way that it can be', () => {
      // Their tokens work once, or they take a password: test/sessions and test/account test how they succeed.
      const onlyRefused = [
        ...['refresh', 'password', 'password/reset', 'sessions/{session_id}'].map(
          (path) => `/v1/auth/${path}`,
        ),
        // Other requests delete the item or the one beside it: test/overview tests how a move succeeds.
        '/v1/watchlists/items/{item_id}/move',
        // Other requests empty the trash too often: test/trash tests how it gives items back.
        ...['watchlists', 'admin/watchlists'].map((path) => `/v1/${path}/items/{item_id}/restore`),
      ];
      const expected = [
        ...OPERATIONS.flatMap(({ method, path }) =>
          onlyRefused.includes(path) || (path === '/v1/auth/me' && method !== 'GET')
            ? [`${method} ${path} is refused`]
            : ['succeeds', 'is refused'].map((outcome) => `${method} ${path} ${outcome}`),
        ),
        ...['200', '201', '202', '204', '304', '400', '401', '403', '404', '405', '409', '413', '414'],
        ...['415', '422', '431'],
      ];
      expect(expected.filter((each) => !target.seen.has(each))).toEqual([]);
    });
  });

  describe('with the limits as they are by default', () => {
    let storage: Storage;
    let target: Target;
    beforeAll(async () => {
      storage = await createSqlite();
      target = await Target.start({
        ...DEFAULT_LIMITS,
        ...storage.env,
        ...mailServer.env,
        GITHUB_API_URL: github.url,
      });
    });
    afterAll(async () => {
      await target?.server.remove();
      await storage.remove();
    });

    it('are answered in good order too, or told when to come back', async () => {
      await target.attack(SEED, FEWER_RUNS);
      expect(target.seen.get('200')).toBeGreaterThan(0);
      expect(target.seen.get('429')).toBeGreaterThan(0);
    });
  });
});

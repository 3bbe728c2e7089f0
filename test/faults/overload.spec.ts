import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sqlite3 from 'sqlite3';
import { PASSWORD } from '../support/actors.js';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/expected.js';
import { discrepancies, readStored, type RecordedWrite } from '../support/recorded-writes.js';
import { type Answer, call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { build, type ServerProcess, startServer } from '../support/server-process.js';
import { createSqlite, type Storage } from '../support/stack.js';

const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';
const LOGIN = '/v1/auth/login';
const METRICS_TOKEN = 'a-token-for-the-tests';
/** So that reading needs the database. */
const UNCACHED = { CACHE_TTL_SECONDS: '0' };

jest.setTimeout(120_000);
beforeAll(build, 120_000);

let storage: Storage;
let server: ServerProcess;
beforeEach(async () => {
  storage = await createSqlite();
});
afterEach(async () => {
  await server.remove();
  await storage.remove();
});

async function serve(env: Record<string, string>, nodeOptions: string[] = []): Promise<void> {
  server = await startServer({ env: { ...ROOMY, ...storage.env, ...env }, nodeOptions });
}

function expectShed(answer: Answer, code: string | RegExp = 'OVERLOADED'): void {
  const said = (answer.body as { code: string }).code;
  expect(said).toMatch(code);
  expectProblem(answer, 503, said);
  expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
}

/** What is answered to requests that are asked one after the other while something else is under way. */
async function askMeanwhile(event: Promise<unknown>, ask: () => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  let isOver = false;
  void event.finally(() => (isOver = true));
  do answers.push(await ask());
  while (!isOver);
  return answers;
}

describe('A process whose event loop is kept busy', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'watchlist-overload-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('answers 503 with Retry-After to everybody but health and metrics, and serves again as soon as it is not', async () => {
    const preloaded = join(folder, 'busy.mjs');
    writeFileSync(
      preloaded,
      `let busy;
       process.on('SIGUSR2', () => {
         if (busy) busy = clearInterval(busy);
         else busy = setInterval(() => {
           for (const end = performance.now() + 250; performance.now() < end; );
         }, 1);
       });`,
    );
    await serve({ MAX_EVENT_LOOP_DELAY_MS: '100', METRICS_TOKEN }, ['--import', preloaded]);
    const ada = await eventually(() => signUp(server.url));
    const read = () => call(server.url, { path: LIST, token: ada.token });
    const write = (title: string) =>
      call(server.url, { path: ITEMS, token: ada.token, body: { title, type: 'movie' } });
    const isServed = () => eventually(async () => expect((await read()).status).toBe(200));
    await isServed();

    for (let round = 0; round < 2; round++) {
      server.signal('SIGUSR2');
      await eventually(async () => expectShed(await read()));
      for (const answer of await Promise.all([
        read(),
        write('shed'),
        call(server.url, { path: LOGIN, body: { email: ada.email, password: PASSWORD } }),
        call(server.url, { path: '/v1/external/github' }),
        call(server.url, { path: '/openapi.json' }),
      ])) {
        expectShed(answer);
      }
      for (const path of ['/health', '/health/live'])
        expect(await call(server.url, { path })).toMatchObject({ status: 200, body: { status: 'ok' } });
      // Its question may take too long.
      const { body } = await call(server.url, { path: '/health/ready' });
      expect(body.status).toMatch(/^(not_)?ready$/);
      const detailed = await call(server.url, { path: '/v1/health/detailed' });
      expect(detailed.body).toEqual({ status: expect.any(String), dependencies: expect.any(Object) });
      // Who watches over it asks just now.
      const authorization = `Bearer ${METRICS_TOKEN}`;
      const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization } });
      expect(metrics.status).toBe(200);
      expect(await metrics.text()).toContain('status="503"');
      server.signal('SIGUSR2');
      await isServed();
    }
    await eventually(async () => expect((await write('served')).status).toBe(201));
    const { items } = await readStored(storage.env['DATABASE_URL']!, [ada]);
    expect(items.map(({ title }) => title)).toEqual(['served']);
  });
});

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('1100 keep-alive connections to a process that may open 1000 files', () => {
  const sockets: Socket[] = [];
  afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));

  /** Whether the server answers a request on a connection of its own, which then stays open. */
  const isAnswered = () =>
    new Promise<boolean>((resolve) => {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname, () =>
        socket.write('GET /v1/health/detailed HTTP/1.1\r\nhost: a\r\n\r\n'),
      );
      sockets.push(socket);
      socket.once('data', () => resolve(true));
      socket.once('close', () => resolve(false));
      socket.on('error', () => undefined);
    });

  it('leave descriptors for the database: those over the limit are closed, the others are served', async () => {
    server = await startServer({
      env: { ...ROOMY, ...storage.env, ...UNCACHED, MAX_EVENT_LOOP_DELAY_MS: '60000' },
      shell: 'ulimit -n 1000; exec "$@"',
    });
    const ada = await signUp(server.url);
    const answers = await Promise.all(Array.from({ length: 1100 }, isAnswered));
    const served = answers.filter(Boolean).length;
    expect(served).toBeGreaterThan(400);
    expect(served).toBeLessThan(500);
    // Longer than the server's own timers take.
    await sleep(1500);
    expect((await call(server.url, { path: LIST, token: ada.token })).status).toBe(200);
    const body = { title: 'kept', type: 'movie' };
    expect((await call(server.url, { path: ITEMS, token: ada.token, body })).status).toBe(201);
    expect(server.logs().filter(({ msg }) => /^\d+ connections are open/.test(String(msg)))).toHaveLength(1);

    for (const socket of sockets) socket.destroy();
    await eventually(async () => expect(await isAnswered()).toBe(true));
    server.signal('SIGTERM');
    expect(await server.exited).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('A storm of 80 logins', () => {
  it('is answered as far as there is room, the rest is sent away with 503, and nobody who reads is', async () => {
    await serve({ ...UNCACHED, BCRYPT_COST: '12' });
    const ada = await signUp(server.url);
    const ben = await signUp(server.url);
    const passwords = Array.from({ length: 80 }, (_, n) => (n % 2 === 0 ? PASSWORD : `${PASSWORD}!`));
    const storm = Promise.all(
      passwords.map((password) => call(server.url, { path: LOGIN, body: { email: ada.email, password } })),
    );
    const reads = await askMeanwhile(storm, () => call(server.url, { path: LIST, token: ben.token }));
    const answers = await storm;
    expect(new Set(reads.map(({ status }) => status))).toEqual(new Set([200]));
    for (const [n, answer] of answers.entries()) {
      if (answer.status === 503) expectShed(answer);
      else expect(answer.status).toBe(passwords[n] === PASSWORD ? 200 : 401);
    }
    const shed = answers.filter(({ status }) => status === 503).length;
    expect(shed).toBeGreaterThan(0);
    // Two are hashed and sixteen wait, whatever comes.
    expect(answers.length - shed).toBeGreaterThanOrEqual(18);
    const again = await call(server.url, { path: LOGIN, body: { email: ada.email, password: PASSWORD } });
    expect(again.status).toBe(200);
  });
});

describe('More writers than may wait', () => {
  it('are sent away with 503 while the file is locked; of those nothing is kept, and afterwards all can write', async () => {
    await serve(UNCACHED);
    const ada = await signUp(server.url);
    const write = (requestId: string) =>
      call(server.url, {
        path: ITEMS,
        token: ada.token,
        requestId,
        body: { title: requestId, type: 'movie' },
      });
    const unlock = await lock(storage.env['DATABASE_URL']!);
    const storm = Promise.all(Array.from({ length: 400 }, (_, n) => write(`refused-${n}`)));
    const reads = await askMeanwhile(storm, () => call(server.url, { path: LIST, token: ada.token }));
    const refused = await storm;
    await unlock();
    expect(new Set(reads.map(({ status }) => status))).toEqual(new Set([200]));
    for (const answer of refused) expectShed(answer, /^(OVERLOADED|DEPENDENCY_DOWN)$/);
    // The first is told what is wrong, most of the others that there are too many of them.
    expect(new Set(refused.map(({ body }) => (body as { code: string }).code)).size).toBe(2);

    const accepted: Answer[] = [];
    for (let n = 0; n < 10; n++) accepted.push(await write(`accepted-${n}`));
    expect(new Set(accepted.map(({ status }) => status))).toEqual(new Set([201]));
    const history = [
      ...refused.map((_answer, n) => recorded(ada, `refused-${n}`, 'refused')),
      ...accepted.map((_answer, n) => recorded(ada, `accepted-${n}`, 'acknowledged')),
    ];
    const stored = await readStored(storage.env['DATABASE_URL']!, [ada]);
    expect(discrepancies(history, stored, { refusedMeansUndone: true })).toEqual([]);
  });
});

function recorded(user: Member, requestId: string, outcome: RecordedWrite['outcome']): RecordedWrite {
  return {
    requestId,
    action: 'watchlist_item.created',
    userId: user.id,
    itemId: null,
    changes: { title: { from: null, to: requestId }, type: { from: null, to: 'movie' } },
    outcome,
  };
}

/** As another program does that writes to the file. */
async function lock(databaseUrl: string): Promise<() => Promise<void>> {
  const other = new sqlite3.Database(databaseUrl.slice('sqlite:///'.length));
  await new Promise<void>((resolve, reject) =>
    other.exec('BEGIN IMMEDIATE', (error) => (error ? reject(error) : resolve())),
  );
  return () => new Promise<void>((resolve) => other.close(() => resolve()));
}

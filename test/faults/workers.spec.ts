import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PASSWORD } from '../support/actors.js';
import { eventually } from '../support/eventually.js';
import { sendRawUntilClosed } from '../support/raw-http.js';
import { discrepancies, readStored, RecordedWrites } from '../support/recorded-writes.js';
import { seeded } from '../support/seeded.js';
import { call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { build, parseLog, runServer, type ServerProcess, startServer } from '../support/server-process.js';
import { createPostgres, emptyRedis, type Storage } from '../support/stack.js';

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
const LIMIT = 25;
const WORKERS = {
  ...ROOMY,
  WEB_CONCURRENCY: '2',
  REDIS_COMMAND_TIMEOUT_MS: '5000',
  MAX_EVENT_LOOP_DELAY_MS: '0',
};

jest.setTimeout(180_000);
beforeAll(build, 120_000);

let storage: Storage;
let server: ServerProcess;

async function serve(env: Record<string, string> = {}): Promise<void> {
  storage = await createPostgres();
  server = await startServer({
    env: { ...WORKERS, ...storage.env, REDIS_URL: await emptyRedis(), ...env },
  });
}

async function endAll(): Promise<void> {
  // One that its primary failed to end must not outlive the test, nor keep it from ending.
  server.signal('SIGKILL');
  for (const pid of pidsOf(server).filter(isAlive)) process.kill(pid, 'SIGKILL');
  await server.remove();
  await storage.remove();
}

/** Of every worker that ever served. */
const pidsOf = ({ logs }: ServerProcess) =>
  logs()
    .filter(({ context, msg }) => context === 'NestApplication' && String(msg).includes('started'))
    .map(({ pid }) => pid as number);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The workers that serve now; their log comes in some time after they do. */
const bothWorkers = () =>
  eventually(() => {
    const pids = pidsOf(server).filter(isAlive);
    expect(pids).toHaveLength(2);
    return pids as [number, number];
  });

const messages = () => server.logs().map(({ msg }) => String(msg));
/** A process that boots while others work may take longer than anything else that is waited for. */
const afterABoot = <T>(outcome: () => T | Promise<T>) => eventually(outcome).catch(() => eventually(outcome));

const replacements = () => messages().filter((message) => /^worker \d+ is listening$/.test(message)).length;

/** The worker that answered each of these requests. */
const whoAnswered = (requestIds: string[]) =>
  eventually(() => {
    const lines = server.logs().filter(({ msg }) => msg === 'request');
    const pids = requestIds.map((id) => lines.find(({ request_id }) => request_id === id)?.['pid']);
    expect(pids).not.toContain(undefined);
    return pids as number[];
  });

/** One connection, and so one worker, for as long as it is open. */
const connection = () => new Agent({ keepAlive: true, maxSockets: 1 });

/** The statuses that come back over so many new connections, and the codes of errors, as they come. */
function healthOver(count: number): (number | string)[] {
  const outcomes: (number | string)[] = [];
  for (const agent of Array.from({ length: count }, connection)) {
    void call(server.url, { path: '/health', agent }).then(
      ({ status }) => outcomes.push(status),
      (error: NodeJS.ErrnoException) => outcomes.push(error.code!),
    );
  }
  return outcomes;
}

/** A connection to each of the two. */
async function connectionToEach(): Promise<[Agent, Agent]> {
  const agents = Array.from({ length: 8 }, connection);
  const ids = agents.map(() => randomUUID());
  for (const [n, agent] of agents.entries())
    await call(server.url, { path: '/health', agent, requestId: ids[n]! });
  const pids = await whoAnswered(ids);
  const other = pids.findIndex((pid) => pid !== pids[0]);
  expect(other).toBeGreaterThan(0);
  return [agents[0]!, agents[other]!];
}

/** A login that is with a worker and that only `finish` makes complete; it resolves with all that came back. */
async function loginInFlight({ email }: Member) {
  const body = JSON.stringify({ email, password: PASSWORD });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  let received = '';
  socket.on('data', (data) => (received += String(data)));
  socket.on('error', (error) => (received += error.message));
  const closed = once(socket, 'close');
  const headers = ['host: a', 'content-type: application/json', `content-length: ${body.length}`];
  socket.write(`POST /v1/auth/login HTTP/1.1\r\n${headers.join('\r\n')}\r\nexpect: 100-continue\r\n\r\n`);
  await eventually(() => expect(received).toMatch(/^HTTP\/1\.1 100 Continue\r\n/));
  return async function finish(): Promise<string> {
    socket.write(body);
    await closed;
    return received;
  };
}

const isListenedOn = (port: number) =>
  new Promise<boolean>((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(true));
    probe.listen(port, () => probe.close(() => resolve(false)));
  });

describe('WEB_CONCURRENCY=2', () => {
  it('is refused at boot with SQLite or without Redis, by its name and with the reason', async () => {
    const { JWT_SECRET } = ROOMY;
    const exit = await runServer({ env: { JWT_SECRET, WEB_CONCURRENCY: '2' } });
    expect(exit).toMatchObject({ code: 1, signal: null, stdout: '' });
    expect(exit.stderr.split('\n')).toEqual([
      'The environment is not usable:',
      expect.stringMatching(/^ {2}- WEB_CONCURRENCY must be 1 with SQLite.+DATABASE_URL/),
      expect.stringMatching(/^ {2}- WEB_CONCURRENCY must be 1 without REDIS_URL/),
      '',
    ]);
  });

  // Nobody answers as PostgreSQL there, nor as Redis.
  const NOWHERE = {
    DATABASE_URL: 'postgresql://ada:sesame-4711@127.0.0.1:9/x',
    REDIS_URL: 'redis://127.0.0.1:9',
  };

  it('ends with the code and, once, the message of the worker that cannot start', async () => {
    const { code, signal, stdout, stderr } = await runServer({ env: { ...WORKERS, ...NOWHERE } });
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(stderr.split('\n').filter((line) => line.includes('ECONNREFUSED'))).toHaveLength(1);
    expect(parseLog(stdout).at(-1)).toMatchObject({
      level: 'error',
      msg: expect.stringMatching(
        /^worker \d+ could not start \(exit code 1\), and no other one is listening$/,
      ),
    });
    expect(stdout + stderr).not.toContain('sesame');
  });
});

if (hasRedis) {
  describe('two workers', () => {
    let cutOff: ReturnType<typeof sendRawUntilClosed>;
    beforeAll(async () => {
      await serve({
        RATE_LIMIT_DEFAULT: `${LIMIT}/3600`,
        ADMIN_EMAIL: 'ada@example.com',
        ADMIN_PASSWORD: PASSWORD,
      });
      cutOff = sendRawUntilClosed(server.url, 'GET /health HTTP/1.1\r\nhost: a\r\n');
    });
    afterAll(endAll);

    it('share a port, each with its pid in its log lines; their primary says once that they listen and answers nothing', async () => {
      const workers = await bothWorkers();
      const [one, other] = await connectionToEach();
      const ids = [randomUUID(), randomUUID()];
      for (const [n, agent] of [one, other].entries())
        await call(server.url, { path: '/health', agent, requestId: ids[n]! });
      expect((await whoAnswered(ids)).sort()).toEqual([...workers].sort());

      const listening = server.logs().filter(({ msg }) => String(msg).startsWith('listening on'));
      expect(listening).toEqual([
        expect.objectContaining({
          pid: server.pid,
          msg: `listening on port ${new URL(server.url).port} with 2 workers; documentation at ${server.url.replace('127.0.0.1', 'localhost')}/docs`,
        }),
      ]);
      expect(workers).not.toContain(server.pid);
      const requests = server.logs().filter(({ msg }) => msg === 'request');
      expect(new Set(requests.map(({ address }) => address))).toEqual(new Set(['127.0.0.1']));
    });

    it('make the first admin once', () => {
      expect(messages().filter((message) => message === 'first admin created')).toHaveLength(1);
    });

    it('show a write through the one at once through the other, however well it has cached the list', async () => {
      const { token } = await signUp(server.url);
      const [one, other] = await connectionToEach();
      for (let count = 1; count <= 20; count++) {
        const [writer, reader] = count % 2 === 0 ? [one, other] : [other, one];
        const body = { title: `Title ${count}`, type: 'movie' };
        const written = await call(server.url, { path: '/v1/watchlists/items', token, body, agent: writer });
        expect(written.status).toBe(201);
        const read = await call(server.url, { path: '/v1/watchlists', token, agent: reader });
        expect(read.body.total).toBe(count);
        const again = await call(server.url, { path: '/v1/watchlists', token, agent: writer });
        expect(again.headers['x-cache']).toBe('HIT');
        expect(again.body).toEqual(read.body);
      }
    });

    it(`let exactly ${LIMIT} of 200 requests pass where the limit is ${LIMIT}, between them`, async () => {
      const { token } = await signUp(server.url);
      const agent = new Agent({ keepAlive: true });
      const ids = Array.from({ length: 200 }, () => randomUUID());
      const answers = await Promise.all(
        ids.map((requestId) => call(server.url, { path: '/v1/auth/me', token, agent, requestId })),
      );
      const passed = answers.filter(({ status }) => status === 200);
      const remaining = passed.map(({ headers }) => Number(headers['x-ratelimit-remaining']));
      expect(remaining.sort((a, b) => a - b)).toEqual(Array.from({ length: LIMIT }, (_, n) => n));
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(200 - LIMIT);
      expect(new Set(await whoAnswered(ids)).size).toBe(2);
      agent.destroy();
    });

    it('cut off a client that never finishes its headers', async () => {
      expect(await cutOff).toEqual([expect.objectContaining({ status: 408 })]);
    });

    it('leave nobody waiting for the one that died before it took their connection', async () => {
      const [frozen] = await bothWorkers();
      const before = replacements();
      process.kill(frozen, 'SIGSTOP');
      const outcomes = healthOver(6);
      // One is handed to the frozen worker; the others go to whom has taken the last.
      await eventually(() => expect(outcomes).toEqual(Array(5).fill(200)));
      process.kill(frozen, 'SIGKILL');
      await eventually(() => expect(outcomes).toEqual([...Array(5).fill(200), 'ECONNRESET']));
      await afterABoot(() => expect(replacements()).toBe(before + 1));
    });

    it('end when their primary is killed with -9, and the port is free again', async () => {
      const workers = await bothWorkers();
      server.signal('SIGKILL');
      await eventually(() => expect(workers.filter(isAlive)).toEqual([]));
      expect(await isListenedOn(Number(new URL(server.url).port))).toBe(false);
    });
  });

  describe('two workers in trouble', () => {
    const CLIENTS = 16;
    afterEach(endAll);

    it('go on as one when the other is killed with -9 under load, until it is replaced, and on SIGTERM end in order; every acknowledged write is there', () =>
      seeded(async (random) => {
        await serve();
        const users: Member[] = [];
        for (let n = 0; n < 4; n++) users.push(await signUp(server.url));
        const writes = new RecordedWrites(users, CLIENTS, random);
        const someMore = () => {
          const enough = writes.count('acknowledged') + 100;
          return eventually(() => expect(writes.count('acknowledged')).toBeGreaterThan(enough));
        };
        const [victim] = await bothWorkers();
        const { over } = writes.start(server.url);
        await someMore();
        process.kill(victim, 'SIGKILL');
        await someMore();
        await afterABoot(() => expect(replacements()).toBe(1));
        await bothWorkers();
        await someMore();
        // What was on its way through the victim, and at most the connection that it was just being handed.
        expect(writes.count('unknown')).toBeLessThanOrEqual(CLIENTS + 1);

        const inFlight = await Promise.all(users.slice(0, 2).map(loginInFlight));
        const workers = await bothWorkers();
        for (const pid of workers) process.kill(pid, 'SIGSTOP');
        const newcomers = healthOver(3);
        // The signal waits for them, and with it a connection or two that they have not taken.
        await sleep(200);
        server.signal('SIGTERM');
        await sleep(200);
        for (const pid of workers) process.kill(pid, 'SIGCONT');
        await eventually(() => expect(newcomers).toHaveLength(3));
        expect([200, 503, 'ECONNRESET']).toEqual(expect.arrayContaining(newcomers));
        for (const finish of inFlight)
          expect(await finish()).toMatch(/\r\nHTTP\/1\.1 200 OK\r\n[^]+\r\nconnection: close\r\n/i);
        // Not before the workers have gone too: they share its stdout.
        expect(await server.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
        expect(pidsOf(server).filter(isAlive)).toEqual([]);
        await over;
        expect(writes.unexpected).toEqual([]);
        expect(messages().filter((message) => /did not end in order/.test(message))).toEqual([]);
        expect(discrepancies(writes.history, await readStored(storage.env['DATABASE_URL']!, users))).toEqual(
          [],
        );
      }));

    it('are killed when they do not hear SIGTERM, and the exit code says so', async () => {
      await serve();
      const [deaf] = await bothWorkers();
      process.kill(deaf, 'SIGSTOP');
      server.signal('SIGTERM');
      expect(await server.exited).toMatchObject({ code: 1, signal: null, stderr: '' });
      expect(pidsOf(server).filter(isAlive)).toEqual([]);
      expect(server.logs().filter(({ level }) => level === 'error')).toEqual([
        expect.objectContaining({ msg: `worker ${deaf} did not end in order: SIGKILL` }),
      ]);
    });

    it('are replaced at a growing distance while replacements fail, and by none when nobody serves any more: the primary ends', async () => {
      await serve({ JWT_SECRET: '', JWT_SECRET_FILE: 'jwt-secret' });
      const file = join(server.folder, 'jwt-secret');
      const [first, second] = await bothWorkers();
      const pauses = () =>
        messages().flatMap((message) => /another one starts in (\d+) ms$/.exec(message)?.[1] ?? []);

      writeFileSync(file, 'no secret');
      process.kill(first, 'SIGKILL');
      await afterABoot(() => expect(pauses().slice(0, 3)).toEqual(['100', '200', '400']));
      expect((await call(server.url, { path: '/health' })).status).toBe(200);
      writeFileSync(file, ROOMY.JWT_SECRET);
      // Nor may the new one be told anything that the old ones were not.
      writeFileSync(join(server.folder, '.env'), 'LOG_LEVEL=loud\n');
      await afterABoot(() => expect(replacements()).toBe(1));

      writeFileSync(file, 'no secret');
      const third = (await bothWorkers()).find((pid) => pid !== second)!;
      for (const pid of [second, third]) process.kill(pid, 'SIGKILL');
      expect(await server.exited).toMatchObject({
        code: 1,
        signal: null,
        stderr: expect.stringContaining('JWT_SECRET_FILE must hold at least 32 bytes'),
      });
    });
  });
}

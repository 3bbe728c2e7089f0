import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { PASSWORD } from '../support/actors.js';
import { eventually } from '../support/eventually.js';
import { GatedUpstream } from '../support/gated-upstream.js';
import { discrepancies, readStored, RecordedWrites, type Stored } from '../support/recorded-writes.js';
import { type Answer, call, type Member, ROOMY, signUp } from '../support/server-client.js';
import {
  build,
  type Exit,
  parseLog,
  runServer,
  type ServerProcess,
  startServer,
} from '../support/server-process.js';
import { createPostgres, createSqlite, type Storage } from '../support/stack.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const WRITERS = 16;
const READERS = 8;
const ORDERLY = { code: 0, signal: null, stderr: '' };

jest.setTimeout(120_000);
beforeAll(build, 120_000);

describe.each([
  ['SQLite', createSqlite],
  ['PostgreSQL', createPostgres],
] as const)(
  'SIGTERM on %s, while 24 clients write and read on keep-alive connections',
  (_kind, createStorage) => {
    let storage: Storage;
    let receiver: WebhookReceiver;
    let env: Record<string, string>;
    let server: ServerProcess | undefined;
    let writes: RecordedWrites;
    let reads: RecordedRead[];
    let live: string;
    let ready: string;
    let exit: Exit;
    let log: Record<string, unknown>[];
    let stored: Stored;

    beforeAll(async () => {
      storage = await createStorage();
      receiver = await WebhookReceiver.start();
      env = {
        ...ROOMY,
        ...storage.env,
        AUDIT_WEBHOOK_URL: receiver.url,
        AUDIT_WEBHOOK_SECRET: 'webhook-secret-1234',
      };
      server = await startServer({ env });
      const users: Member[] = [];
      for (let n = 0; n < 4; n++) users.push(await signUp(server.url));

      writes = new RecordedWrites(users, WRITERS, Math.random);
      const writing = writes.start(server.url);
      const reading = readOnAndOn(server.url, users);
      await eventually(() => expect(writes.count('acknowledged')).toBeGreaterThan(40));
      // So that there is something left to deliver when the end comes.
      receiver.answer('hang');
      await eventually(() => expect(writes.count('acknowledged')).toBeGreaterThan(80));
      const { url } = server;
      const probes = await Promise.all([begin(url, '/health/live'), begin(url, '/health/ready')]);
      // Answered after they arrived: the server reads its connections in turn.
      await call(url, { path: '/health' });
      server.signal('SIGTERM');
      await eventually(() =>
        expect(call(url, { path: '/health' })).rejects.toMatchObject({ code: 'ECONNREFUSED' }),
      );
      [live, ready] = (await Promise.all(probes.map((end) => end()))) as [string, string];
      exit = await server.exited;
      await writing.over;
      reads = await reading;
      log = parseLog(exit.stdout);
      stored = await readStored(storage.env['DATABASE_URL']!, users);
    });
    afterAll(async () => {
      await server?.remove();
      await receiver.close();
      await storage.remove();
    });

    it('ends with exit code 0', () => {
      expect(exit).toMatchObject(ORDERLY);
    });

    it('is alive meanwhile, and not ready', () => {
      expect(live).toMatch(/^HTTP\/1\.1 200 /);
      expect(live).toMatch(/\r\n\r\n\{"status":"ok"\}$/);
      expect(ready).toMatch(/^HTTP\/1\.1 503 /);
      expect(ready).toMatch(/\r\n\r\n\{"status":"not_ready","reason":"shutting_down"\}$/);
    });

    it('answers everything that the server has taken on: what is not refused as SHUTTING_DOWN succeeds', () => {
      const taken = log.filter(({ msg }) => msg === 'request').map(({ request_id }) => request_id);
      const answered = new Set([
        ...writes.history.filter(({ outcome }) => outcome !== 'unknown').map(({ requestId }) => requestId),
        ...reads.filter(({ answer }) => answer !== undefined).map(({ requestId }) => requestId),
      ]);
      const ofClients = taken.filter((id) => /^(client|reader)-/.test(String(id)));
      expect(ofClients.filter((id) => !answered.has(id as string))).toEqual([]);
      expect(ofClients.length).toBe(answered.size);

      expect(writes.unexpected).toEqual([]);
      expect(reads.filter(({ answer }) => ![undefined, 200, 503].includes(answer?.status))).toEqual([]);
      for (const { answer } of reads) if (answer?.status === 503) expectShuttingDown(answer);
      const why = new Map(
        log.filter(({ msg }) => msg === 'request failed').map(({ request_id, code }) => [request_id, code]),
      );
      for (const { requestId, outcome } of writes.history) {
        // A slow disk can make a write wait for too long.
        if (outcome === 'refused') expect(why.get(requestId)).toMatch(/^(SHUTTING_DOWN|OVERLOADED)$/);
      }
    });

    it('keeps every acknowledged write with its audit row, and has done nothing that it did not acknowledge', () => {
      expect(discrepancies(writes.history, stored, { refusedMeansUndone: true })).toEqual([]);
      const unanswered = new Set(
        writes.history.filter(({ outcome }) => outcome === 'unknown').map(({ requestId }) => requestId),
      );
      expect(stored.logs.filter(({ request_id }) => unanswered.has(request_id))).toEqual([]);
    });

    it('has said every acknowledged write in the log', () => {
      const said = log.filter(({ msg }) => msg === 'audit').map(({ request_id }) => request_id as string);
      const acknowledged = writes.history
        .filter(({ outcome }) => outcome === 'acknowledged')
        .map(({ requestId }) => requestId);
      expect(said.filter((id) => id.startsWith('client-')).sort()).toEqual(acknowledged.sort());
    });

    it('delivers to the webhook after a restart what was not delivered before, and everything in the end', async () => {
      const missing = () => {
        const arrived = new Set(
          receiver.deliveries.filter(({ mode }) => mode === 'ok').map(({ event }) => event.request_id),
        );
        return stored.logs.filter(({ request_id }) => !arrived.has(request_id)).length;
      };
      expect(missing()).toBeGreaterThan(0);
      receiver.answer('ok');
      const again = await startServer({ env });
      try {
        // As long as there is progress, however slow.
        for (let left = missing(); left > 0; left = missing())
          await eventually(() => expect(missing()).toBeLessThan(left));
        again.signal('SIGTERM');
        expect(await again.exited).toMatchObject(ORDERLY);
      } finally {
        await again.remove();
      }
    });
  },
);

describe('SIGTERM', () => {
  let storage: Storage;
  beforeEach(async () => {
    storage = await createSqlite();
  });
  afterEach(() => storage.remove());

  it('with another SIGTERM and a SIGINT after it lets the request in flight finish', async () => {
    const upstream = await GatedUpstream.start();
    const server = await startServer({ env: { ...ROOMY, ...storage.env, GITHUB_API_URL: upstream.url } });
    try {
      const inFlight = call(server.url, { path: '/v1/external/github' });
      await upstream.asked();
      for (const signal of ['SIGTERM', 'SIGTERM', 'SIGINT'] as const) {
        server.signal(signal);
        // Two at once would count as one.
        await sleep(200);
      }
      await eventually(() =>
        expect(call(server.url, { path: '/health' })).rejects.toMatchObject({ code: 'ECONNREFUSED' }),
      );
      upstream.answer();
      expect((await inFlight).status).toBe(200);
      expect(await server.exited).toMatchObject(ORDERLY);
    } finally {
      await server.remove();
      upstream.close();
    }
  });

  it('during the boot ends it with exit code 0 whenever it comes, and the next start needs no help', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'watchlist-boot-'));
    const preloaded = join(folder, 'terminate.mjs');
    const env = {
      ...ROOMY,
      DATABASE_URL: 'sqlite:///watchlist.db',
      // Takes its time, between opening the database and listening.
      BCRYPT_COST: '12',
      ADMIN_EMAIL: 'ada@example.com',
      ADMIN_PASSWORD: PASSWORD,
    };
    try {
      for (const moment of [
        'true',
        `existsSync('watchlist.db.lock')`,
        `existsSync('watchlist.db-wal')`,
        ...[200, 500].map((ms) => `existsSync('watchlist.db-wal') && after(${ms})`),
      ]) {
        writeFileSync(preloaded, terminateWhen(moment));
        const exit = await runServer({ env, folder, nodeOptions: ['--import', preloaded] });
        expect({ moment, ...exit }).toMatchObject({ moment, ...ORDERLY });
      }
      const server = await startServer({ env, folder });
      try {
        const body = { email: env.ADMIN_EMAIL, password: PASSWORD };
        expect((await call(server.url, { path: '/v1/auth/login', body })).status).toBe(200);
      } finally {
        await server.remove();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** A module that sends SIGTERM to its own process, at this moment after the server began to listen for it. */
const terminateWhen = (moment: string) => `
  import { existsSync } from 'node:fs';
  let since;
  const after = (ms) => performance.now() - (since ??= performance.now()) >= ms;
  const timer = setInterval(() => {
    if (process.listenerCount('SIGTERM') === 0 || !(${moment})) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 1);`;

/** A request on a connection of its own, but for its end: that, and the whole answer, when the function is called. */
async function begin(url: string, path: string): Promise<() => Promise<string>> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n`);
  return () => {
    socket.write('\r\n');
    return text(socket);
  };
}

interface RecordedRead {
  readonly requestId: string;
  /** Absent where the connection ended instead. */
  readonly answer: Answer | undefined;
}

/** Clients who read their lists again and again, until the server is gone. */
async function readOnAndOn(url: string, users: readonly Member[]): Promise<RecordedRead[]> {
  const reads: RecordedRead[] = [];
  const client = async (n: number) => {
    for (let i = 0; ; i++) {
      const requestId = `reader-${n}-${i}`;
      try {
        const { token } = users[n % users.length]!;
        reads.push({ requestId, answer: await call(url, { path: '/v1/watchlists', token, requestId }) });
      } catch (error) {
        reads.push({ requestId, answer: undefined });
        if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return;
      }
    }
  };
  await Promise.all(Array.from({ length: READERS }, (_, n) => client(n)));
  return reads;
}

function expectShuttingDown({ headers, body }: Answer): void {
  expect(body).toMatchObject({ status: 503, code: 'SHUTTING_DOWN' });
  expect(headers).toMatchObject({
    'content-type': 'application/problem+json; charset=utf-8',
    'retry-after': expect.stringMatching(/^[1-9]\d*$/),
    connection: 'close',
  });
}

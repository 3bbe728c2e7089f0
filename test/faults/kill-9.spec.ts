import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { eventually } from '../support/eventually.js';
import { PostgresServer } from '../support/postgres-server.js';
import { discrepancies, readStored, RecordedWrites } from '../support/recorded-writes.js';
import { seeded } from '../support/seeded.js';
import { call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { build, type ServerProcess, startServer } from '../support/server-process.js';
import { createPostgres, createSqlite, type Storage } from '../support/stack.js';

const CLIENTS = 24;
const USERS = 6;
const ROUNDS = 2;

jest.setTimeout(180_000);
beforeAll(build, 120_000);

const serve = (env: Record<string, string>) => startServer({ env: { ...ROOMY, ...env } });

async function signUpSeveral(url: string): Promise<Member[]> {
  const users: Member[] = [];
  for (let n = 0; n < USERS; n++) users.push(await signUp(url));
  return users;
}

/** Some writes later, at a moment that has nothing to do with any of them. */
async function someMoment(writes: RecordedWrites, random: () => number): Promise<void> {
  const count = writes.count('acknowledged') + 20 + Math.floor(random() * 100);
  await eventually(() => expect(writes.count('acknowledged')).toBeGreaterThanOrEqual(count));
  await sleep(random() * 20);
}

/** Every write is there as its client was told, and the server shows what is there. */
async function expectNothingLost(writes: RecordedWrites, users: Member[], url: string, databaseUrl: string) {
  const stored = await readStored(databaseUrl, users);
  expect(discrepancies(writes.history, stored).slice(0, 10)).toEqual([]);
  for (const { id, token } of users) {
    const { body } = await call(url, { path: '/v1/watchlists', token });
    expect(body.total).toBe(stored.items.filter(({ user_id }) => user_id === id).length);
  }
}

describe.each([
  ['SQLite', createSqlite],
  ['PostgreSQL', createPostgres],
] as const)('kill -9 of the server on %s, while 24 clients write', (_kind, createStorage) => {
  let storage: Storage;
  let server: ServerProcess;
  beforeEach(async () => {
    storage = await createStorage();
    server = await serve(storage.env);
  });
  afterEach(async () => {
    await server?.remove();
    await storage.remove();
  });

  it('keeps every acknowledged write once and with its audit row, and no other one by half; the next start needs no help', () =>
    seeded(async (random) => {
      const users = await signUpSeveral(server.url);
      const writes = new RecordedWrites(users, CLIENTS, random);
      for (let round = 0; round < ROUNDS; round++) {
        const { over } = writes.start(server.url);
        await someMoment(writes, random);
        server.signal('SIGKILL');
        expect(await server.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
        await over;
        await server.remove();
        server = await serve(storage.env);
        expect(writes.unexpected).toEqual([]);
        await expectNothingLost(writes, users, server.url, storage.env['DATABASE_URL']!);
      }
      // It did come in the middle.
      expect(writes.count('unknown')).toBeGreaterThanOrEqual(ROUNDS);
    }));
});

describe('an end of PostgreSQL, while 24 clients write', () => {
  let postgres: PostgresServer;
  let server: ServerProcess;
  beforeAll(async () => {
    postgres = await PostgresServer.create();
    server = await serve({ DATABASE_URL: postgres.url });
  });
  afterAll(async () => {
    await server?.remove();
    await postgres.remove();
  });

  const ENDS: Record<string, () => Promise<void>> = {
    'kill -9 of all its processes': async () => {
      await postgres.kill();
      await postgres.start();
    },
    // The postmaster then ends all the others by force and recovers.
    'kill -9 of one of its processes': async () => {
      const client = new Client({ connectionString: postgres.url });
      client.on('error', () => undefined);
      await client.connect();
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE application_name = 'watchlist-api'`,
      );
      process.kill(rows[0]!.pid, 'SIGKILL');
      await new Promise((resolve) => client.once('end', resolve));
    },
    'a restart': async () => {
      await postgres.stop();
      await postgres.start();
    },
  };

  it.each(Object.keys(ENDS))(
    '(%s) keeps every acknowledged write once and with its audit row, and no other one by half; the same server process goes on',
    (name) =>
      seeded(async (random) => {
        const { url, logs } = server;
        const users = await signUpSeveral(url);
        const writes = new RecordedWrites(users, CLIENTS, random);
        const { stop } = writes.start(url);
        await someMoment(writes, random);
        await ENDS[name]!();
        await someMoment(writes, random);
        await stop();
        expect(writes.unexpected).toEqual([]);
        expect(writes.count('refused')).toBeGreaterThan(0);
        // Only PostgreSQL went away, not the server.
        expect(writes.count('unknown')).toBe(0);
        expect(logs().filter(({ level }) => level === 'error')).toEqual([]);
        await expectNothingLost(writes, users, url, postgres.url);
      }),
  );
});

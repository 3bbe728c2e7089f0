import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sqlite3 from 'sqlite3';
import { eventually } from '../support/eventually.js';
import { expectProblem } from '../support/expected.js';
import { discrepancies, readStored, RecordedWrites } from '../support/recorded-writes.js';
import { seeded } from '../support/seeded.js';
import { type Answer, call, type Member, ROOMY, signUp } from '../support/server-client.js';
import { build, type ServerProcess, startServer } from '../support/server-process.js';
import { createSqlite, type Storage } from '../support/stack.js';

jest.setTimeout(120_000);
beforeAll(build, 120_000);

let server: ServerProcess | undefined;
afterEach(() => server?.remove());

async function serve(databaseUrl: string): Promise<ServerProcess> {
  server = await startServer({ env: { ...ROOMY, DATABASE_URL: databaseUrl } });
  return server;
}

const ITEM = { title: 'Parasite', type: 'movie' };
const add = (url: string, { token }: Member): Promise<Answer> =>
  call(url, { path: '/v1/watchlists/items', token, body: ITEM });

function expectRefused(answer: Answer): void {
  expectProblem(answer, 503, 'DEPENDENCY_DOWN');
  expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
}

/** Reads are answered, with what was acknowledged and nothing else. Health tells whether writes would be. */
async function expectReadable(
  url: string,
  { token }: Member,
  total: number,
  { isWritable }: { isWritable: boolean },
): Promise<void> {
  expect(await call(url, { path: '/v1/watchlists', token })).toMatchObject({ status: 200, body: { total } });
  expect(await call(url, { path: '/v1/auth/me', token })).toMatchObject({ status: 200 });
  expect(await call(url, { path: '/health' })).toMatchObject({ status: 200 });
  await eventually(async () => {
    expect(await call(url, { path: '/v1/health/detailed' })).toMatchObject(
      isWritable ? { status: 200, body: { status: 'ok' } } : { status: 503, body: { status: 'down' } },
    );
    expect((await call(url, { path: '/health/ready' })).status).toBe(isWritable ? 200 : 503);
  });
}

/** After a kill and a new start: what was acknowledged is there, what was refused is not. */
async function expectKept(writes: RecordedWrites, users: Member[], databaseUrl: string): Promise<void> {
  server!.signal('SIGKILL');
  const { stdout } = await server!.exited;
  expect(stdout).not.toContain('"level":"error"');
  await server!.remove();
  await serve(databaseUrl);
  expect(writes.unexpected).toEqual([]);
  const stored = await readStored(databaseUrl, users);
  expect(discrepancies(writes.history, stored, { refusedMeansUndone: true }).slice(0, 10)).toEqual([]);
}

describe('a SQLite file that another process has locked', () => {
  let storage: Storage;
  let databaseUrl: string;
  let other: sqlite3.Database;
  const execute = (sql: string) =>
    new Promise<void>((resolve, reject) => other.exec(sql, (error) => (error ? reject(error) : resolve())));
  beforeEach(async () => {
    storage = await createSqlite();
    databaseUrl = storage.env['DATABASE_URL']!;
    await serve(databaseUrl);
    other = new sqlite3.Database(databaseUrl.slice('sqlite:///'.length));
    other.configure('busyTimeout', 30_000);
  });
  afterEach(async () => {
    await new Promise<void>((resolve) => other.close(() => resolve()));
    await server?.remove();
    await storage.remove();
  });

  it.each(['IMMEDIATE', 'EXCLUSIVE'])(
    'is read and not written to (%s): writes are answered 503, and the first one after that succeeds',
    async (kind) => {
      const { url } = server!;
      const member = await signUp(url);
      expect((await add(url, member)).status).toBe(201);
      await execute(`BEGIN ${kind}`);
      for (let count = 0; count < 3; count++) expectRefused(await add(url, member));
      await expectReadable(url, member, 1, { isWritable: false });
      await execute('ROLLBACK');
      expect((await add(url, member)).status).toBe(201);
      await expectReadable(url, member, 2, { isWritable: true });
    },
  );

  it('loses nothing that was acknowledged, and has nothing that was refused, when the lock comes and goes', () =>
    seeded(async (random) => {
      const { url } = server!;
      const users = [await signUp(url), await signUp(url)];
      const writes = new RecordedWrites(users, 8, random);
      const { stop } = writes.start(url);
      for (let round = 0; round < 4; round++) {
        const before = writes.count('acknowledged');
        await eventually(() => expect(writes.count('acknowledged')).toBeGreaterThan(before));
        await execute('BEGIN IMMEDIATE');
        await sleep(random() * 600);
        await execute('ROLLBACK');
      }
      await stop();
      await expectKept(writes, users, databaseUrl);
    }));
});

/** A place for the database whose space a test can take away and give back while the server runs. */
interface Place {
  readonly folder: string;
  fill(pid: number): void;
  free(pid: number): void;
  remove(): void;
}

/** A real and small file system, filled up by somebody else's file. Needs the right to mount one. */
function smallDisk(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'watchlist-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder], { stdio: 'pipe' });
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fill: () => {
      const file = openSync(ballast, 'w');
      try {
        for (const size of [65_536, 4096]) writeUntilFull(file, Buffer.alloc(size));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast),
    remove: () => {
      execFileSync('umount', [folder]);
      rmdirSync(folder);
    },
  };
}

function writeUntilFull(file: number, bytes: Buffer): void {
  try {
    for (;;) writeSync(file, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** The kernel lets the process write to files no more; for any account, but only on Linux. */
function quota(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'watchlist-quota-'));
  const limit = (pid: number, bytes: string) =>
    execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]);
  return {
    folder,
    fill: (pid) => limit(pid, '0'),
    free: (pid) => limit(pid, 'unlimited'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function canMount(): boolean {
  try {
    smallDisk().remove();
    return true;
  } catch {
    return false;
  }
}

/** What this machine lets us do. */
const PLACES = [
  ...(process.platform === 'linux' ? [{ name: 'is used up', create: quota }] : []),
  ...(canMount() ? [{ name: 'runs out on its disk', create: smallDisk }] : []),
];

for (const { name, create } of PLACES) {
  describe(`a SQLite file whose space ${name}`, () => {
    let place: Place;
    let databaseUrl: string;
    beforeEach(async () => {
      place = create();
      databaseUrl = `sqlite:///${join(place.folder, 'watchlist.db')}`;
      await serve(databaseUrl);
    });
    afterEach(async () => {
      await server?.remove();
      place.remove();
    });

    it('is read and not written to; the first write after there is space again succeeds, and a restart finds all that was acknowledged', () =>
      seeded(async (random) => {
        const { url, pid } = server!;
        const users = [await signUp(url), await signUp(url)];
        const member = await signUp(url);
        const writes = new RecordedWrites(users, 8, random);
        for (let round = 1; round <= 3; round++) {
          const { stop } = writes.start(url);
          const acknowledged = writes.count('acknowledged') + 50;
          await eventually(() => expect(writes.count('acknowledged')).toBeGreaterThan(acknowledged));
          place.fill(pid);
          const refused = writes.count('refused') + 20;
          await eventually(() => expect(writes.count('refused')).toBeGreaterThan(refused));
          await stop();
          expectRefused(await add(url, member));
          await expectReadable(url, member, round - 1, { isWritable: false });
          place.free(pid);
          expect((await add(url, member)).status).toBe(201);
        }
        await expectKept(writes, users, databaseUrl);
        await expectReadable(server!.url, member, 3, { isWritable: true });
      }));
  });
}

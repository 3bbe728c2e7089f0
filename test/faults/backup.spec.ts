import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type Actor, actingOn, asAdmin, asUser, signIn } from '../support/actors.js';
import { createTestApp, type TestApp } from '../support/create-test-app.js';
import { eventually } from '../support/eventually.js';
import { discrepancies, readStored, RecordedWrites } from '../support/recorded-writes.js';
import { build } from '../support/server-process.js';
import { copyPostgres, createPostgres, createSqlite, emptyRedis, type Storage } from '../support/stack.js';

const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';

jest.setTimeout(120_000);
beforeAll(build, 120_000);

/** The commands' working folder. Each test empties it. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'watchlist-backup-'));
});
afterEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface End {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As an operator does: in production, knowing only where the database is. */
function run(command: readonly string[], databaseUrl: string): Promise<End> {
  const [file, ...args] = command as [string, ...string[]];
  const env = { PATH: process.env['PATH'], NODE_ENV: 'production', DATABASE_URL: databaseUrl };
  return new Promise((resolve) => {
    execFile(file, args, { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}
const script = (name: string, ...args: string[]) => [
  process.execPath,
  join(__dirname, `../../dist/${name}.js`),
  ...args,
];
const urlOf = ({ env }: Storage) => env['DATABASE_URL']!;
const fileOf = (storage: Storage) => urlOf(storage).slice('sqlite:///'.length);
const backUp = (storage: Storage, ...args: string[]) => run(script('backup', ...args), urlOf(storage));
const afterRestore = (storage: Storage, ...args: string[]) =>
  run(script('after-restore', ...args), urlOf(storage));

const refused = (message: string) => ({ code: 1, stdout: '', stderr: `${message}\n` });

describe('dist/backup.js', () => {
  let storage: Storage;
  let server: TestApp;
  beforeAll(async () => {
    storage = await createSqlite();
    server = await createTestApp({ storage });
  });
  afterAll(async () => {
    await server.close();
    await storage.remove();
  });

  it('copies every write that was acknowledged before it began, while 8 clients write', async () => {
    const users = [await asUser(server), await asUser(server), await asUser(server)];
    const writes = new RecordedWrites(users, 8, Math.random);
    const { stop } = writes.start(server.url);
    await eventually(() => expect(writes.count('acknowledged')).toBeGreaterThan(100));
    const acknowledged = new Set(writes.history.filter(({ outcome }) => outcome === 'acknowledged'));

    const { code, stdout, stderr } = await backUp(storage, 'a.db');
    const during = writes.count('acknowledged');
    await eventually(() => expect(writes.count('acknowledged')).toBeGreaterThan(during));
    await stop();

    const { size, mode } = statSync(join(folder, 'a.db'));
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `a.db: ${size} bytes\n`, stderr: '' });
    expect(mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['a.db']);
    expect(writes.unexpected).toEqual([]);
    // It also checks the integrity of the file. The copy can have later writes, or not.
    const stored = await readStored(`sqlite:///${join(folder, 'a.db')}`, users);
    const history = writes.history.map((write) =>
      acknowledged.has(write) ? write : { ...write, outcome: 'unknown' as const },
    );
    expect(discrepancies(history, stored)).toEqual([]);
  });

  it('refuses to replace a file, or to write into a folder that does not exist', async () => {
    writeFileSync(join(folder, 'a.db'), 'something else');
    expect(await backUp(storage, 'a.db')).toEqual(refused('No backup was made: a.db already exists'));
    expect(readFileSync(join(folder, 'a.db'), 'utf8')).toBe('something else');
    expect(await backUp(storage, 'backups/a.db')).toEqual(
      refused('No backup was made: the folder backups does not exist'),
    );
    expect(await backUp(storage)).toEqual(
      refused('No backup was made: name one file: node dist/backup.js FILE'),
    );
    expect(readdirSync(folder)).toEqual(['a.db']);
  });

  it('refuses a database that does not exist', async () => {
    expect(await run(script('backup', 'a.db'), 'sqlite:///none.db')).toEqual(
      refused('No backup was made: DATABASE_URL names none.db, which does not exist'),
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  if (process.platform === 'linux') {
    it('leaves no file behind when the disk is full', async () => {
      const end = await run(['prlimit', '--fsize=20000', ...script('backup', 'a.db')], urlOf(storage));
      expect(end.code).toBe(1);
      expect(end.stderr).toMatch(/^No backup was made: .+\n$/);
      expect(readdirSync(folder)).toEqual([]);
    });
  }

  it('names the pg_dump command for PostgreSQL, without the password', async () => {
    const url = 'postgresql://ada:secret@db.example:5433/list?password=secret';
    expect(await run(script('backup', 'a.dump'), url)).toEqual(
      refused(
        "No backup was made: DATABASE_URL names a PostgreSQL database; run: pg_dump --format=custom --file='a.dump' 'postgresql://ada@db.example:5433/list'",
      ),
    );
  });

  it.each(['backup', 'after-restore'])('explains dist/%s.js with --help', async (name) => {
    const { code, stdout } = await run(script(name, '--help'), urlOf(storage));
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: node dist/${name}.js`);
  });
});

interface Kind {
  readonly createStorage: () => Promise<Storage>;
  /** Backs up a database that no server uses, and restores that elsewhere. */
  readonly restoreElsewhere: (storage: Storage) => Promise<Storage>;
  readonly inUse: RegExp;
  readonly notRestored: RegExp;
}

const KINDS: [string, Kind][] = [
  [
    'SQLite',
    {
      createStorage: createSqlite,
      async restoreElsewhere(storage) {
        const restored = await createSqlite();
        const { code } = await backUp(storage, fileOf(restored));
        expect(code).toBe(0);
        return restored;
      },
      inUse:
        /^Nothing was changed: DATABASE_URL names \S+, which another process uses; stop that process first/,
      notRestored: /^Nothing was changed: DATABASE_URL names \S+, which does not exist; restore the backup/,
    },
  ],
  [
    'PostgreSQL',
    {
      createStorage: () => createPostgres(),
      // Not every machine has a pg_dump that is as new as the server.
      restoreElsewhere: copyPostgres,
      inUse: /^Nothing was changed: a server is connected to the database; stop every server first\n$/,
      notRestored: /^Nothing was changed: the database has no tables of this server; restore the backup/,
    },
  ],
];

describe.each(KINDS)('dist/after-restore.js on %s', (_name, kind) => {
  const { createStorage, restoreElsewhere, inUse, notRestored } = kind;
  let original: Storage;
  let backup: Storage;
  let redis: Record<string, string>;
  let ada: Actor;
  let personalToken: string;
  /** The last ids that the original server gave, some of them after the backup. */
  let lastIds: { user: number; item: number };

  const add = async (actor: Actor, title: string): Promise<number> =>
    (await actor.post(ITEMS, { title, type: 'movie' }).expect(201)).body.item.id;
  const titlesOf = async (actor: Actor) => {
    const { body, headers } = await actor.get(LIST).expect(200);
    return { titles: (body.watchlist as { title: string }[]).map(({ title }) => title), headers };
  };

  beforeAll(async () => {
    original = await createStorage();
    // On a machine without Redis each server has a cache of its own, and nothing old can be in it.
    redis = process.env['TEST_REDIS_URL'] === undefined ? {} : { REDIS_URL: await emptyRedis() };
    const before = await createTestApp({ storage: original, env: redis });
    ada = await asAdmin(before);
    await ada.post(`/v1/admin/users/${ada.id}/password-reset`).expect(201);
    const created = await ada.post('/v1/auth/tokens', { name: 'Script', scopes: ['items:read'] }).expect(201);
    personalToken = created.body.token as string;
    await add(ada, 'Before');
    await before.close();

    backup = await restoreElsewhere(original);

    const after = await createTestApp({ storage: original, env: redis });
    const lost = actingOn(after, ada);
    lastIds = { item: await add(lost, 'Lost'), user: (await asUser(after)).id };
    expect((await titlesOf(lost)).titles).toEqual(['Lost', 'Before']);
    await after.close();
  });
  afterAll(async () => {
    await original.remove();
    await backup.remove();
  });

  let restored: Storage;
  beforeEach(async () => {
    restored = await restoreElsewhere(backup);
  });
  afterEach(() => restored.remove());

  it('ends sign-ins, empties the cache and leaves ids out; running it again is safe', async () => {
    const told = {
      code: 0,
      stdout: `Cache: empty. No answer from before the restore is served.
Sessions and password links: ended. Every user has to sign in again.
Personal tokens: kept.
Ids: each table leaves out the next 1,000,000 ids.
`,
      stderr: '',
    };
    expect(await afterRestore(restored)).toEqual(told);
    expect(await afterRestore(restored)).toEqual(told);

    const server = await createTestApp({ storage: restored, env: redis });
    await actingOn(server, ada).get('/v1/auth/me').expect(401);
    const links = await server.unitOfWork.read((manager) => manager.query('SELECT id FROM password_resets'));
    expect(links).toEqual([]);
    await actingOn(server, { ...ada, token: personalToken })
      .get(LIST)
      .expect(200);

    // The list has the version of the answer with "Lost", which Redis still holds.
    const again = actingOn(server, { ...ada, token: await signIn(server, ada.email) });
    expect(await add(again, 'After')).toBeGreaterThan(lastIds.item);
    const { titles, headers } = await titlesOf(again);
    expect(titles).toEqual(['After', 'Before']);
    expect(headers['x-cache']).toBe('MISS');
    expect((await asUser(server)).id).toBeGreaterThan(lastIds.user);
    await server.close();
  });

  it('keeps sessions and revokes personal tokens when it is told to', async () => {
    const { code, stdout } = await afterRestore(restored, '--keep-sessions', '--revoke-tokens');
    expect(code).toBe(0);
    expect(stdout).toContain('Sessions and password links: kept.\nPersonal tokens: revoked.\n');
    const server = await createTestApp({ storage: restored });
    await actingOn(server, ada).get('/v1/auth/me').expect(200);
    await actingOn(server, { ...ada, token: personalToken })
      .get(LIST)
      .expect(401);
    await server.close();
  });

  it('refuses while a server runs', async () => {
    const server = await createTestApp({ storage: restored });
    const { code, stderr } = await afterRestore(restored);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(inUse) });
    await actingOn(server, ada).get('/v1/auth/me').expect(200);
    await server.close();
  });

  it('refuses when nothing has been restored yet', async () => {
    const empty = await createStorage();
    const { code, stderr } = await afterRestore(empty);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(notRestored) });
    await empty.remove();
  });
});

it('dist/after-restore.js takes as long as it needs, whatever limit the database sets', async () => {
  const storage = await createPostgres();
  await (await createTestApp({ storage })).close();
  const client = new Client({ connectionString: urlOf(storage) });
  await client.connect();
  await client.query(`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$`);
  await client.query('CREATE TRIGGER slow BEFORE UPDATE ON cache_epoch FOR EACH ROW EXECUTE FUNCTION wait()');
  const database = new URL(urlOf(storage)).pathname.slice(1);
  await client.query(`ALTER DATABASE "${database}" SET statement_timeout = '1s'`);
  await client.end();
  expect(await afterRestore(storage)).toMatchObject({ code: 0, stderr: '' });
  await storage.remove();
});

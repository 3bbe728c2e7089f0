import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sqlite3 from 'sqlite3';
import { type DataSource, MigrationExecutor } from 'typeorm';
import { parseEnv, type PostgresDatabase } from '../../src/config/env.js';
import { backup, restore } from '../../src/database/backup/commands.js';
import { createBackup, openBackup } from '../../src/database/backup/sealed-file.js';
import { MIGRATIONS_TABLE, postgresDataSource, sqliteDataSource } from '../../src/database/data-source.js';
import { openDatabase } from '../../src/database/database.module.js';
import { ADVISORY_LOCK } from '../../src/database/migrate.js';
import { MIGRATIONS, SCHEMA } from '../../src/schema.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, signIn } from '../support/actors.js';
import { createTestApp, type TestApp, TEST_SECRET } from '../support/create-test-app.js';
import { eventually } from '../support/eventually.js';
import { discrepancies, readStored, type RecordedWrite, RecordedWrites } from '../support/recorded-writes.js';
import { createPostgres, createSqlite, emptyRedis, type Storage } from '../support/stack.js';

const KINDS = [
  ['SQLite', createSqlite],
  ['PostgreSQL', createPostgres],
] as const;

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;
if (!hasRedis) console.warn('*** NO REDIS: that nothing old is served from it is SKIPPED ***');

const CLIENTS = 8;
const LIST = '/v1/watchlists';
const ITEMS = '/v1/watchlists/items';
const TOKENS = '/v1/auth/tokens';
const ITEM = { title: 'Parasite', type: 'movie' };

jest.setTimeout(60_000);

const targetOf = ({ env }: Storage) => parseEnv({ ...env, JWT_SECRET: TEST_SECRET }).DATABASE_URL;
const sqliteFileOf = (storage: Storage) => storage.env['DATABASE_URL']!.slice('sqlite:///'.length);
const isSqlite = (storage: Storage) => targetOf(storage).type === 'sqlite';
const backUp = (storage: Storage, file: string) => backup([file], targetOf(storage));
const restoreTo = (storage: Storage, ...args: string[]) => restore(args, targetOf(storage));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'watchlist-backup-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newFile = () => join(folder, `${files++}.backup`);
/** Backups that are there, and whatever else was left behind. */
const leftIn = (place: string) => readdirSync(place).sort();

async function connected<T>(storage: Storage, use: (dataSource: DataSource) => Promise<T>): Promise<T> {
  const target = targetOf(storage);
  const dataSource =
    target.type === 'sqlite' ? sqliteDataSource(target, SCHEMA, 'write') : postgresDataSource(target, SCHEMA);
  await dataSource.initialize();
  try {
    return await use(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

/** The same backup with something else in it, and a seal that fits. */
async function forged(file: string, change: (content: Buffer) => Buffer | Promise<Buffer>): Promise<string> {
  const { size } = await openBackup(file);
  const content = await change(readFileSync(file).subarray(0, size));
  const other = newFile();
  await createBackup(other, async (draft) => writeFileSync(draft, content));
  return other;
}

const execute = (file: string, sql: string) =>
  new Promise<void>((resolve, reject) => {
    const database = new sqlite3.Database(file);
    database.exec(sql, (error) => database.close(() => (error ? reject(error) : resolve())));
  });

/** Changes what is in a SQLite backup. */
const forgedSqlite = (file: string, sql: string) =>
  forged(file, async (content) => {
    const place = newFile();
    writeFileSync(place, content);
    await execute(place, sql);
    return readFileSync(place);
  });

const forgedScript = (file: string, change: (script: string) => string) =>
  forged(file, async (content) => Buffer.from(change(content.toString())));

/** Nothing is there, as before. */
async function expectUntouched(storage: Storage): Promise<void> {
  if (isSqlite(storage)) {
    expect(leftIn(join(sqliteFileOf(storage), '..')).filter((name) => !name.endsWith('.lock'))).toEqual([]);
    return;
  }
  await connected(storage, async (dataSource) => {
    expect(
      await dataSource.query("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
    ).toEqual([]);
  });
}

describe.each(KINDS)('a backup of %s, made while 8 clients write', (_kind, createStorage) => {
  let storage: Storage;
  let first: TestApp;
  let redis: Record<string, string>;
  let file: string;
  let told: string;
  let writes: RecordedWrites;
  let acknowledged: ReadonlySet<RecordedWrite>;
  let writers: Actor[];
  let ada: Actor;
  let script: { id: number; token: string };
  let revoked: { id: number; token: string };
  /** Ada's list as it was cached under the version that she has in the backup, too. */
  let cached: { body: object; etag: string };
  let erasedId: number;
  let latest: { user: number; item: number; event: number };

  const latestEvent = (server: TestApp) =>
    server.unitOfWork.read(async (manager) => {
      const [{ id }] = (await manager.query('SELECT max(id) AS id FROM audit_logs')) as [{ id: number }];
      return Number(id);
    });

  beforeAll(async () => {
    storage = await createStorage();
    redis = hasRedis ? { REDIS_URL: await emptyRedis() } : {};
    first = await createTestApp({ storage, env: redis });
    const erased = await asUser(first);
    writers = [await asUser(first), await asUser(first), await asUser(first)];
    ada = await asAdmin(first);
    // What COPY ends with, and what it writes for NULL.
    for (const title of ['\\.', '\\N', '\u2028ß映🎬'])
      await ada.post(ITEMS, { title, type: 'show' }).expect(201);
    const token = async (name: string) =>
      (await ada.post(TOKENS, { name, scopes: ['items:read'] }).expect(201)).body as typeof script;
    script = await token('stays');
    revoked = await token('is revoked after the backup');
    await erased.delete('/v1/auth/me').send({ current_password: PASSWORD }).expect(204);
    erasedId = erased.id;
    await ada.post(`/v1/admin/users/${writers[0]!.id}/password-reset`).expect(201);

    writes = new RecordedWrites(writers, CLIENTS, Math.random);
    const { stop } = writes.start(first.url);
    await eventually(() => expect(writes.count('acknowledged')).toBeGreaterThan(100));
    acknowledged = new Set(writes.history.filter(({ outcome }) => outcome === 'acknowledged'));
    file = newFile();
    told = await backUp(storage, file);
    const during = writes.count('acknowledged');
    await eventually(() => expect(writes.count('acknowledged')).toBeGreaterThan(during + 20));
    await stop();

    // What the backup knows nothing of.
    await ada.delete(`${TOKENS}/${revoked.id}`).expect(204);
    const late = await asUser(first);
    const { body: added } = await late.post(ITEMS, ITEM).expect(201);
    const page = await ada.get(LIST).expect(200);
    cached = { body: page.body, etag: page.headers['etag'] as string };
    expect((await ada.get(LIST).expect(200)).headers['x-cache']).toBe('HIT');
    latest = { user: late.id, item: added.item.id, event: await latestEvent(first) };
    await first.close();
  });
  afterAll(async () => {
    await storage.remove();
  });

  it('is one file that only its owner may read, and says how large it is', () => {
    const { mode, size } = statSync(file);
    expect(mode & 0o777).toBe(0o600);
    expect(told).toBe(`${file}: ${size} bytes`);
    expect(leftIn(folder).filter((name) => !name.endsWith('.backup'))).toEqual([]);
  });

  it('came in the middle of the writing', () => {
    expect(writes.unexpected).toEqual([]);
    expect(writes.count('acknowledged')).toBeGreaterThan(acknowledged.size);
  });

  it('can be read without this server', async () => {
    if (isSqlite(storage)) {
      const copy = newFile();
      writeFileSync(copy, readFileSync(file));
      await execute(copy, 'PRAGMA quick_check; SELECT id FROM users');
    } else {
      expect(readFileSync(file, 'utf8')).toMatch(/^COPY "users" \("id", .*\) FROM stdin;$/m);
    }
  });

  describe('and restored', () => {
    let elsewhere: Storage;
    let second: TestApp;
    let restored: string;
    beforeAll(async () => {
      // SQLite: in the old one's place.
      elsewhere = isSqlite(storage) ? storage : await createStorage();
      restored = await restoreTo(elsewhere, file, '--replace');
      const stored = await readStored(elsewhere.env['DATABASE_URL']!, writers as never);
      // What was acknowledged later may be in it or not.
      const history = writes.history.map((write): RecordedWrite =>
        acknowledged.has(write) ? write : { ...write, outcome: 'unknown' },
      );
      expect(discrepancies(history, stored).slice(0, 10)).toEqual([]);
      second = await createTestApp({ storage: elsewhere, env: redis });
    });
    afterAll(async () => {
      await second?.close();
      await elsewhere.remove();
    });

    it('has every write that was acknowledged before, once and with its audit row, and none by half', async () => {
      // beforeAll has looked; and this is what the server shows of it.
      for (const writer of writers) {
        const token = await signIn(second, writer.email);
        const { body } = await actingOn(second, { ...writer, token })
          .get(`${LIST}?limit=1`)
          .expect(200);
        const [{ count }] = (await second.unitOfWork.read((manager) =>
          manager.query(`SELECT count(*) AS count FROM watchlist_items WHERE user_id = ${writer.id}`),
        )) as [{ count: string }];
        expect(body.total).toBe(Number(count));
      }
    });

    it('says of when it is, and what became of sign-ins and of what was there', async () => {
      const { takenAt } = await openBackup(file);
      expect(restored).toContain(`Restored as of ${takenAt}.`);
      expect(restored).toContain('Everybody has to sign in again. Personal tokens are as they were then.');
      if (!isSqlite(elsewhere)) return;
      const [, kept] = /What was there before is (\S+)\./.exec(restored)!;
      const before = await readStored(`sqlite:///${kept}`, writers as never);
      expect(discrepancies(writes.history, before)).toEqual([]);
    });

    it('serves nothing that was cached for the old database, though the versions are the same', async () => {
      const token = await signIn(second, ada.email);
      const again = actingOn(second, { ...ada, token });
      const page = await again.get(LIST).set('if-none-match', cached.etag).expect(200);
      expect(page.body).toEqual(cached.body);
      expect(page.headers['x-cache']).toBe('MISS');
      expect(page.headers['etag']).not.toBe(cached.etag);
      expect((await again.get(LIST).expect(200)).headers['x-cache']).toBe('HIT');
    });

    it('knows nobody by an old session, nor by a link to a new password', async () => {
      for (const { token } of [ada, ...writers])
        await actingOn(second, { ...ada, token })
          .get('/v1/auth/me')
          .expect(401);
      expect(
        await second.unitOfWork.read((manager) => manager.query('SELECT id FROM password_resets')),
      ).toEqual([]);
    });

    it('knows scripts by their personal tokens; also by one that was revoked later', async () => {
      const ask = ({ token }: { token: string }) => actingOn(second, { ...ada, token }).get(LIST);
      expect((await ask(script)).status).toBe(200);
      expect((await ask(revoked)).status).toBe(200);
    });

    it('gives no id that the old one gave, also not after the backup', async () => {
      const next = await asUser(second);
      const { body } = await next.post(ITEMS, ITEM).expect(201);
      expect(next.id).toBeGreaterThan(latest.user);
      expect(next.id).toBeGreaterThan(erasedId);
      expect(body.item.id).toBeGreaterThan(latest.item);
      expect(await latestEvent(second)).toBeGreaterThan(latest.event);
      const [{ id }] = (await second.unitOfWork.read((manager) =>
        manager.query('SELECT min(id) AS id FROM audit_logs WHERE actor_id = $1', [next.id]),
      )) as [{ id: number }];
      expect(Number(id)).toBeGreaterThan(latest.event);
    });

    it('can be backed up again', async () => {
      const again = newFile();
      await backUp(elsewhere, again);
      expect((await openBackup(again)).kind).toBe(targetOf(elsewhere).type);
    });
  });

  it('is restored with sessions and without personal tokens, when that is asked for', async () => {
    const elsewhere = await createStorage();
    const restored = await restoreTo(elsewhere, file, '--keep-sessions', '--revoke-tokens');
    expect(restored).toContain('Sessions are as they were then. Personal tokens are revoked.');
    const third = await createTestApp({ storage: elsewhere });
    await actingOn(third, ada).get('/v1/auth/me').expect(200);
    await actingOn(third, { ...ada, token: script.token })
      .get(LIST)
      .expect(401);
    expect((await actingOn(third, ada).get(TOKENS).expect(200)).body).toMatchObject({ tokens: [] });
    await third.close();
    await elsewhere.remove();
  });
});

describe.each([
  ['with hard links', () => undefined],
  [
    'without hard links',
    () => void jest.spyOn(fs, 'link').mockRejectedValue(Object.assign(new Error('EPERM'), { code: 'EPERM' })),
  ],
])('on a file system %s', (_which, prepare) => {
  beforeEach(prepare);
  afterEach(() => jest.restoreAllMocks());

  const fill = async (draft: string) => writeFileSync(draft, 'a backup');

  it('a backup is one file that only its owner may read', async () => {
    const before = leftIn(folder);
    const file = newFile();
    const size = await createBackup(file, fill);
    expect(statSync(file)).toMatchObject({ size, mode: 0o100600 });
    expect(await openBackup(file)).toMatchObject({ size: 'a backup'.length });
    expect(leftIn(folder)).toEqual([...before, basename(file)].sort());
  });

  it.each<[string, (file: string) => void, (file: string) => string]>([
    ['a file', (file) => writeFileSync(file, "somebody's"), (file) => readFileSync(file, 'utf8')],
    ['a link that leads nowhere', (file) => symlinkSync("somebody's", file), (file) => readlinkSync(file)],
  ])('%s is not overwritten, whenever it came to be there', async (_what, put, read) => {
    const before = leftIn(folder);
    const early = newFile();
    put(early);
    await expect(createBackup(early, fill)).rejects.toThrow('is there already and is not overwritten');
    const late = newFile();
    const during = createBackup(late, async (draft) => {
      put(late);
      await fill(draft);
    });
    await expect(during).rejects.toThrow('is there already and is not overwritten');
    expect([early, late].map(read)).toEqual(["somebody's", "somebody's"]);
    expect(leftIn(folder)).toEqual([...before, basename(early), basename(late)].sort());
  });
});

describe.each(KINDS)('on %s', (_kind, createStorage) => {
  let source: Storage;
  let server: TestApp;
  let file: string;
  beforeAll(async () => {
    source = await createStorage();
    server = await createTestApp({ storage: source });
    const user = await asUser(server);
    for (let n = 0; n < 40; n++) await user.post(ITEMS, ITEM).expect(201);
    file = newFile();
    await backUp(source, file);
  });
  afterAll(async () => {
    await server.close();
    await source.remove();
  });

  /** What is there stays out of it, but for the last tests. */
  let empty: Storage;
  beforeAll(async () => {
    empty = await createStorage();
  });
  afterAll(() => empty.remove());

  describe('no backup is made', () => {
    let before: string[];
    beforeEach(() => {
      before = leftIn(folder);
    });
    afterEach(() => {
      expect(leftIn(folder)).toEqual(before);
    });

    it('in the place of another', async () => {
      const content = readFileSync(file);
      await expect(backUp(source, file)).rejects.toThrow(
        `No backup was made: ${file} is there already and is not overwritten`,
      );
      expect(readFileSync(file).equals(content)).toBe(true);
    });

    it.each([
      ['in a folder that is not there', () => join(folder, 'nowhere', 'a.backup'), 'ENOENT'],
      ['in something that is no folder', () => join(file, 'a.backup'), 'ENOTDIR'],
    ])('%s', async (_where, place, word) => {
      await expect(backUp(source, place())).rejects.toThrow(word);
    });

    it('of nothing', async () => {
      await expect(backUp(empty, newFile())).rejects.toThrow(
        /No backup was made: .*(is not there|does not have this version's tables)/,
      );
    });

    it.each([[[]], [['']], [['one', 'two']], [['--all', 'one']]])(
      'without one name of a file: %j',
      async (args) => {
        await expect(backup(args, targetOf(source))).rejects.toThrow('node dist/backup.js FILE');
      },
    );
  });

  describe('nothing is restored, and nothing changed', () => {
    afterEach(() => expectUntouched(empty));

    const damaged = (change: (content: Buffer) => Buffer | string) => {
      const other = newFile();
      writeFileSync(other, change(readFileSync(file)));
      return other;
    };
    it.each<[string, (content: Buffer) => Buffer | string, string]>([
      ['that is half of one', (content) => content.subarray(0, content.length / 2), 'last line is missing'],
      ['that lacks its last byte', (content) => content.subarray(0, -1), 'last line is missing'],
      [
        'with something behind its end',
        (content) => Buffer.concat([content, content.subarray(-1)]),
        'last line',
      ],
      [
        'with one bit turned over',
        (content) => {
          content[content.length >> 1]! ^= 4;
          return content;
        },
        'damaged or has been altered',
      ],
      [
        'with a piece left out',
        (content) => Buffer.concat([content.subarray(0, 5000), content.subarray(5100)]),
        'damaged or has been altered',
      ],
      [
        'that states another time',
        (content) => Buffer.from(content.toString('latin1').replace(/(backup 1 )\d{4}/, '$12000'), 'latin1'),
        'damaged or has been altered',
      ],
      [
        'of a format that is not known yet',
        (content) =>
          Buffer.from(content.toString('latin1').replace(/(watchlist-api backup )1/, '$12'), 'latin1'),
        'newer version',
      ],
      ['that is empty', () => '', 'last line is missing'],
      ['that is something else', () => 'INSERT INTO users;\n'.repeat(100), 'last line is missing'],
    ])('from a file %s', async (_what, change, words) => {
      await expect(restoreTo(empty, damaged(change))).rejects.toThrow(words);
    });

    it.each([
      ['that is not there', () => join(folder, 'nowhere'), 'ENOENT'],
      ['that is a folder', () => folder, 'is not a regular file'],
      [
        'that is a pipe, which nobody writes into',
        () => {
          const pipe = newFile();
          execFileSync('mkfifo', [pipe]);
          return pipe;
        },
        'is not a regular file',
      ],
    ])('from a file %s', async (_what, place, word) => {
      await expect(restoreTo(empty, place())).rejects.toThrow(new RegExp(`Nothing was restored: .*${word}`));
    });

    it('with an option that is not known', async () => {
      await expect(restoreTo(empty, file, '--force')).rejects.toThrow('node dist/restore.js FILE');
    });

    it('from a backup whose migrations are not known', async () => {
      const newer = isSqlite(source)
        ? await forgedSqlite(file, `INSERT INTO ${MIGRATIONS_TABLE} (timestamp, name) VALUES (1, 'Later1')`)
        : await forgedScript(file, (script) => script.replace('],"lastIds"', ',"Later1"],"lastIds"'));
      await expect(restoreTo(empty, newer)).rejects.toThrow('another version');
    });
  });

  it('a backup of an older version is restored as it is, and the start of a server brings it up to date', async () => {
    const last = MIGRATIONS.slice(-2).map(({ name }) => name);
    expect(last).toEqual(['CreatePersonalTokens1795514400000', 'AddAuditTraceparent1795600800000']);
    const older = isSqlite(source)
      ? await forgedSqlite(
          file,
          `DROP TABLE personal_tokens; ALTER TABLE audit_logs DROP COLUMN traceparent; DELETE FROM ${MIGRATIONS_TABLE} WHERE name IN ('${last.join("', '")}')`,
        )
      : await forgedScript(file, (script) =>
          script
            .replace(last.map((name) => `,"${name}"`).join(''), '')
            .replace(/,"personal_tokens":\d+/, '')
            .replace(/COPY "personal_tokens"[^;]*;\n\\\.\n/, '')
            .replace(/COPY "audit_logs"[^]*?\n\\\.\n/, (block) =>
              block.replace(/,\s*"traceparent"\)/, ')').replaceAll(/\t\\N$/gm, ''),
            ),
        );
    await restoreTo(empty, older, '--revoke-tokens');
    const restored = await createTestApp({ storage: empty });
    const user = await asUser(restored);
    await user.post(TOKENS, { name: 'New', scopes: ['items:read'] }).expect(201);
    const [{ count }] = (await restored.unitOfWork.read((manager) =>
      manager.query('SELECT count(*) AS count FROM watchlist_items'),
    )) as [{ count: string }];
    expect(Number(count)).toBe(40);
    await restored.close();
    const drift = await connected(empty, (dataSource) => dataSource.driver.createSchemaBuilder().log());
    expect(drift.upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('a server of an older version starts on a database that a newer one has added to', async () => {
    await connected(empty, async (dataSource) => {
      await dataSource.query('CREATE TABLE later (id INTEGER)');
      await dataSource.query(`INSERT INTO ${MIGRATIONS_TABLE} (timestamp, name) VALUES (1, 'Later1')`);
    });
    const older = await createTestApp({ storage: empty });
    const { status } = await (await asUser(older)).post(ITEMS, ITEM);
    expect(status).toBe(201);
    await older.close();
  });
});

describe('on SQLite', () => {
  let storage: Storage;
  let file: string;
  const place = () => join(sqliteFileOf(storage), '..');
  beforeAll(async () => {
    storage = await createSqlite();
    const server = await createTestApp({ storage });
    await asUser(server);
    file = newFile();
    await backUp(storage, file);
    await server.close();
  });
  afterAll(() => storage.remove());

  it('nothing is restored under a server', async () => {
    const server = await createTestApp({ storage });
    await expect(restoreTo(storage, file, '--replace')).rejects.toThrow('another process serves');
    const link = `${file}.link`;
    symlinkSync(sqliteFileOf(storage), link);
    const named = { ...storage, env: { ...storage.env, DATABASE_URL: `sqlite:///${link}` } };
    await expect(restoreTo(named, file, '--replace')).rejects.toThrow('another process serves');
    const { status } = await (await asUser(server)).post(ITEMS, ITEM);
    expect(status).toBe(201);
    await server.close();
  });

  it('nothing is restored over a database unless that is said', async () => {
    const before = readFileSync(sqliteFileOf(storage));
    await expect(restoreTo(storage, file)).rejects.toThrow('--replace');
    expect(readFileSync(sqliteFileOf(storage)).equals(before)).toBe(true);
    expect(leftIn(place())).toEqual(['watchlist.db', 'watchlist.db.lock']);
  });

  it('nothing is restored from a database that was damaged before it was sealed', async () => {
    const other = await forged(file, async (content) => Buffer.from(content).fill(0xff, 4096, 8192));
    await expect(restoreTo(storage, other, '--replace')).rejects.toThrow(/damaged|malformed/);
    const dangling = await forgedSqlite(file, 'PRAGMA foreign_keys = 0; UPDATE sessions SET user_id = 4711');
    await expect(restoreTo(storage, dangling, '--replace')).rejects.toThrow('refers to what is not there');
    const foreign = await forgedSqlite(file, `DROP TABLE ${MIGRATIONS_TABLE}`);
    await expect(restoreTo(storage, foreign, '--replace')).rejects.toThrow('another version');
    expect(leftIn(place())).toEqual(['watchlist.db', 'watchlist.db.lock']);
  });

  it("no backup is made of another program's file, or of an empty one", async () => {
    const foreign = await createSqlite();
    writeFileSync(sqliteFileOf(foreign), '');
    await expect(backUp(foreign, newFile())).rejects.toThrow('there is nothing in');
    await execute(sqliteFileOf(foreign), 'CREATE TABLE users (id INTEGER)');
    await expect(backUp(foreign, newFile())).rejects.toThrow('another program');
    await foreign.remove();
  });

  it.each(['-wal', '-shm', '-journal'])(
    'a ruined database is set aside, and what is left of it in its %s is not taken for that of the new one',
    async (companion) => {
      const ruined = Buffer.alloc(50_000, 'ruined');
      writeFileSync(sqliteFileOf(storage), ruined);
      writeFileSync(sqliteFileOf(storage) + companion, ruined);
      const [, kept] = /What was there before is (\S+)\./.exec(await restoreTo(storage, file, '--replace'))!;
      expect(readFileSync(kept!).equals(ruined)).toBe(true);
      expect(existsSync(sqliteFileOf(storage) + companion)).toBe(false);
      const database = await openDatabase(targetOf(storage), SCHEMA);
      const damage = await database.read((manager) => manager.query('PRAGMA integrity_check'));
      expect(damage).toEqual([{ integrity_check: 'ok' }]);
      await database.close();
    },
  );

  it('a backup of PostgreSQL is not taken for one, nor the other way round', async () => {
    const postgres = await createPostgres();
    await expect(restoreTo(postgres, file)).rejects.toThrow('sqlite');
    await (await openDatabase(targetOf(postgres), SCHEMA)).close();
    const other = newFile();
    await backUp(postgres, other);
    await expect(restoreTo(storage, other, '--replace')).rejects.toThrow('postgres');
    await postgres.remove();
  });
});

describe('on PostgreSQL', () => {
  let storage: Storage;
  let empty: Storage;
  let file: string;
  beforeAll(async () => {
    storage = await createPostgres();
    const server = await createTestApp({ storage });
    await (await asUser(server)).post(ITEMS, ITEM).expect(201);
    await server.close();
    file = newFile();
    await backUp(storage, file);
  });
  afterAll(() => storage.remove());
  beforeEach(async () => {
    empty = await createPostgres();
  });
  afterEach(() => empty.remove());

  it('nothing is restored into a database that has something in it', async () => {
    await expect(restoreTo(storage, file)).rejects.toThrow('is not empty');
    await connected(empty, (dataSource) => dataSource.query('CREATE SEQUENCE somebodys'));
    await expect(restoreTo(empty, file)).rejects.toThrow('is not empty (it has somebodys)');
  });

  it('nothing is restored under a server, though somebody has emptied its database', async () => {
    const server = await createTestApp({ storage: empty });
    await connected(empty, (dataSource) =>
      dataSource.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public'),
    );
    await expect(restoreTo(empty, file)).rejects.toThrow('a server is connected');
    await server.close();
    await restoreTo(empty, file);
  });

  it('nothing is restored while a server is about to migrate', async () => {
    const server = postgresDataSource(targetOf(empty) as PostgresDatabase, SCHEMA, {
      applicationName: 'starting',
    });
    await server.initialize();
    const runner = server.createQueryRunner();
    await runner.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await expect(restoreTo(empty, file)).rejects.toThrow('a server is starting');
    await runner.release();
    await server.destroy();
  });

  it('of a backup that breaks off, or has something in it that does not belong there, nothing is restored', async () => {
    const changes: [(script: string) => string, RegExp][] = [
      [(script) => script.replace(/^(COPY "users".*\n)(.*\n)/m, '$1$2$2'), /duplicate key/],
      [(script) => script.replace(/^(COPY "users".*\n)(.*\n)/m, '$1'), /foreign key/],
      [(script) => `${script}COPY "pg_authid" ("oid") FROM stdin;\n\\.\n`, /not a table/],
      [(script) => `${script}DROP TABLE users;\n`, /not a table/],
      [(script) => script.slice(0, -4), /middle of a table/],
      [(script) => script.slice(script.indexOf('\n') + 1), /does not begin/],
      [(script) => script.replace('"lastIds"', '"ids"'), /does not begin/],
      [(script) => script.replace(/\[.*\]/, '[]'), /another version/],
    ];
    for (const [change, reason] of changes) {
      await expect(restoreTo(empty, await forgedScript(file, change))).rejects.toThrow(reason);
      await expectUntouched(empty);
    }
    // And the database can be used.
    await restoreTo(empty, file);
  });

  it('no backup is made of a database whose migrations are not those of this version', async () => {
    await restoreTo(empty, file);
    const undo = () =>
      connected(empty, (dataSource) => new MigrationExecutor(dataSource).undoLastMigration());
    await undo();
    await expect(backUp(empty, newFile())).rejects.toThrow('another version');
    await undo();
    await expect(backUp(empty, newFile())).rejects.toThrow("does not have this version's tables");
    await (await openDatabase(targetOf(empty), SCHEMA)).close();
    await connected(empty, (dataSource) =>
      dataSource.query(`INSERT INTO ${MIGRATIONS_TABLE} (timestamp, name) VALUES (1, 'Later1')`),
    );
    await expect(backUp(empty, newFile())).rejects.toThrow('another version');
  });

  it('a backup is made and restored whatever the database makes of dates by itself', async () => {
    await connected(storage, async (dataSource) => {
      const name = (await dataSource.query<{ name: string }[]>('SELECT current_database() AS name'))[0]!.name;
      await dataSource.query(`ALTER DATABASE ${name} SET datestyle = 'SQL, DMY'`);
      await dataSource.query(`ALTER DATABASE ${name} SET timezone = 'Asia/Kathmandu'`);
    });
    const other = newFile();
    await backUp(storage, other);
    await restoreTo(empty, other);
    const users = (each: Storage) =>
      connected(each, (dataSource) =>
        dataSource.query('SELECT id, email, extract(epoch FROM created_at) AS at FROM users'),
      );
    expect(await users(empty)).toEqual(await users(storage));
  });

  it('no server, no backup and no restoring', async () => {
    const nowhere = { ...empty, env: { DATABASE_URL: 'postgresql://127.0.0.1:9/watchlist' } };
    const before = leftIn(folder);
    await expect(backUp(nowhere, newFile())).rejects.toThrow('ECONNREFUSED');
    await expect(restoreTo(nowhere, file)).rejects.toThrow('ECONNREFUSED');
    expect(leftIn(folder)).toEqual(before);
  });

  it('what docs/operations.md says to do after pg_restore gives a new epoch, and leaves ids out', async () => {
    const guide = readFileSync(join(__dirname, '../../docs/operations.md'), 'utf8');
    const [, sql] = /```sql\n([^`]*cache_epoch[^`]*)```/.exec(guide)!;
    await restoreTo(empty, file, '--keep-sessions');
    const state = () =>
      connected(empty, async (dataSource) => ({
        epoch: (await dataSource.query<{ epoch: string }[]>('SELECT epoch FROM cache_epoch'))[0]!.epoch,
        signIns: await dataSource.query('SELECT id FROM sessions'),
        lastIds: await dataSource.query<{ name: string; last: string }[]>(
          `SELECT sequencename AS name, last_value AS last FROM pg_sequences
           WHERE sequencename NOT LIKE '${MIGRATIONS_TABLE}%' ORDER BY 1`,
        ),
      }));
    const before = await state();
    expect(before.signIns).toHaveLength(1);
    await connected(empty, (dataSource) => dataSource.query(sql!));
    const after = await state();
    expect(after.epoch).toMatch(/^[0-9a-f]{12}$/);
    expect(after.epoch).not.toBe(before.epoch);
    expect(after.signIns).toEqual([]);
    expect(after.lastIds).toEqual(
      before.lastIds.map(({ name, last }) => ({ name, last: String(Number(last) + 1_000_000) })),
    );
  });
});

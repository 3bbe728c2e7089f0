import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import sqlite3 from 'sqlite3';
import { type DataSource, MigrationExecutor, type MigrationInterface, type QueryRunner } from 'typeorm';
import { parseEnv } from '../src/config/env.js';
import { type PostgresConfig, type SqliteConfig } from '../src/config/env-fields.js';
import { InvalidEnvironmentError } from '../src/config/errors.js';
import {
  MIGRATIONS_TABLE,
  POOL_SIZE,
  postgresDataSource,
  sqliteDataSource,
} from '../src/database/data-source.js';
import { openDatabase } from '../src/database/database.module.js';
import { ADVISORY_LOCK, migrate } from '../src/database/migrate.js';
import { CreateWatchlists1796076000000 } from '../src/database/migrations/1796076000000-create-watchlists.js';
import { ENTITIES, MIGRATIONS, SCHEMA } from '../src/schema.js';
import { SqliteDriver } from '../src/database/drivers/sqlite/sqlite.driver.js';
import { User } from '../src/users/user.entity.js';
import { asUser } from './support/actors.js';
import { createTestApp } from './support/create-test-app.js';
import { build, type ServerProcess, startServer } from './support/server-process.js';
import { createPostgres, createStorage, stack, type Storage } from './support/stack.js';

const SECRET = 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1';
const configOf = ({ env }: Storage) => parseEnv({ ...env, JWT_SECRET: SECRET }).DATABASE_URL;

let storage: Storage;
beforeEach(async () => {
  storage = await createStorage();
});
afterEach(() => storage.remove());

describe('the migrations', () => {
  let dataSource: DataSource;
  beforeEach(async () => {
    const config = configOf(storage);
    dataSource =
      config.type === 'sqlite'
        ? sqliteDataSource(config, SCHEMA, 'write')
        : postgresDataSource(config, SCHEMA);
    await dataSource.initialize();
  });
  afterEach(() => dataSource.destroy());

  /** The statements that would turn what is in the database into what the entities describe. */
  const drift = async () =>
    (await dataSource.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);
  const ran = async () =>
    (await dataSource.query<{ name: string }[]>(`SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id`)).map(
      ({ name }) => name,
    );
  const epoch = async () =>
    (await dataSource.query<{ epoch: string }[]>('SELECT epoch FROM cache_epoch'))[0]!.epoch;
  const tables = async () => {
    const sql =
      dataSource.options.type === 'sqlite'
        ? `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
        : `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`;
    return (await dataSource.query<{ name: string }[]>(sql)).map(({ name }) => name).sort();
  };

  it('make of an empty database exactly what the entities describe', async () => {
    expect(await drift()).not.toEqual([]);
    await migrate(dataSource);
    expect(await drift()).toEqual([]);
    expect(await ran()).toEqual(MIGRATIONS.map(({ name }) => name));
    expect(await tables()).toEqual(
      [
        'audit_logs',
        'cache_epoch',
        'password_resets',
        'personal_tokens',
        'sessions',
        'users',
        'watchlist_item_ids',
        'watchlist_items',
        'watchlists',
        MIGRATIONS_TABLE,
      ].sort(),
    );
  });

  it('do nothing when they have run', async () => {
    await migrate(dataSource);
    const before = await epoch();
    await migrate(dataSource);
    expect(await ran()).toEqual(MIGRATIONS.map(({ name }) => name));
    expect(await epoch()).toBe(before);
  });

  it('can be undone, and run again', async () => {
    await migrate(dataSource);
    const before = await epoch();
    for (const _migration of MIGRATIONS) await new MigrationExecutor(dataSource).undoLastMigration();
    expect(await tables()).toEqual([MIGRATIONS_TABLE]);
    expect(await ran()).toEqual([]);
    await migrate(dataSource);
    expect(await drift()).toEqual([]);
    // What was cached for the old rows is not found.
    expect(await epoch()).not.toBe(before);
  });

  it('keep their rows: nothing is lost when a server starts again', async () => {
    const first = await createTestApp({ storage });
    const user = await asUser(first);
    await user.post('/v1/watchlists/items', { title: 'Parasite', type: 'movie' }).expect(201);
    const { body: before } = await user.get('/v1/watchlists').expect(200);
    await first.close();
    const second = await createTestApp({ storage });
    const { body: after } = await second
      .request()
      .get('/v1/watchlists')
      .set('authorization', `Bearer ${user.token}`)
      .expect(200);
    await second.close();
    expect(after).toEqual(before);
  });
});

describe('the migrations of lists and items', () => {
  const BEFORE = MIGRATIONS.slice(0, MIGRATIONS.indexOf(CreateWatchlists1796076000000));
  const TIME = '2026-11-30 12:00:00.000';
  /** A database as the version before left it: an owner with items, one without, and all that signs them in. */
  const FILL = [
    `INSERT INTO users (id, email, password_hash, role, disabled, list_version, movie_count, show_count, created_at) VALUES
      (1, 'ada@example.com', 'v0$a', 'admin', false, 41, 2, 1, '${TIME}'),
      (2, 'ben@example.com', 'v0$b', 'user', true, 3, 0, 0, '${TIME}'),
      (3, 'eve@example.com', 'v0$e', 'user', false, 0, 0, 0, '${TIME}')`,
    `INSERT INTO watchlist_items (id, user_id, title, title_key, type, created_at, updated_at) VALUES
      (5, 1, 'Dune', 'dune', 'movie', '${TIME}', '${TIME}'), (6, 1, 'Okja', 'okja', 'movie', '${TIME}', '${TIME}'),
      (9, 1, 'Dark', 'dark', 'show', '${TIME}', '${TIME}')`,
    `INSERT INTO sessions (id, user_id, key_id, created_at, last_used_at, expires_at)
      VALUES ('session-of-ada', 1, 'k', '${TIME}', '${TIME}', '2027-01-01 00:00:00.000')`,
    `INSERT INTO personal_tokens (id, user_id, slot, name, hash, scopes, created_at)
      VALUES (4, 2, 0, 'script', 'hash', 'items:read', '${TIME}')`,
    `INSERT INTO password_resets (id, purpose, email, user_id, key_id, created_at, expires_at)
      VALUES ('reset-of-ben', 'created', 'ben@example.com', 2, 'k', '${TIME}', '2027-01-01 00:00:00.000')`,
    `INSERT INTO audit_logs (occurred_at, actor_id, action, resource_type, resource_id, changes)
      VALUES ('${TIME}', 1, 'watchlist_item.created', 'watchlist_item', 5, '{"title":{"from":null,"to":"Dune"}}')`,
  ];
  const UNTOUCHED = ['sessions', 'personal_tokens', 'password_resets', 'audit_logs', 'cache_epoch'];

  const open = (migrations: typeof MIGRATIONS) => {
    const config = configOf(storage);
    const schema = { entities: ENTITIES, migrations };
    return (
      config.type === 'sqlite'
        ? sqliteDataSource(config, schema, 'write')
        : postgresDataSource(config, schema)
    ).initialize();
  };
  const rowsOf = (dataSource: DataSource, table: string, columns = '*') =>
    dataSource.query<object[]>(`SELECT ${columns} FROM ${table} ORDER BY 1`);
  const contentsOf = async (dataSource: DataSource) => ({
    users: await rowsOf(dataSource, 'users', 'id, email, password_hash, role, disabled, created_at'),
    items: await rowsOf(
      dataSource,
      'watchlist_items',
      'id, user_id, title, title_key, type, created_at, updated_at',
    ),
    others: await Promise.all(UNTOUCHED.map((table) => rowsOf(dataSource, table))),
  });
  const oldNumbers = (dataSource: DataSource) =>
    rowsOf(dataSource, 'users', 'id, list_version, movie_count, show_count');

  it('that gives lists a table keeps every row, version and count, also when it is undone', async () => {
    const old = await open(BEFORE);
    await migrate(old);
    for (const statement of FILL) await old.query(statement);
    const before = { contents: await contentsOf(old), numbers: await oldNumbers(old) };
    await old.destroy();

    const current = await open(MIGRATIONS.slice(0, BEFORE.length + 1));
    await migrate(current);
    expect(await contentsOf(current)).toEqual(before.contents);
    expect(await rowsOf(current, 'watchlists', 'user_id, version, movie_count, show_count')).toEqual([
      { user_id: 1, version: 41, movie_count: 2, show_count: 1 },
      { user_id: 2, version: 3, movie_count: 0, show_count: 0 },
      { user_id: 3, version: 0, movie_count: 0, show_count: 0 },
    ]);
    expect(await rowsOf(current, 'watchlist_items', 'id, version')).toEqual(
      [5, 6, 9].map((id) => ({ id, version: 41 })),
    );

    await new MigrationExecutor(current).undoLastMigration();
    expect(await contentsOf(current)).toEqual(before.contents);
    expect(await oldNumbers(current)).toEqual(before.numbers);
    await current.destroy();
  });

  it('that add fields and sort keys keep every row, also when they are undone', async () => {
    const old = await open(BEFORE);
    await migrate(old);
    for (const statement of FILL) await old.query(statement);
    await old.query("UPDATE watchlist_items SET title = 'The Éclair' WHERE id = 6");
    await old.destroy();
    const previous = await open(MIGRATIONS.slice(0, BEFORE.length + 1));
    await migrate(previous);
    const itemsOf = (dataSource: DataSource) =>
      rowsOf(dataSource, 'watchlist_items', 'id, user_id, title, type, version, created_at, updated_at');
    const countsOf = (dataSource: DataSource) =>
      rowsOf(dataSource, 'watchlists', 'user_id, version, movie_count, show_count');
    const before = { items: await itemsOf(previous), counts: await countsOf(previous) };
    await previous.destroy();

    const current = await open(MIGRATIONS);
    await migrate(current);
    expect(await itemsOf(current)).toEqual(before.items);
    expect(
      await rowsOf(current, 'watchlists', 'user_id, version, movie_planned, show_planned, movie_watched'),
    ).toEqual([
      { user_id: 1, version: 41, movie_planned: 2, show_planned: 1, movie_watched: 0 },
      { user_id: 2, version: 3, movie_planned: 0, show_planned: 0, movie_watched: 0 },
      { user_id: 3, version: 0, movie_planned: 0, show_planned: 0, movie_watched: 0 },
    ]);
    const derived = await current.query<{ title_key: Buffer; search_text: string; position: string }[]>(
      'SELECT title_key, search_text, position, status, tags, ids, deleted_at FROM watchlist_items ORDER BY id',
    );
    expect(derived.map(({ title_key, search_text }) => [String(title_key), search_text])).toEqual([
      ['dune', 'dune\n'],
      ['eclair', 'the eclair\n'],
      ['dark', 'dark\n'],
    ]);
    expect(derived[0]).toMatchObject({ status: 'planned', tags: '[]', ids: '{}', deleted_at: null });
    // All were added at the same time, so their ids decide.
    const positions = derived.map(({ position }) => position);
    expect(positions.toSorted()).toEqual(positions);

    for (const _migration of MIGRATIONS.slice(BEFORE.length + 1))
      await new MigrationExecutor(current).undoLastMigration();
    expect(await itemsOf(current)).toEqual(before.items);
    expect(await countsOf(current)).toEqual(before.counts);
    await current.destroy();
  });
});

describe('a migration that fails', () => {
  const FOREIGN = [
    `CREATE TABLE audit_logs (line VARCHAR(20))`,
    `INSERT INTO audit_logs VALUES ('not ours')`,
  ];

  it('stops the boot, leaves everything as it was, and lets go of the database', async () => {
    const config = configOf(storage);
    const dataSource =
      config.type === 'sqlite'
        ? sqliteDataSource(config, SCHEMA, 'write')
        : postgresDataSource(config, SCHEMA);
    await dataSource.initialize();
    await dataSource.query(
      `CREATE TABLE ${MIGRATIONS_TABLE} (id INTEGER, timestamp BIGINT, name VARCHAR(100))`,
    );
    for (const statement of FOREIGN) await dataSource.query(statement);

    // The second one is not refused because of the first one.
    for (const _try of [1, 2])
      await expect(openDatabase(config, SCHEMA)).rejects.toThrow(/audit_logs.* already exists/);

    expect(await dataSource.query('SELECT line FROM audit_logs')).toEqual([{ line: 'not ours' }]);
    // It comes before the table that is in the way.
    await expect(dataSource.query('SELECT * FROM watchlist_items')).rejects.toThrow('watchlist_items');
    await dataSource.destroy();
  });
});

if (stack() === 'postgres+redis') {
  describe('several instances that start together', () => {
    it('all start, and each migration runs once', async () => {
      for (let round = 0; round < 3; round++) {
        const empty = await createPostgres();
        try {
          const opened = await Promise.allSettled(
            Array.from({ length: 3 }, () => openDatabase(configOf(empty), SCHEMA)),
          );
          const databases = opened.flatMap((outcome) =>
            outcome.status === 'fulfilled' ? [outcome.value] : [],
          );
          const rows = await databases[0]?.read((manager) =>
            manager.query(`SELECT name FROM ${MIGRATIONS_TABLE}`),
          );
          await Promise.all(databases.map((database) => database.close()));
          expect(opened.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
          expect(rows).toHaveLength(MIGRATIONS.length);
          expect(new Set(databases.map(({ epoch }) => epoch)).size).toBe(1);
        } finally {
          await empty.remove();
        }
      }
    });

    it('wait for the one that migrates, but not for ever', async () => {
      const config = configOf(storage) as PostgresConfig;
      const [migrating, waiting] = await Promise.all(
        [1, 2].map(() => postgresDataSource(config, SCHEMA).initialize()),
      );
      const holder = migrating!.createQueryRunner();
      await holder.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
      await expect(migrate(waiting!, 0)).rejects.toThrow('another instance');
      const patient = migrate(waiting!);
      await holder.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCK]);
      await patient;
      await holder.release();
      await Promise.all([migrating!.destroy(), waiting!.destroy()]);
    });

    it('leave no lock behind a pooler, which keeps only the statements of one transaction together', async () => {
      const dataSource = await postgresDataSource(configOf(storage) as PostgresConfig, SCHEMA).initialize();
      const clients: Client[] = [];
      const onAnotherConnection = async (text: string, values?: unknown[], isStructured = false) => {
        const client = new Client({ connectionString: storage.env['DATABASE_URL'] });
        clients.push(client);
        await client.connect();
        const { rows } = await client.query(text, values);
        return isStructured ? { raw: rows, records: rows } : rows;
      };
      const runner = dataSource.createQueryRunner();
      const query = runner.query.bind(runner);
      runner.query = ((...given: Parameters<typeof onAnotherConnection>) =>
        runner.isTransactionActive ? query(...(given as [string])) : onAnotherConnection(...given)) as never;
      jest.spyOn(dataSource, 'createQueryRunner').mockReturnValueOnce(runner);
      await migrate(dataSource);
      expect(
        await dataSource.query<object[]>(
          `SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
           WHERE locktype = 'advisory' AND datname = current_database()`,
        ),
      ).toEqual([]);
      for (const client of clients) await client.end();
      await dataSource.destroy();
    });

    it('can take longer than a request', async () => {
      class Slow1896076000000 implements MigrationInterface {
        async up(runner: QueryRunner): Promise<void> {
          await runner.query('SELECT pg_sleep(7)');
        }
        async down(): Promise<void> {}
      }
      const schema = { ...SCHEMA, migrations: [...MIGRATIONS, Slow1896076000000] };
      const database = await openDatabase(configOf(storage), schema);
      const ran = await database.read((manager) =>
        manager.query<{ name: string }[]>(`SELECT name FROM ${MIGRATIONS_TABLE}`),
      );
      expect(ran.map(({ name }) => name)).toContain(Slow1896076000000.name);
      await database.close();
    });

    it('all serve, and see the same rows', async () => {
      const instances = await Promise.all(Array.from({ length: 3 }, () => createTestApp({ storage })));
      const [first, ...others] = instances;
      const user = await asUser(first!);
      for (const instance of others) {
        await instance.request().get('/v1/auth/me').set('authorization', `Bearer ${user.token}`).expect(200);
      }
      await Promise.all(instances.map((instance) => instance.close()));
    });
  });
  it('the settings of the database and the role do not matter', async () => {
    const other = await createPostgres();
    const database = new URL(other.env['DATABASE_URL']!).pathname.slice(1);
    const settings = {
      DateStyle: 'German',
      IntervalStyle: 'sql_standard',
      TimeZone: 'Asia/Kolkata',
      bytea_output: 'escape',
      client_encoding: 'LATIN1',
      standard_conforming_strings: 'off',
      default_transaction_isolation: 'serializable',
      statement_timeout: '0',
    };
    const admin = new Client({ connectionString: other.env['DATABASE_URL'] });
    await admin.connect();
    for (const [setting, value] of Object.entries(settings))
      await admin.query(`ALTER DATABASE "${database}" SET ${setting} = '${value}'`);
    await admin.end();
    const server = await createTestApp({ storage: other });
    try {
      const user = await asUser(server);
      const item = { title: 'Amélie \\ 千と千尋', type: 'movie' };
      const added = await server
        .request()
        .post('/v1/watchlists/items')
        .set('authorization', `Bearer ${user.token}`)
        .send(item)
        .expect(201);
      const { item: stored } = added.body as { item: { created_at: string } };
      expect(stored).toMatchObject(item);
      expect(Math.abs(Date.parse(stored.created_at) - Date.now())).toBeLessThan(600_000);
      const { body } = await server
        .request()
        .get('/v1/watchlists')
        .set('authorization', `Bearer ${user.token}`)
        .expect(200);
      expect(body).toMatchObject({ watchlist: [stored] });
      for (const [setting, value] of Object.entries(settings)) {
        const [row] = await server.unitOfWork.read((manager) =>
          manager.query<Record<string, string>[]>(`SELECT current_setting('${setting}') AS value`),
        );
        expect([setting, row!['value']]).not.toEqual([setting, value]);
      }
    } finally {
      await server.close();
      await other.remove();
    }
  });

  it.each([
    [
      'accepts no writes',
      (database: string) => [`ALTER DATABASE ${database} SET default_transaction_read_only = on`],
      /^DATABASE_URL .* accepts no writes: name the primary and not a standby/,
    ],
    [
      'has a search_path that leads to no schema',
      (database: string) => [`ALTER DATABASE ${database} SET search_path = nowhere`],
      /^DATABASE_URL .* leads to no schema: run ALTER ROLE postgres RESET search_path$/,
    ],
    [
      'has the tables in another schema than its search_path leads to',
      (database: string) => [
        `CREATE TABLE ${MIGRATIONS_TABLE} (id INTEGER)`,
        'CREATE SCHEMA fresh',
        `ALTER DATABASE ${database} SET search_path = fresh, public`,
      ],
      /^DATABASE_URL .* in the schema public, .* to the schema fresh: run ALTER ROLE postgres SET search_path = public$/,
    ],
  ])('the boot stops with one sentence when the database %s', async (_what, prepare, problem) => {
    const other = await createPostgres();
    const admin = new Client({ connectionString: other.env['DATABASE_URL'] });
    await admin.connect();
    const database = `"${new URL(other.env['DATABASE_URL']!).pathname.slice(1)}"`;
    for (const statement of prepare(database)) await admin.query(statement);
    await admin.end();
    const refusal = await openDatabase(configOf(other), SCHEMA).catch((error: unknown) => error);
    await other.remove();
    expect(refusal).toBeInstanceOf(InvalidEnvironmentError);
    expect((refusal as InvalidEnvironmentError).problems).toEqual([expect.stringMatching(problem)]);
  });

  it('the boot stops with one sentence when the role cannot create tables', async () => {
    const other = await createPostgres();
    const admin = new Client({ connectionString: other.env['DATABASE_URL'] });
    await admin.connect();
    const url = new URL(other.env['DATABASE_URL']!);
    url.username = `role_${url.pathname.slice(6)}`;
    await admin.query(`CREATE ROLE ${url.username} LOGIN`);
    const guest = { env: { ...other.env, DATABASE_URL: url.href } };
    const refusal = await openDatabase(configOf({ ...other, ...guest }), SCHEMA).catch(
      (error: unknown) => error,
    );
    await admin.query(`DROP ROLE ${url.username}`);
    await admin.end();
    await other.remove();
    expect((refusal as InvalidEnvironmentError).problems).toEqual([
      expect.stringMatching(
        /^DATABASE_URL .* cannot create tables: run GRANT CREATE ON SCHEMA public TO role_/,
      ),
    ]);
  });

  it('a search_path that changes while the server runs does not matter', async () => {
    const other = await createPostgres();
    const admin = new Client({ connectionString: other.env['DATABASE_URL'] });
    await admin.connect();
    const name = new URL(other.env['DATABASE_URL']!).pathname.slice(1);
    await admin.query(`CREATE SCHEMA "Our tables"`);
    await admin.query(`ALTER DATABASE "${name}" SET search_path = "Our tables"`);
    const database = await openDatabase(configOf(other), SCHEMA);
    await admin.query(`ALTER DATABASE "${name}" SET search_path = public`);
    const countUsers = () => database.read((manager) => manager.count(User));
    // As many as there are connections at most, so that some are new.
    expect(await Promise.all(Array.from({ length: POOL_SIZE }, countUsers))).toEqual(
      Array.from({ length: POOL_SIZE }, () => 0),
    );
    await database.close();
    await admin.end();
    await other.remove();
  });

  it('a schema of its own is used when the search_path leads there', async () => {
    const other = await createPostgres();
    const admin = new Client({ connectionString: other.env['DATABASE_URL'] });
    await admin.connect();
    const database = new URL(other.env['DATABASE_URL']!).pathname.slice(1);
    await admin.query('CREATE SCHEMA ours');
    await admin.query(`ALTER DATABASE "${database}" SET search_path = ours, public`);
    for (const _start of [1, 2]) await (await openDatabase(configOf(other), SCHEMA)).close();
    const { rows } = await admin.query(`SELECT schemaname FROM pg_tables WHERE tablename = 'users'`);
    expect(rows).toEqual([{ schemaname: 'ours' }]);
    await admin.end();
    await other.remove();
  });

  it.each(['SQL_ASCII', 'LATIN1'])(
    'the boot stops with one sentence when the encoding of the database is %s',
    async (encoding) => {
      const other = await createPostgres(`TEMPLATE template0 ENCODING '${encoding}' LOCALE 'C'`);
      try {
        const refusal = await openDatabase(configOf(other), SCHEMA).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(InvalidEnvironmentError);
        expect((refusal as InvalidEnvironmentError).problems).toEqual([
          expect.stringMatching(new RegExp(`^DATABASE_URL .* ${encoding}, .* needs UTF8: create one with`)),
        ]);
      } finally {
        await other.remove();
      }
    },
  );
}

if (stack() === 'sqlite+memory') {
  const file = () => (configOf(storage) as SqliteConfig).file;
  const open = () => SqliteDriver.open({ type: 'sqlite', file: file() }, SCHEMA, 100);
  const contents = () => createHash('sha256').update(readFileSync(file())).digest('hex');

  const execute = (sql: string, path = file()) =>
    new Promise<void>((resolve, reject) => {
      const database = new sqlite3.Database(path);
      database.exec(sql, (error) => database.close(() => (error ? reject(error) : resolve())));
    });

  async function expectRefused(...words: string[]): Promise<void> {
    const refusal = await open().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidEnvironmentError);
    for (const word of ['DATABASE_URL', ...words]) expect((refusal as Error).message).toContain(word);
  }

  describe("a SQLite file that is not this server's", () => {
    const FOREIGN = `CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users (name) VALUES ('Ada');`;

    it.each([
      ['with the tables of another program', () => execute(FOREIGN)],
      [
        'with the tables of another program, in WAL mode',
        () => execute(`PRAGMA journal_mode = WAL; ${FOREIGN}`),
      ],
      [
        "with another program's migrations",
        () => execute(`${FOREIGN} CREATE TABLE migrations (id INTEGER);`),
      ],
    ])('%s stops the boot and stays as it is', async (_what, make) => {
      await make();
      const before = contents();
      await expectRefused('another program');
      expect(contents()).toBe(before);
      expect(existsSync(`${file()}.lock`)).toBe(false);
    });

    it.each([
      ['a short text', Buffer.from('hello')],
      ['a long text', Buffer.from('not a database\n'.repeat(5000))],
      ['nothing but zeros', Buffer.alloc(8192)],
      ['a database that is cut off in its header', Buffer.from('SQLite format 3\0'.slice(0, 10))],
    ])('that is no database, but %s, stops the boot and stays as it is', async (_what, bytes) => {
      writeFileSync(file(), bytes);
      await expectRefused('not a SQLite database');
      expect(readFileSync(file()).equals(bytes)).toBe(true);
      expect(readdirSync(dirname(file()))).toHaveLength(1);
    });

    it('but empty becomes one', async () => {
      writeFileSync(file(), '');
      await (await open()).close();
      await (await open()).close();
    });

    it('but a folder stops the boot', async () => {
      mkdirSync(file());
      await expectRefused('cannot be opened');
    });

    it('in a folder that cannot be made stops the boot', async () => {
      writeFileSync(join(dirname(file()), 'a-file'), '');
      storage.env['DATABASE_URL'] = `sqlite:///${join(dirname(file()), 'a-file', 'watchlist.db')}`;
      await expectRefused('cannot be opened');
    });
  });

  describe('a SQLite file that is damaged', () => {
    it.each([
      ['where it lists its tables', 100],
      ['where it lists its migrations', 4096],
    ])('%s stops the boot with one sentence', async (_where, start) => {
      await (await open()).close();
      const bytes = readFileSync(file());
      writeFileSync(file(), bytes.fill(0xff, start, start + 3000));
      await expectRefused('which SQLite cannot use (SQLITE_CORRUPT', 'restore a backup');
    });
  });

  describe('a SQLite file that is served already', () => {
    it('is refused to a second one in the same process, until the first one closes', async () => {
      const first = await open();
      await expectRefused('another process');
      await first.close();
      await (await open()).close();
    });

    describe('by another process', () => {
      let server: ServerProcess;
      beforeAll(build, 120_000);
      beforeEach(async () => {
        server = await startServer({ env: { ...storage.env, JWT_SECRET: SECRET } });
      });
      afterEach(() => server.remove());

      it('is refused, and that one is not disturbed', async () => {
        await expectRefused('another process');
        const health = await fetch(`${server.url}/v1/health/detailed`);
        expect(await health.json()).toMatchObject({ dependencies: { database: 'ok' } });
      });

      it.each(['SIGKILL', 'SIGTERM'] as const)('is free as soon as that one is gone by %s', async (name) => {
        server.signal(name);
        await server.exited;
        await (await open()).close();
      });
    });
  });
}

import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { MigrationExecutor, type QueryRunner } from 'typeorm';
import { z } from 'zod';
import type { PostgresDatabase } from '../../config/env.js';
import { CacheEpoch } from '../cache-epoch.entity.js';
import { APPLICATION_NAME, MIGRATIONS_TABLE, postgresDataSource } from '../data-source.js';
import { ENTITIES, SCHEMA } from '../../schema.js';
import { ADVISORY_LOCK } from '../migrate.js';
import { MIGRATIONS } from '../../schema.js';
import { BackupError } from './backup-error.js';
import { CopyScript } from './copy-script.js';
import { isOurVersion, refuseUnknownMigrations } from './known-migrations.js';
import { IDS_LEFT_OUT, type RestoreOptions, tableOf, tablesToEmpty } from './restored.js';
import type { Backup } from './sealed-file.js';

/** In an order in which each refers to those before it only. Not the epoch: a database that was restored has its own. */
const TABLES = ENTITIES.filter((entity) => entity !== CacheEpoch).map(tableOf);

/** The script's first line says what the rows do not. */
const head = z.object({ migrations: z.array(z.string()), lastIds: z.record(z.string(), z.number().int()) });
const HEAD = '-- ';
const COPY = /^COPY "(\w+)" \(("\w+"(?:, "\w+")*)\) FROM stdin;$/;

/** As long as it takes, except for a lock: behind one who waits for it, everybody else would wait too. */
const UNHURRIED = {
  connectionTimeoutMillis: 5000,
  lock_timeout: 3000,
  statement_timeout: 0,
  keepAlive: true,
};
const SERVERS_WAIT_MS = 2000;
const UNDEFINED_TABLE = '42P01';

/**
 * While servers read and write: one snapshot of all tables. Rows pass through, they are not collected.
 *
 * @param draft an empty file
 */
export async function backUpPostgres({ url }: PostgresDatabase, draft: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `${APPLICATION_NAME} backup`,
    ...UNHURRIED,
  });
  // Whoever waits for an answer learns of it; between two statements nobody does.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query("SET LOCAL datestyle = 'ISO, YMD'");
    await lockTables(client);
    await pipeline(script(client), createWriteStream(draft, { flags: 'r+' }));
  } finally {
    await client.end();
  }
}

/** Before there is a snapshot: nobody may change a table between the two. */
async function lockTables(client: pg.Client): Promise<void> {
  try {
    await client.query(`LOCK TABLE ${[MIGRATIONS_TABLE, ...TABLES].join(', ')} IN ACCESS SHARE MODE`);
  } catch (error) {
    if ((error as { code?: string }).code !== UNDEFINED_TABLE) throw error;
    throw new BackupError("DATABASE_URL names a database that does not have this version's tables");
  }
}

async function* script(client: pg.Client): AsyncGenerator<string | Buffer> {
  const rowsOf = async <Row extends object>(sql: string, values: unknown[] = []) =>
    (await client.query<Row>(sql, values)).rows;
  const migrations = (await rowsOf<{ name: string }>(`SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id`)).map(
    ({ name }) => name,
  );
  if (!isOurVersion(migrations))
    throw new BackupError(
      'the database is of another version than this one: back it up with the version that serves it',
    );
  const lastIds: Record<string, number> = {};
  for (const table of TABLES) {
    const [{ sequence }] = (await rowsOf('SELECT pg_get_serial_sequence($1, $2) AS sequence', [
      table,
      'id',
    ])) as [{ sequence: string | null }];
    // After the snapshot was taken: no id in it is higher.
    if (sequence !== null)
      lastIds[table] = Number(
        (await rowsOf<{ last_value: string }>(`SELECT last_value FROM ${sequence}`))[0]!.last_value,
      );
  }
  yield `${HEAD}${JSON.stringify({ migrations, lastIds } satisfies z.infer<typeof head>)}\n`;
  for (const table of TABLES) {
    const columns = await rowsOf<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute
       WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
      [table],
    );
    const what = `"${table}" (${columns.map(({ name }) => `"${name}"`).join(', ')})`;
    yield `COPY ${what} FROM stdin;\n`;
    yield* client.query(copyTo(`COPY ${what} TO STDOUT`)) as AsyncIterable<Buffer>;
    yield '\\.\n\n';
  }
}

/** Into a database in which there is nothing; all or nothing. */
export async function restorePostgres(
  config: PostgresDatabase,
  backup: Backup,
  options: RestoreOptions,
): Promise<void> {
  const rows = new CopyScript(
    createReadStream(backup.file, { end: backup.size - 1 }) as AsyncIterable<Buffer>,
  );
  const { migrations, lastIds } = headOf((await rows.line()) ?? '');
  refuseUnknownMigrations(migrations);
  const dataSource = postgresDataSource(config, SCHEMA, {
    applicationName: `${APPLICATION_NAME} restore`,
    poolSize: 1,
    extra: UNHURRIED,
    migrations: MIGRATIONS.slice(0, migrations.length),
  });
  await dataSource.initialize();
  const runner = dataSource.createQueryRunner();
  try {
    await refuseServers(runner);
    await runner.startTransaction();
    await refuseOccupied(runner);
    const executor = new MigrationExecutor(dataSource, runner);
    executor.transaction = 'none';
    await executor.executePendingMigrations();
    await copyAll(rows, (await runner.connect()) as pg.PoolClient);
    for (const table of tablesToEmpty(options))
      if (await runner.hasTable(table)) await runner.query(`DELETE FROM ${table}`);
    for (const [table, lastId] of Object.entries(lastIds))
      await runner.query('SELECT setval(pg_get_serial_sequence($1, $2), $3)', [
        table,
        'id',
        lastId + IDS_LEFT_OUT,
      ]);
    await runner.commitTransaction();
  } finally {
    // A transaction that was not committed ends with its connection.
    await runner.release();
    await dataSource.destroy();
  }
}

function headOf(line: string): z.infer<typeof head> {
  try {
    return head.parse(JSON.parse(line.slice(HEAD.length)));
  } catch {
    throw new BackupError('the backup does not begin as those of this server do');
  }
}

async function ask(runner: QueryRunner, sql: string, ...values: unknown[]): Promise<unknown> {
  return ((await runner.query(`SELECT ${sql} AS answer`, values)) as [{ answer: unknown }])[0].answer;
}

/**
 * Not in a transaction, for which it would always be the same moment.
 *
 * @throws BackupError when a server is connected; PostgreSQL notices a little late that one has ended
 */
async function refuseServers(runner: QueryRunner): Promise<void> {
  for (const deadline = Date.now() + SERVERS_WAIT_MS; ; await sleep(100)) {
    const isConnected = await ask(
      runner,
      'EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1)',
      APPLICATION_NAME,
    );
    if (isConnected === false) return;
    if (Date.now() >= deadline)
      throw new BackupError('a server is connected to the database: stop all of them first');
  }
}

/** @throws BackupError when there is anything at all */
async function refuseOccupied(runner: QueryRunner): Promise<void> {
  // A server that starts now waits, and then finds everything done.
  if ((await ask(runner, 'pg_try_advisory_xact_lock($1)', ADVISORY_LOCK)) !== true)
    throw new BackupError('a server is starting on the database: stop all of them first');
  // An extension's are not what is meant.
  const found = await ask(
    runner,
    `(SELECT min(relname::text) FROM pg_class WHERE relnamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e'))`,
  );
  if (found !== null)
    throw new BackupError(
      `the database is not empty (it has ${found as string}): a backup is restored into a new one`,
    );
}

async function copyAll(rows: CopyScript, client: pg.PoolClient): Promise<void> {
  for (let line = await rows.line(); line !== null; line = await rows.line()) {
    const [, table, columns] = COPY.exec(line) ?? [];
    if (!TABLES.includes(table!))
      throw new BackupError('the backup has something in it that is not a table of this server');
    await pipeline(rows.rows(), client.query(copyFrom(`COPY "${table}" (${columns}) FROM STDIN`)));
  }
}

import pg, { type ClientBase } from 'pg';
import sqlite3 from 'sqlite3';
import { type ColumnType, DataSource, type DataSourceOptions } from 'typeorm';
import type { PostgresConfig, SqliteConfig } from '../config/env-fields.js';
import { PgClient } from './drivers/postgres/pg-client.js';
import { PgPool } from './drivers/postgres/pg-pool.js';
import { PREPARING_SQLITE3 } from './drivers/sqlite/sqlite-statements.js';

export const MIGRATIONS_TABLE = 'watchlist_migrations';
/** Marks the servers' connections in PostgreSQL's `pg_stat_activity`. */
export const APPLICATION_NAME = 'watchlist-api';

/** How many connections to PostgreSQL a server has at most. */
export const POOL_SIZE = 10;

/** The entities and migrations (src/schema.ts). */
export type Schema = Required<Pick<DataSourceOptions, 'entities' | 'migrations'>>;

const SHARED = {
  migrationsTableName: MIGRATIONS_TABLE,
  synchronize: false,
  logging: false,
  // The default logger prints a failed migration to stdout, which is for JSON. The error contains the same text.
  logger: 'debug',
} satisfies Partial<DataSourceOptions>;

/** `write` opens the only connection that can change data. `read` opens a read-only connection. */
export function sqliteDataSource({ file }: SqliteConfig, schema: Schema, side: 'write' | 'read'): DataSource {
  return new DataSource({
    ...SHARED,
    ...schema,
    type: 'sqlite',
    database: file,
    driver: PREPARING_SQLITE3,
    // Short, because waiting blocks one of libuv's four threads. The driver retries (sqlite.driver.ts).
    busyTimeout: 50,
    ...(side === 'write' ? { enableWAL: true } : { flags: sqlite3.OPEN_READONLY | sqlite3.OPEN_FULLMUTEX }),
  });
}

/**
 * Settings that the server needs. They override those of the database and the role. They are set after connecting,
 * because poolers refuse most settings when a client connects. All connections have the same settings, so a pooler can
 * share them.
 */
const SETTINGS = {
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  default_transaction_isolation: 'read committed',
  lock_timeout: '3s',
  idle_in_transaction_session_timeout: '10s',
};

const sessionWith = (settings: Readonly<Record<string, string>>) => async (client: ClientBase) => {
  // Neither the pool nor TypeORM listens for a moment. A connection that fails then would end the process.
  // The running statement fails with the same error anyway.
  client.on('error', () => undefined);
  const statements = Object.entries({ ...SETTINGS, ...settings }).map(
    ([name, value]) => `SET ${name} = ${pg.escapeLiteral(value)}`,
  );
  await client.query(statements.join('; '));
};

/** For requests. */
const servingConnection = (search_path: string | undefined) => ({
  Client: PgClient,
  // pg never drops the name of a prepared statement, so each connection is replaced from time to time.
  maxLifetimeSeconds: 3600,
  // pg ends the connection when a statement gets no answer in time, because the connection is pipelined.
  query_timeout: 6000,
  keepAlive: true,
  onConnect: sessionWith({ statement_timeout: '5s', ...(search_path && { search_path }) }),
});

/** For migrations and commands: on a large table a statement can take minutes. */
const PATIENT_CONNECTION = { onConnect: sessionWith({ statement_timeout: '0' }) };

export interface PostgresOptions {
  readonly applicationName?: string;
  /** True when a statement can take as long as it needs. */
  readonly isPatient?: boolean;
  /** The schema with the tables. Without it, each new connection looks where its role's `search_path` leads by then. */
  readonly tablesIn?: string;
}

export function postgresDataSource(
  { url }: PostgresConfig,
  schema: Schema,
  { applicationName = APPLICATION_NAME, isPatient = false, tablesIn }: PostgresOptions = {},
): DataSource {
  const dataSource = new DataSource({
    ...SHARED,
    ...schema,
    type: 'postgres',
    driver: { ...pg, Pool: PgPool },
    applicationName,
    poolSize: POOL_SIZE,
    // Without timeouts a hung database would hang every request. This one also limits the wait for a free connection,
    // because writers to one list take turns.
    connectTimeoutMS: 5000,
    // Not as TypeORM's `url`: it has a parser of its own, which disagrees with pg's.
    extra: { ...(isPatient ? PATIENT_CONNECTION : servingConnection(tablesIn)), connectionString: url },
  });
  // Entities use `Date` and `Buffer`, which SQLite's driver supports. PostgreSQL's driver maps `Date` to a timestamp
  // without a time zone and does not know `Buffer`.
  const { driver } = dataSource;
  const normalizeType = driver.normalizeType.bind(driver);
  driver.normalizeType = (column) => {
    if (column.type === Date) return 'timestamp with time zone';
    if (column.type === (Buffer as unknown as ColumnType)) return 'bytea';
    return normalizeType(column);
  };
  return dataSource;
}

import type { EventEmitter } from 'node:events';
import sqlite3 from 'sqlite3';
import { type ColumnType, DataSource, type DataSourceOptions } from 'typeorm';
import type { PostgresConnectionOptions } from 'typeorm/driver/postgres/PostgresConnectionOptions.js';
import type { PostgresDatabase, SqliteDatabase } from '../config/env-fields.js';
import { PgClient } from './drivers/postgres/pg-client.js';
import { PREPARING_SQLITE3 } from './drivers/sqlite/sqlite-statements.js';

export const MIGRATIONS_TABLE = 'watchlist_migrations';
/** By which PostgreSQL knows the servers' connections. */
export const APPLICATION_NAME = 'watchlist-api';

/** What the database holds; see src/schema.ts. */
export type Schema = Required<Pick<DataSourceOptions, 'entities' | 'migrations'>>;

const SHARED = {
  migrationsTableName: MIGRATIONS_TABLE,
  synchronize: false,
  logging: false,
  // The default one writes about a failed migration to stdout, which is for JSON; the error says the same.
  logger: 'debug',
} satisfies Partial<DataSourceOptions>;

/** `write`: the one connection that may change anything; `read`: a connection that cannot. */
export function sqliteDataSource(
  { file }: SqliteDatabase,
  schema: Schema,
  side: 'write' | 'read',
): DataSource {
  return new DataSource({
    ...SHARED,
    ...schema,
    type: 'sqlite',
    database: file,
    driver: PREPARING_SQLITE3,
    // Short: waiting blocks one of libuv's four threads. Who must wait longer retries (sqlite.driver.ts).
    busyTimeout: 50,
    ...(side === 'write' ? { enableWAL: true } : { flags: sqlite3.OPEN_READONLY | sqlite3.OPEN_FULLMUTEX }),
  });
}

/** @param others for what is not a server: its statements may take longer than those of a request */
export function postgresDataSource(
  { url }: PostgresDatabase,
  schema: Schema,
  others: Partial<PostgresConnectionOptions> = {},
): DataSource {
  const dataSource = new DataSource({
    ...SHARED,
    ...schema,
    type: 'postgres',
    url,
    applicationName: APPLICATION_NAME,
    poolSize: 10,
    // Without these a hung server hangs every request for ever. This one is also how long to wait for a connection that
    // is free: writers to one list take turns.
    connectTimeoutMS: 5000,
    extra: {
      Client: PgClient,
      // pg never forgets the name of a statement that it has prepared.
      maxLifetimeSeconds: 3600,
      statement_timeout: 5000,
      // A connection on which a statement was not answered by then is ended: the client is pipelined.
      query_timeout: 6000,
      lock_timeout: 3000,
      idle_in_transaction_session_timeout: 10_000,
      keepAlive: true,
      // Between the pool's listener and TypeORM's there is none for a moment: a connection that the server ends just
      // then would end the process. The statement under way learns of it all the same.
      onConnect: (client: EventEmitter) => void client.on('error', () => undefined),
    },
    ...others,
  });
  // Entities say `Date` and `Buffer`. SQLite's driver knows both; of these two words PostgreSQL's makes a
  // timestamp without a zone and nothing at all.
  const { driver } = dataSource;
  const normalizeType = driver.normalizeType.bind(driver);
  driver.normalizeType = (column) => {
    if (column.type === Date) return 'timestamp with time zone';
    if (column.type === (Buffer as unknown as ColumnType)) return 'bytea';
    return normalizeType(column);
  };
  return dataSource;
}

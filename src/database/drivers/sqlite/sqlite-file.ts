import { existsSync } from 'node:fs';
import { mkdir, open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import sqlite3 from 'sqlite3';
import { InvalidEnvironmentError } from '../../../config/errors.js';
import { MIGRATIONS_TABLE } from '../../data-source.js';

/** During a restart the new process waits this long until the old one releases the file. */
const LOCK_WAIT_MS = 10_000;

export const openSqliteFile = (file: string, mode: number) =>
  new Promise<sqlite3.Database>((resolve, reject) => {
    const database = new sqlite3.Database(file, mode, (error) => (error ? reject(error) : resolve(database)));
  });
export const executeSql = (database: sqlite3.Database, sql: string) =>
  new Promise<void>((resolve, reject) => database.exec(sql, (error) => (error ? reject(error) : resolve())));
/** The first column of every row. */
export const queryFirstColumn = (database: sqlite3.Database, sql: string) =>
  new Promise<unknown[]>((resolve, reject) =>
    database.all<object>(sql, (error, rows) =>
      error ? reject(error) : resolve(rows.map((row) => Object.values(row)[0])),
    ),
  );
export const listTables = (database: sqlite3.Database) =>
  queryFirstColumn(database, "SELECT name FROM sqlite_master WHERE type = 'table'") as Promise<string[]>;
export const closeDatabase = (database: sqlite3.Database) =>
  new Promise<void>((resolve) => database.close(() => resolve()));
const refuseUnopenable = ({ code }: { code?: string }): never => {
  throw new InvalidEnvironmentError([`DATABASE_URL names a file that cannot be opened (${code})`]);
};

/**
 * Refuses a database of another program. It opens the file read-only, so the file stays unchanged.
 *
 * @throws InvalidEnvironmentError
 */
export async function refuseForeignFile(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const database = await openSqliteFile(file, sqlite3.OPEN_READONLY).catch(refuseUnopenable);
  try {
    const found = await listTables(database);
    if (found.length > 0 && !found.includes(MIGRATIONS_TABLE)) {
      throw new InvalidEnvironmentError([
        'DATABASE_URL names a SQLite file with tables of another program; the file was not changed',
      ]);
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'SQLITE_NOTADB') throw error;
    throw new InvalidEnvironmentError([
      'DATABASE_URL names a file that is not a SQLite database; the file was not changed',
    ]);
  } finally {
    await closeDatabase(database);
  }
}

/** Resolves links, so that each file has one name. The folder must exist, but the file need not. */
const resolveLinks = (file: string) =>
  realpath(file).catch(async () => join(await realpath(dirname(file)), basename(file)));

/** Only the server's user can read the file, because it holds password hashes. An existing file stays unchanged. */
export async function createDatabaseFile(file: string): Promise<void> {
  const handle = await open(file, 'a', 0o600).catch(refuseUnopenable);
  await handle.close();
}

/**
 * Allows one process per file, because the write lock and the row cache live in the process's memory. The lock is an
 * open transaction on `<file>.lock`, which the kernel releases even if the process crashes.
 *
 * @returns a function that releases the lock
 */
export async function lockFile(file: string, waitMs = LOCK_WAIT_MS): Promise<() => Promise<void>> {
  const database = await mkdir(dirname(file), { recursive: true })
    .then(async () =>
      openSqliteFile(`${await resolveLinks(file)}.lock`, sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE),
    )
    .catch(refuseUnopenable);
  database.configure('busyTimeout', waitMs);
  try {
    await executeSql(database, 'BEGIN EXCLUSIVE');
  } catch (error) {
    await closeDatabase(database);
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    throw new InvalidEnvironmentError([
      `DATABASE_URL names ${file}, which another process uses; stop that process first (several servers need PostgreSQL)`,
    ]);
  }
  return () => closeDatabase(database);
}

import { existsSync } from 'node:fs';
import { mkdir, open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import sqlite3 from 'sqlite3';
import { InvalidEnvironmentError } from '../../../config/errors.js';
import { MIGRATIONS_TABLE } from '../../data-source.js';

/** How long to wait for the process before us (a restart) to let go of the file. */
const LOCK_WAIT_MS = 10_000;

export const openFile = (file: string, mode: number) =>
  new Promise<sqlite3.Database>((resolve, reject) => {
    const database = new sqlite3.Database(file, mode, (error) => (error ? reject(error) : resolve(database)));
  });
export const execute = (database: sqlite3.Database, sql: string) =>
  new Promise<void>((resolve, reject) => database.exec(sql, (error) => (error ? reject(error) : resolve())));
/** The first column of every row. */
export const column = (database: sqlite3.Database, sql: string) =>
  new Promise<unknown[]>((resolve, reject) =>
    database.all<object>(sql, (error, rows) =>
      error ? reject(error) : resolve(rows.map((row) => Object.values(row)[0])),
    ),
  );
export const tables = (database: sqlite3.Database) =>
  column(database, "SELECT name FROM sqlite_master WHERE type = 'table'") as Promise<string[]>;
export const close = (database: sqlite3.Database) =>
  new Promise<void>((resolve) => database.close(() => resolve()));
const refuse = ({ code }: { code?: string }): never => {
  throw new InvalidEnvironmentError([`DATABASE_URL names a file that cannot be opened (${code})`]);
};

/**
 * A file that somebody else's program filled is not ours to migrate. It is opened read-only and left untouched.
 *
 * @throws InvalidEnvironmentError
 */
export async function refuseForeignFile(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const database = await openFile(file, sqlite3.OPEN_READONLY).catch(refuse);
  try {
    const found = await tables(database);
    if (found.length > 0 && !found.includes(MIGRATIONS_TABLE)) {
      throw new InvalidEnvironmentError([
        'DATABASE_URL names a SQLite file with tables of another program; it was left as it is',
      ]);
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'SQLITE_NOTADB') throw error;
    throw new InvalidEnvironmentError([
      'DATABASE_URL names a file that is not a SQLite database; it was left as it is',
    ]);
  } finally {
    await close(database);
  }
}

/** One name for each file, by whatever links it is named; its folder must be there, the file need not. */
const realName = (file: string) =>
  realpath(file).catch(async () => join(await realpath(dirname(file)), basename(file)));

/** Only the server's user can read it, because it holds password hashes. An existing file stays as it is. */
export async function createFile(file: string): Promise<void> {
  const handle = await open(file, 'a', 0o600).catch(refuse);
  await handle.close();
}

/**
 * One process per file: the in-process parts of the server (write lock, copies of rows) are only true then. The
 * lock is an open transaction on `<file>.lock`; the kernel frees it with the process, however that dies.
 *
 * @returns a function that lets go
 */
export async function lockFile(file: string, waitMs = LOCK_WAIT_MS): Promise<() => Promise<void>> {
  const database = await mkdir(dirname(file), { recursive: true })
    .then(async () => openFile(`${await realName(file)}.lock`, sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE))
    .catch(refuse);
  database.configure('busyTimeout', waitMs);
  try {
    await execute(database, 'BEGIN EXCLUSIVE');
  } catch (error) {
    await close(database);
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    throw new InvalidEnvironmentError([
      `DATABASE_URL names ${file}, which another process uses; stop that first (several servers need PostgreSQL)`,
    ]);
  }
  return () => close(database);
}

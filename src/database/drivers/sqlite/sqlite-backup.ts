import { existsSync, lstatSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import sqlite3 from 'sqlite3';
import { END_SIGNALS } from '../../../common/process-signals.js';
import {
  closeDatabase,
  queryFirstColumn,
  executeSql,
  openSqliteFile,
  refuseForeignFile,
  listTables,
} from './sqlite-file.js';

const BUSY_TIMEOUT_MS = 10_000;

/** Creates `target` when the copy is complete and intact. Until then the copy is `target.partial`. */
export async function backUpSqlite(source: string, target: string): Promise<void> {
  if (!existsSync(source)) throw new Error(`DATABASE_URL names ${source}, which does not exist`);
  await refuseForeignFile(source);
  if (lstatSync(target, { throwIfNoEntry: false })) throw new Error(`${target} already exists`);
  const partial = `${target}.partial`;
  await createPrivateFile(partial);
  try {
    await withDatabase(source, async (database) => {
      if ((await listTables(database)).length === 0) throw new Error(`${source} is empty`);
      await executeSql(database, `VACUUM INTO '${resolve(partial).replaceAll("'", "''")}'`);
    });
    const [result] = await withDatabase(partial, (copy) =>
      queryFirstColumn(copy, 'PRAGMA integrity_check(1)'),
    );
    if (result !== 'ok') throw new Error(`${source} is damaged (${String(result)})`);
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}

async function createPrivateFile(file: string): Promise<void> {
  try {
    await (await open(file, 'wx', 0o600)).close();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Error(`the folder ${dirname(file)} does not exist`, { cause: error });
    if (code !== 'EEXIST') throw error;
    throw new Error(`${file} exists; delete it unless another backup is running`, { cause: error });
  }
}

/** Opens a read-only connection. A signal interrupts its statement, so that the partial copy is removed. */
async function withDatabase<T>(file: string, work: (database: sqlite3.Database) => Promise<T>): Promise<T> {
  const database = await openSqliteFile(file, sqlite3.OPEN_READONLY);
  const interrupt = () => database.interrupt();
  for (const signal of END_SIGNALS) process.on(signal, interrupt);
  try {
    database.configure('busyTimeout', BUSY_TIMEOUT_MS);
    return await work(database);
  } finally {
    for (const signal of END_SIGNALS) process.off(signal, interrupt);
    await closeDatabase(database);
  }
}

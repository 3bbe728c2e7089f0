import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { link, realpath, rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import sqlite3 from 'sqlite3';
import type { SqliteDatabase } from '../../config/env.js';
import { MIGRATIONS_TABLE } from '../data-source.js';
import {
  close,
  column,
  execute,
  lockFile,
  openFile,
  refuseForeignFile,
  tables,
} from '../drivers/sqlite/sqlite-file.js';
import { BackupError } from './backup-error.js';
import { refuseUnknownMigrations } from './known-migrations.js';
import { IDS_LEFT_OUT, type RestoreOptions, tablesToEmpty } from './restored.js';
import { type Backup, syncFolder, withDraft } from './sealed-file.js';

const BUSY_TIMEOUT_MS = 10_000;
/** What SQLite keeps beside a database that has not been closed in order. */
const COMPANIONS = ['-wal', '-shm', '-journal'];

async function withDatabase<T>(file: string, mode: number, work: (database: sqlite3.Database) => Promise<T>) {
  const database = await openFile(file, mode);
  try {
    database.configure('busyTimeout', BUSY_TIMEOUT_MS);
    return await work(database);
  } finally {
    await close(database);
  }
}

/**
 * While the server reads and writes: one reading transaction sees one state of the file, however long it takes. SQLite's
 * own backup API would begin anew with every write of another process.
 *
 * @param draft an empty file
 */
export async function backUpSqlite({ file }: SqliteDatabase, draft: string): Promise<void> {
  if (!existsSync(file)) throw new BackupError(`DATABASE_URL names ${file}, which is not there`);
  await refuseForeignFile(file);
  await withDatabase(file, sqlite3.OPEN_READONLY, async (database) => {
    if ((await tables(database)).length === 0) throw new BackupError(`there is nothing in ${file}`);
    await execute(database, `VACUUM INTO '${draft.replaceAll("'", "''")}'`);
  });
  await withDatabase(draft, sqlite3.OPEN_READONLY, refuseDamaged);
}

/** @throws BackupError */
async function refuseDamaged(database: sqlite3.Database): Promise<void> {
  const found = [
    ...(await column(database, 'PRAGMA integrity_check(1)')).filter((line) => line !== 'ok'),
    ...(await column(database, 'PRAGMA foreign_key_check')).map(
      (table) => `${table} refers to what is not there`,
    ),
  ];
  if (found.length > 0) throw new BackupError(`the database is damaged: ${found[0]}`);
}

/**
 * Puts the backup in the place of the file, at once, when no server has it.
 *
 * @returns what the old file is called now, if there was one
 */
export async function restoreSqlite(
  { file: named }: SqliteDatabase,
  backup: Backup,
  options: RestoreOptions,
): Promise<string | null> {
  const file = await realpath(named).catch(() => named);
  const refuse = () => {
    if (!options.replace && existsSync(file))
      throw new BackupError(`${named} is there already; with --replace it is set aside`);
  };
  // Before there is a lock beside it.
  refuse();
  const unlock = await lockFile(named, 0);
  try {
    refuse();
    return await withDraft(file, async (draft) => {
      await pipeline(
        createReadStream(backup.file, { end: backup.size - 1 }),
        createWriteStream(draft, { flush: true }),
      );
      await withDatabase(draft, sqlite3.OPEN_READWRITE, (database) => prepare(database, options));
      const kept = await setAside(file, backup);
      await rename(draft, file);
      await syncFolder(file);
      return kept;
    });
  } finally {
    await unlock();
  }
}

async function prepare(database: sqlite3.Database, options: RestoreOptions): Promise<void> {
  await refuseDamaged(database);
  const found = await tables(database);
  refuseUnknownMigrations(
    found.includes(MIGRATIONS_TABLE)
      ? await column(database, `SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id`)
      : [],
  );
  const counted = (await column(
    database,
    `SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%' AND name <> '${MIGRATIONS_TABLE}'`,
  )) as string[];
  await execute(
    database,
    [
      // No file beside the draft: who is interrupted throws it away.
      'PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL; BEGIN',
      `UPDATE cache_epoch SET epoch = '${randomBytes(6).toString('hex')}'`,
      ...counted.flatMap((table) => [
        `INSERT INTO sqlite_sequence (name, seq) SELECT '${table}', 0
         WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '${table}')`,
        `UPDATE sqlite_sequence SET seq = seq + ${IDS_LEFT_OUT} WHERE name = '${table}'`,
      ]),
      ...tablesToEmpty(options)
        .filter((table) => found.includes(table))
        .map((table) => `DELETE FROM ${table}`),
      'COMMIT',
    ].join(';\n'),
  );
}

/**
 * The old database under another name, in one piece: SQLite would take what it had not yet written into the file (its
 * WAL) for the new one's.
 */
async function setAside(file: string, { takenAt }: Backup): Promise<string | null> {
  const kept = `${file}.before-restoring-${takenAt.replaceAll(':', '')}.${randomBytes(3).toString('hex')}`;
  const isThere = existsSync(file);
  if (isThere) {
    // Opened and closed, it takes in what it had not. One that is too damaged for that keeps it beside it.
    await withDatabase(file, sqlite3.OPEN_READWRITE, tables).catch(() => undefined);
    await link(file, kept);
  }
  for (const companion of COMPANIONS)
    if (existsSync(file + companion)) await rename(file + companion, kept + companion);
  return isThere ? kept : null;
}

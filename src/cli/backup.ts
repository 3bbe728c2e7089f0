import 'reflect-metadata';
import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadDatabaseUrl } from '../config/load-env.js';
import { backUpSqlite } from '../database/drivers/sqlite/sqlite-backup.js';
import { runCommand } from './run-command.js';

const usage = `Usage: node dist/backup.js FILE

Copies the SQLite database of DATABASE_URL into FILE. The server can go on serving.
FILE must not exist yet. Only the user that runs the command can read it.
docs/operations.md says how to restore it, and how to back up PostgreSQL.`;

async function backUp(args: string[]): Promise<string> {
  const { positionals } = parseArgs({ args, allowPositionals: true });
  const [target] = positionals;
  const database = loadDatabaseUrl();
  if (database.type === 'postgres')
    throw new Error(`DATABASE_URL names a PostgreSQL database; run: ${pgDump(database.url, target)}`);
  if (!target || positionals.length > 1) throw new Error('name one file: node dist/backup.js FILE');
  await backUpSqlite(database.file, target);
  return `${target}: ${statSync(target).size} bytes`;
}

/** Without the password, and without the query because it can contain one. pg_dump asks for it. */
function pgDump(url: string, target = 'watchlist.dump'): string {
  const { username, host, pathname } = new URL(url);
  const user = username && `${username}@`;
  return `pg_dump --format=custom --file='${target}' 'postgresql://${user}${host}${pathname}'`;
}

await runCommand({ usage, failure: 'No backup was made' }, backUp);

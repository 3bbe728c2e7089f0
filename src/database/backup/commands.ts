import { parseArgs } from 'node:util';
import { type Env, loadDatabaseUrl } from '../../config/env.js';
import { BackupError, reasonOf } from './backup-error.js';
import { backUpPostgres, restorePostgres } from './postgres-backup.js';
import { createBackup, openBackup } from './sealed-file.js';
import { backUpSqlite, restoreSqlite } from './sqlite-backup.js';

type Target = Env['DATABASE_URL'];

const USAGE = {
  backup: 'node dist/backup.js FILE',
  restore: 'node dist/restore.js FILE [--replace] [--keep-sessions] [--revoke-tokens]',
};

/**
 * @param args `FILE`
 * @returns what to tell
 * @throws BackupError
 */
export async function backup(args: readonly string[], target?: Target): Promise<string> {
  try {
    const { file } = parsed(args, 'backup');
    const database = target ?? loadDatabaseUrl();
    const size = await createBackup(file, (draft) =>
      database.type === 'sqlite' ? backUpSqlite(database, draft) : backUpPostgres(database, draft),
    );
    return `${file}: ${size} bytes`;
  } catch (error) {
    throw new BackupError(`No backup was made: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * @param args `FILE` and options
 * @returns what to tell
 * @throws BackupError
 */
export async function restore(args: readonly string[], target?: Target): Promise<string> {
  try {
    const { file, options } = parsed(args, 'restore');
    const database = target ?? loadDatabaseUrl();
    const found = await openBackup(file);
    if (found.kind !== database.type)
      throw new BackupError(`${file} is of a ${found.kind} database, and DATABASE_URL names another kind`);
    const told = [`Restored as of ${found.takenAt}.`];
    if (database.type === 'postgres') await restorePostgres(database, found, options);
    else {
      const kept = await restoreSqlite(database, found, options);
      if (kept !== null) told.push(`What was there before is ${kept}.`);
    }
    told.push(options.keepSessions ? 'Sessions are as they were then.' : 'Everybody has to sign in again.');
    told.push(`Personal tokens are ${options.revokeTokens ? 'revoked' : 'as they were then'}.`);
    return told.join(' ');
  } catch (error) {
    throw new BackupError(`Nothing was restored: ${reasonOf(error)}`, { cause: error });
  }
}

function parsed(args: readonly string[], command: keyof typeof USAGE) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: command === 'backup' ? {} : { replace: flag, 'keep-sessions': flag, 'revoke-tokens': flag },
    });
    if (positionals.length !== 1 || positionals[0] === '') throw new Error('one FILE must be named');
    return {
      file: positionals[0]!,
      options: {
        replace: values.replace === true,
        keepSessions: values['keep-sessions'] === true,
        revokeTokens: values['revoke-tokens'] === true,
      },
    };
  } catch (error) {
    throw new BackupError(`${(error as Error).message} (${USAGE[command]})`, { cause: error });
  }
}

import { MIGRATIONS } from '../../schema.js';
import { BackupError } from './backup-error.js';

const KNOWN = MIGRATIONS.map(({ name }) => name);

/** Whether these have run, in this order, and no others. */
export const isOurVersion = (names: readonly unknown[]) =>
  names.length === KNOWN.length && names.every((name, index) => name === KNOWN[index]);

/**
 * A backup of an older version is restored as it is; the server's start brings it up to date.
 *
 * @throws BackupError for one whose migrations are not the first of ours
 */
export function refuseUnknownMigrations(names: readonly unknown[]): void {
  if (names.length === 0 || names.some((name, index) => name !== KNOWN[index]))
    throw new BackupError(
      'the backup is of another version of this server: restore it with the one that made it, or a newer one',
    );
}

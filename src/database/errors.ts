import { QueryFailedError } from 'typeorm';
import { DependencyDownError } from '../common/errors/common.errors.js';

/**
 * Codes for temporary failures: unreachable, full, locked or too slow. 0A000, 26000 and 42P05 mean that a prepared
 * statement became unusable within a transaction; the next transaction prepares it again.
 */
const UNAVAILABLE =
  /^(08|53)...$|^(57P0[1234]|28000|28P01|3D000|57014|55P03|25P03|40001|40P01|25006|0A000|26000|42P05|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|ENOENT)$|^SQLITE_(BUSY|FULL|IOERR|LOCKED|CANTOPEN|NOMEM|PROTOCOL)$/;

/** These errors have no code. The last is TypeORM's, for a connection that was lost between two statements. */
const UNAVAILABLE_MESSAGE =
  /timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client (has encountered a connection error|was closed)|[Qq]uery runner (was )?already released/;

function codeOf(error: unknown): string | undefined {
  const { code, driverError } = (error ?? {}) as { code?: string; driverError?: { code?: string } };
  return driverError?.code ?? code;
}

export function isUnavailable(error: unknown): boolean {
  return (
    UNAVAILABLE.test(codeOf(error) ?? '') ||
    UNAVAILABLE_MESSAGE.test((error as Error | undefined)?.message ?? '')
  );
}

/** True when another process holds a lock, so that another try can succeed. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === 'SQLITE_BUSY';
}

/** Maps a temporary database failure to a 503 error and returns other errors unchanged. */
export function toDomainError(error: unknown): unknown {
  return isUnavailable(error) ? new DependencyDownError('database', error) : error;
}

/** True for an error of a UNIQUE constraint, on either database. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const { code, message } = error.driverError as Error & { code?: string };
  return code === '23505' || (code === 'SQLITE_CONSTRAINT' && message.includes('UNIQUE constraint failed'));
}

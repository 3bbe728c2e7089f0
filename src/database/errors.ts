import { DependencyDownError } from '../common/errors/common.errors.js';

/**
 * Codes for "not now": away, full, locked, too slow; SQLSTATE classes 08 and 53, and single codes. 0A000, 26000 and
 * 42P05 are prepared statements that became unusable within a transaction; the next transaction prepares them again.
 */
const UNAVAILABLE =
  /^(08|53)...$|^(57P0[1234]|28000|28P01|3D000|57014|55P03|25P03|40001|40P01|25006|0A000|26000|42P05|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|ENOENT)$|^SQLITE_(BUSY|FULL|IOERR|LOCKED|CANTOPEN|NOMEM|PROTOCOL)$/;

/** pg has no codes for these; the last one is TypeORM's word for a connection that went away between two statements. */
const UNAVAILABLE_MESSAGE =
  /timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error|Query runner already released/;

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

/** A lock that another process holds: worth another try. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === 'SQLITE_BUSY';
}

/** What a caller should get for an error of the database: 503 when it is away, the error itself otherwise. */
export function translated(error: unknown): unknown {
  return isUnavailable(error) ? new DependencyDownError('database', error) : error;
}

import { DatabaseError } from 'pg';
import {
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
} from 'typeorm';
import { DependencyDownError } from '../common/errors/common.errors.js';

/**
 * PostgreSQL's error codes, or how they begin, that come from the database's state and not from our statement: the same
 * statement can succeed later or on another node. All other codes are mistakes in our code.
 */
const UNAVAILABLE_STATES = [
  '08', // connection
  '25006', // read-only: this node is a standby now
  '25P03', // the transaction was idle for too long
  '25P04', // the transaction took too long
  '28', // the role may not connect any more
  '3D', // the database is gone
  '40', // conflict with another transaction
  '42501', // the role's privileges were taken away
  '53', // out of disk, memory or connections
  '55', // locked, or the database accepts no connections
  '57', // stopped by an administrator or a timeout
  '58', // the server's system failed
  '72', // the snapshot is too old
  'F0', // the server's configuration
  'XX', // the server's own error, or damaged data
  // A prepared statement became unusable within a transaction. The next transaction prepares it again.
  '0A000',
  '26000',
  '42P05',
];

/** SQLite's codes for mistakes in our code. All others come from the file, the disk or another process. */
const SQLITE_MISTAKES =
  /^SQLITE_(ERROR|INTERNAL|ABORT|EMPTY|NOTFOUND|TOOBIG|CONSTRAINT|MISMATCH|MISUSE|RANGE|FORMAT|NOTICE|WARNING)$/;

const connectionErrors = new WeakSet<object>();

/** Whatever goes wrong while connecting means that the database is unavailable. */
export function asConnectionError(error: Error): Error {
  connectionErrors.add(error);
  return error;
}

function codeOf(error: unknown): string {
  const { code, driverError } = (error ?? {}) as { code?: string; driverError?: { code?: string } };
  return driverError?.code ?? code ?? '';
}

/** True when SQLite cannot use its file: it is damaged, read-only or locked, or the disk is full or fails. */
export function isFileFailure(error: unknown): boolean {
  const code = codeOf(error);
  return code.startsWith('SQLITE_') && !SQLITE_MISTAKES.test(code);
}

export function isUnavailable(error: unknown): boolean {
  if (connectionErrors.has(error as object)) return true;
  // The connection was lost between two statements.
  if (
    error instanceof QueryRunnerAlreadyReleasedError ||
    error instanceof QueryRunnerProviderAlreadyReleasedError
  )
    return true;
  if (!(error instanceof QueryFailedError)) return false;
  const { driverError } = error as QueryFailedError<Error & { code?: string }>;
  const { code = '' } = driverError;
  if (driverError instanceof DatabaseError)
    return driverError.severity === 'FATAL' || UNAVAILABLE_STATES.some((state) => code.startsWith(state));
  if (code.startsWith('SQLITE_')) return isFileFailure(error);
  // PostgreSQL did not answer the statement, so its connection broke, unless the driver could not even send it.
  return !(driverError instanceof TypeError || driverError instanceof RangeError);
}

/** True when the node that the connection leads to accepts no writes. */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === '25006';
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

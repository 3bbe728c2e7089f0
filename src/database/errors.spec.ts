import { QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { DependencyDownError, OverloadedError } from '../common/errors/common.errors.js';
import { isBusy, isUnavailable, toDomainError } from './errors.js';

/** The driver throws the bare error. TypeORM wraps it. */
const thrown = (code: string) => Object.assign(new Error('oops'), { code });
const wrapped = (code: string) => new QueryFailedError('SELECT 1', [], thrown(code));

const AWAY = [
  ['the connection broke', '08006'],
  ['the connection was refused', '08001'],
  ['the disk is full', '53100'],
  ['there are too many connections', '53300'],
  ['an administrator stopped the server', '57P01'],
  ['the server crashed', '57P02'],
  ['the server is starting', '57P03'],
  ['the statement took too long', '57014'],
  ['the lock took too long', '55P03'],
  ['the transaction was idle for too long', '25P03'],
  ['two transactions conflicted', '40001'],
  ['two transactions deadlocked', '40P01'],
  ['the server is a standby', '25006'],
  ['a table changed under a prepared statement', '0A000'],
  ['a prepared statement is gone', '26000'],
  ['the name of a prepared statement is taken', '42P05'],
  ['no process listens', 'ECONNREFUSED'],
  ['the peer hung up', 'ECONNRESET'],
  ['the server does not answer', 'ETIMEDOUT'],
  ['the pipe broke', 'EPIPE'],
  ['the name is unknown', 'ENOTFOUND'],
  ['the name server is away', 'EAI_AGAIN'],
  ['the file is gone', 'ENOENT'],
  ['the file is locked', 'SQLITE_BUSY'],
  ['the disk is full', 'SQLITE_FULL'],
  ['the disk fails', 'SQLITE_IOERR'],
  ['the file cannot be opened', 'SQLITE_CANTOPEN'],
] as const;

describe(isUnavailable.name, () => {
  it.each(AWAY)('is true when %s (%s)', (_what, code) => {
    expect(isUnavailable(thrown(code))).toBe(true);
    expect(isUnavailable(wrapped(code))).toBe(true);
  });

  it.each([
    new Error('timeout exceeded when trying to connect'),
    new Error('Connection terminated unexpectedly'),
    new Error('Connection terminated due to connection timeout'),
    new Error('Query read timeout'),
    new Error('Client has encountered a connection error and is not queryable'),
    new QueryRunnerAlreadyReleasedError(),
  ])('is true for what has no code: %s', (error) => {
    expect(isUnavailable(error)).toBe(true);
  });

  it.each([
    ['the statement is wrong', '42601'],
    ['there is no such table', '42P01'],
    ['a value is taken', '23505'],
    ['a referenced row does not exist', '23503'],
    ['a text has a NUL', '22021'],
    ['SQLite refuses a value', 'SQLITE_CONSTRAINT'],
    ['SQLite finds the statement wrong', 'SQLITE_ERROR'],
    ['the read-only connection writes', 'SQLITE_READONLY'],
    ['the code only looks like one', 'X08006'],
    ['the code only starts like one', 'SQLITE_BUSYBODY'],
  ])('is false when %s (%s)', (_what, code) => {
    expect(isUnavailable(thrown(code))).toBe(false);
    expect(isUnavailable(wrapped(code))).toBe(false);
  });

  it.each([
    new Error('oops'),
    new TypeError('x is not a function'),
    new OverloadedError(),
    'oops',
    null,
    undefined,
  ])('is false for %s', (error) => {
    expect(isUnavailable(error)).toBe(false);
  });
});

describe(isBusy.name, () => {
  it('is true only for a lock that another process holds', () => {
    expect(isBusy(wrapped('SQLITE_BUSY'))).toBe(true);
    expect(isBusy(thrown('SQLITE_BUSY'))).toBe(true);
    for (const other of [wrapped('SQLITE_FULL'), wrapped('55P03'), new Error('SQLITE_BUSY'), undefined]) {
      expect(isBusy(other)).toBe(false);
    }
  });
});

describe(toDomainError.name, () => {
  it('returns a 503 error with the original as its cause when the database is unavailable', () => {
    const error = wrapped('SQLITE_FULL');
    const problem = toDomainError(error);
    expect(problem).toBeInstanceOf(DependencyDownError);
    expect(problem).toMatchObject({ status: 503, code: 'DEPENDENCY_DOWN', cause: error });
  });

  it('returns other errors unchanged', () => {
    for (const error of [wrapped('23505'), new OverloadedError(), 'oops'])
      expect(toDomainError(error)).toBe(error);
  });
});

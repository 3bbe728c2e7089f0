import { DatabaseError } from 'pg';
import {
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
} from 'typeorm';
import { DependencyDownError, OverloadedError } from '../common/errors/common.errors.js';
import { asConnectionError, isBusy, isUnavailable, toDomainError } from './errors.js';

/** As the driver throws it. */
const thrown = (code: string) => Object.assign(new Error('oops'), { code });
const wrapped = (error: Error) => new QueryFailedError('SELECT 1', [], error);
/** PostgreSQL's answer to a statement. */
const answered = (code: string) => wrapped(Object.assign(new DatabaseError('oops', 4, 'error'), { code }));

describe(isUnavailable.name, () => {
  it.each([
    ['the connection broke', '08006'],
    ['a pooler lost its server', '08P01'],
    ['the server is a standby', '25006'],
    ['the transaction was idle for too long', '25P03'],
    ['the role may not connect', '28000'],
    ['the database was dropped', '3D000'],
    ['two transactions conflicted', '40001'],
    ['two transactions deadlocked', '40P01'],
    ['a privilege was revoked', '42501'],
    ['the disk is full', '53100'],
    ['there are too many connections', '53300'],
    ['the database accepts no connections', '55000'],
    ['the lock took too long', '55P03'],
    ['the statement took too long', '57014'],
    ['an administrator stopped the server', '57P01'],
    ['the server is starting', '57P03'],
    ['the database was dropped under the session', '57P04'],
    ['the server could not read a file', '58030'],
    ['a file of the server is damaged', 'XX001'],
    ['the server has an error of its own', 'XX000'],
    ['a table changed under a prepared statement', '0A000'],
    ['a prepared statement is gone', '26000'],
    ['the name of a prepared statement is taken', '42P05'],
  ])('is true when %s (%s)', (_what, code) => {
    expect(isUnavailable(answered(code))).toBe(true);
  });

  it.each([
    ['the statement is wrong', '42601'],
    ['there is no such table', '42P01'],
    ['a value is taken', '23505'],
    ['a referenced row does not exist', '23503'],
    ['a text has a NUL', '22021'],
    ['the transaction has failed already', '25P02'],
    ['there are too many parameters', '54000'],
    ['the code only looks like one', 'X08006'],
  ])('is false when %s (%s)', (_what, code) => {
    expect(isUnavailable(answered(code))).toBe(false);
  });

  it.each([
    'BUSY',
    'LOCKED',
    'FULL',
    'IOERR',
    'CANTOPEN',
    'READONLY',
    'CORRUPT',
    'NOTADB',
    'NOMEM',
    'PROTOCOL',
  ])('is true for SQLITE_%s', (name) => {
    expect(isUnavailable(wrapped(thrown(`SQLITE_${name}`)))).toBe(true);
  });

  it.each(['ERROR', 'CONSTRAINT', 'MISUSE', 'RANGE', 'TOOBIG', 'MISMATCH'])(
    'is false for SQLITE_%s',
    (name) => {
      expect(isUnavailable(wrapped(thrown(`SQLITE_${name}`)))).toBe(false);
    },
  );

  it.each([
    thrown('EHOSTUNREACH'),
    thrown('ENEW'),
    thrown('28P01'),
    new Error('The server does not support SSL'),
  ])('is true for whatever fails while connecting: %s', (error) => {
    expect(isUnavailable(error)).toBe(false);
    expect(isUnavailable(asConnectionError(error))).toBe(true);
  });

  it.each([thrown('ECONNRESET'), thrown('ENEW'), new Error('Query read timeout')])(
    'is true when the connection breaks under a statement: %s',
    (error) => {
      expect(isUnavailable(wrapped(error))).toBe(true);
    },
  );

  it.each([new QueryRunnerAlreadyReleasedError(), new QueryRunnerProviderAlreadyReleasedError()])(
    'is true when the connection was lost between two statements: %s',
    (error) => {
      expect(isUnavailable(error)).toBe(true);
    },
  );

  it('is true when PostgreSQL ends the session, whatever the reason', () => {
    const error = Object.assign(new DatabaseError('oops', 4, 'error'), { code: 'P0001', severity: 'FATAL' });
    expect(isUnavailable(wrapped(error))).toBe(true);
  });

  it.each([
    new Error('oops'),
    new Error('Query read timeout'),
    new TypeError('x is not a function'),
    wrapped(new TypeError('x is not a function')),
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
    expect(isBusy(wrapped(thrown('SQLITE_BUSY')))).toBe(true);
    expect(isBusy(thrown('SQLITE_BUSY'))).toBe(true);
    for (const other of [
      wrapped(thrown('SQLITE_FULL')),
      answered('55P03'),
      new Error('SQLITE_BUSY'),
      undefined,
    ]) {
      expect(isBusy(other)).toBe(false);
    }
  });
});

describe(toDomainError.name, () => {
  it('returns a 503 error with the original as its cause when the database is unavailable', () => {
    const error = wrapped(thrown('SQLITE_FULL'));
    const problem = toDomainError(error);
    expect(problem).toBeInstanceOf(DependencyDownError);
    expect(problem).toMatchObject({ status: 503, code: 'DEPENDENCY_DOWN', cause: error });
  });

  it('returns other errors unchanged', () => {
    for (const error of [answered('23505'), new OverloadedError(), 'oops'])
      expect(toDomainError(error)).toBe(error);
  });
});

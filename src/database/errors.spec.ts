import { QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { DependencyDownError, OverloadedError } from '../common/errors/common.errors.js';
import { isBusy, isUnavailable, translated } from './errors.js';

/** As the driver throws it, and as TypeORM wraps it. */
const thrown = (code: string) => Object.assign(new Error('oops'), { code });
const wrapped = (code: string) => new QueryFailedError('SELECT 1', [], thrown(code));

const AWAY = [
  ['the connection broke', '08006'],
  ['the connection was refused', '08001'],
  ['there is no more disk space', '53100'],
  ['there are too many connections', '53300'],
  ['an administrator stopped it', '57P01'],
  ['it crashed', '57P02'],
  ['it is starting', '57P03'],
  ['the statement took too long', '57014'],
  ['the lock took too long', '55P03'],
  ['the transaction was idle for too long', '25P03'],
  ['two transactions were in each other’s way', '40001'],
  ['two transactions waited for each other', '40P01'],
  ['it is a standby', '25006'],
  ['a table changed under a prepared statement', '0A000'],
  ['a prepared statement is gone', '26000'],
  ['the name of a prepared statement is taken', '42P05'],
  ['nobody listens', 'ECONNREFUSED'],
  ['the peer hung up', 'ECONNRESET'],
  ['nobody answers', 'ETIMEDOUT'],
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
    ['a reference leads nowhere', '23503'],
    ['a text has a NUL', '22021'],
    ['SQLite refuses a value', 'SQLITE_CONSTRAINT'],
    ['SQLite finds the statement wrong', 'SQLITE_ERROR'],
    ['something is written through the side that reads', 'SQLITE_READONLY'],
    ['the code only looks like one', 'X08006'],
    ['the code only begins like one', 'SQLITE_BUSYBODY'],
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
  it('is true for a lock that somebody else holds, and for nothing else', () => {
    expect(isBusy(wrapped('SQLITE_BUSY'))).toBe(true);
    expect(isBusy(thrown('SQLITE_BUSY'))).toBe(true);
    for (const other of [wrapped('SQLITE_FULL'), wrapped('55P03'), new Error('SQLITE_BUSY'), undefined]) {
      expect(isBusy(other)).toBe(false);
    }
  });
});

describe(translated.name, () => {
  it('makes a 503 of an absence and keeps what was thrown as its cause', () => {
    const error = wrapped('SQLITE_FULL');
    const problem = translated(error);
    expect(problem).toBeInstanceOf(DependencyDownError);
    expect(problem).toMatchObject({ status: 503, code: 'DEPENDENCY_DOWN', cause: error });
  });

  it('leaves everything else as it is', () => {
    for (const error of [wrapped('23505'), new OverloadedError(), 'oops'])
      expect(translated(error)).toBe(error);
  });
});

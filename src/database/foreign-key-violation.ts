import { QueryFailedError } from 'typeorm';

/** True for what a reference to a row that is not there raises, on either database. */
export function isForeignKeyViolation(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const { code, message } = error.driverError as Error & { code?: string };
  return (
    code === '23503' || (code === 'SQLITE_CONSTRAINT' && message.includes('FOREIGN KEY constraint failed'))
  );
}

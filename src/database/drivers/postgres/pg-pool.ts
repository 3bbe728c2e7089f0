import pg, { type PoolClient } from 'pg';
import { asConnectionError } from '../../errors.js';

type Connected = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (error?: boolean | Error) => void,
) => void;

/** Marks every failure to get a connection as such, because the pool's and the system's errors have nothing in common. */
export class PgPool extends pg.Pool {
  override connect(): Promise<PoolClient>;
  override connect(connected: Connected): void;
  override connect(connected?: Connected): Promise<PoolClient> | void {
    if (connected === undefined)
      return super.connect().catch((error: Error) => Promise.reject(asConnectionError(error)));
    super.connect((error, client, release) => connected(error && asConnectionError(error), client, release));
  }
}

import type { Logger } from '@nestjs/common';
import { PollingWorker } from './polling-worker.js';

export interface CleanupOptions {
  readonly intervalMs: number;
  /** How many rows one transaction deletes. */
  readonly batchSize: number;
}

/**
 * Deletes old rows at the start and then at each interval, in small transactions.
 *
 * @param what names the rows in the log, in the plural
 * @param deleteBatch returns how many rows it found: fewer than `limit` when no more are left
 */
export const createCleanupJob = (
  what: string,
  deleteBatch: (limit: number) => Promise<number>,
  { intervalMs, batchSize }: CleanupOptions,
  logger: Logger,
): PollingWorker =>
  new PollingWorker(
    async () => (await deleteBatch(batchSize)) === batchSize,
    { pollMs: intervalMs },
    (error) => logger.warn(`${what} could not be deleted; the server tries again later`, error),
  );

import { Rounds } from './rounds.js';

export interface SweepOptions {
  readonly intervalMs: number;
  /** How many go in one transaction. */
  readonly batch: number;
}

/**
 * Deletes what nobody needs any more: at once and then again and again, in small transactions. Several instances may do
 * so at the same time.
 *
 * @param deleteSome comes back with how many it found; fewer than `limit` when there are no more
 */
export const sweep = (
  deleteSome: (limit: number) => Promise<number>,
  { intervalMs, batch }: SweepOptions,
  onError: (error: unknown) => void,
): Rounds => new Rounds(async () => (await deleteSome(batch)) === batch, { pollMs: intervalMs }, onError);

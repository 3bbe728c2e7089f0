import { setTimeout as sleep } from 'node:timers/promises';

const DEADLINE_MS = 15_000;
const INTERVAL_MS = 20;

/** Asks again and again until `outcome` no longer throws; in the end fails with what it threw last. */
export async function eventually<T>(outcome: () => T | Promise<T>): Promise<T> {
  for (const deadline = Date.now() + DEADLINE_MS; ; await sleep(INTERVAL_MS)) {
    try {
      return await outcome();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

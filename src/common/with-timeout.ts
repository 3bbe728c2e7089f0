import { setTimeout as sleep } from 'node:timers/promises';

const TIME_LIMIT_MS = 1000;

/** What is answered within a second; undefined for what fails or is late. One that hangs is left behind, not waited for. */
export async function inTime<T>(ask: () => Promise<T>): Promise<T | undefined> {
  const settled = new AbortController();
  const late = sleep(TIME_LIMIT_MS, undefined, { signal: settled.signal }).catch(() => undefined);
  try {
    return await Promise.race([ask(), late]);
  } catch {
    return undefined;
  } finally {
    settled.abort();
  }
}

/** Whether a probe succeeds within a second. */
export async function succeedsInTime(probe: () => Promise<unknown>): Promise<boolean> {
  return (await inTime(() => probe().then(() => true))) ?? false;
}

import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 1000;

/** Resolves with the result if it arrives within 1 s, otherwise with undefined. A hung call is abandoned. */
export async function withTimeout<T>(call: () => Promise<T>): Promise<T | undefined> {
  const settled = new AbortController();
  const late = sleep(TIMEOUT_MS, undefined, { signal: settled.signal }).catch(() => undefined);
  try {
    return await Promise.race([call(), late]);
  } catch {
    return undefined;
  } finally {
    settled.abort();
  }
}

/** Whether the probe succeeds within 1 s. */
export async function succeedsInTime(probe: () => Promise<unknown>): Promise<boolean> {
  return (await withTimeout(() => probe().then(() => true))) ?? false;
}

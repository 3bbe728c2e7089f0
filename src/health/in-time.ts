import { setTimeout as sleep } from 'node:timers/promises';

const PROBE_TIMEOUT_MS = 1000;

/** Whether a probe succeeds within a second. One that hangs is left behind, not waited for. */
export async function inTime(probe: () => Promise<unknown>): Promise<boolean> {
  const settled = new AbortController();
  const late = sleep(PROBE_TIMEOUT_MS, false, { signal: settled.signal }).catch(() => false);
  try {
    return await Promise.race([probe().then(() => true), late]);
  } catch {
    return false;
  } finally {
    settled.abort();
  }
}

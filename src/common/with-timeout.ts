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

/** Why the probe fails, or that it takes longer than 1 s. Undefined when it succeeds in time. */
export async function failureInTime(probe: () => Promise<unknown>): Promise<Error | undefined> {
  const outcome = await withTimeout(() =>
    probe().then(
      () => null,
      (error: Error) => error,
    ),
  );
  return outcome === undefined ? new Error('no answer within 1 s') : (outcome ?? undefined);
}

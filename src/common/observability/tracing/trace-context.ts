import type { Context } from '@opentelemetry/api';
import { AsyncVariable } from '../../async-variable.js';

/**
 * For whom something is done: a request, with its span; several, where requests share a statement. Nobody outside of
 * requests, for those that are not traced, and while tracing is off.
 */
export const callers = new AsyncVariable<readonly Context[]>();

/** Runs `work` for all of them. What each of them is, `callers` told whoever asks here. */
export function onBehalfOf<Result>(
  asking: readonly (readonly Context[] | undefined)[],
  work: () => Result,
): Result {
  const all = asking.flatMap((contexts) => contexts ?? []);
  return all.length === 0 ? work() : callers.run(all, work);
}

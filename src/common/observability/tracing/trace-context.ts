import type { Context } from '@opentelemetry/api';
import { AsyncVariable } from '../../async-variable.js';

/**
 * The span contexts of the requests that the current work belongs to. Several requests can share a statement.
 * Undefined outside of requests, for requests that are not traced, and while tracing is off.
 */
export const activeSpans = new AsyncVariable<readonly Context[]>();

/** Runs `work` with these span contexts active. Collect them with `activeSpans.get()`. */
export function withSpans<Result>(
  spans: readonly (readonly Context[] | undefined)[],
  work: () => Result,
): Result {
  const all = spans.flatMap((contexts) => contexts ?? []);
  return all.length === 0 ? work() : activeSpans.run(all, work);
}

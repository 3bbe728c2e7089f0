import DataLoader from 'dataloader';
import { withoutVariables } from '../common/async-variable.js';
import { callers, onBehalfOf } from '../common/observability/tracing/trace-context.js';

interface Asked<Key> {
  readonly key: Key;
  readonly by: ReturnType<typeof callers.get>;
}

/**
 * Requests that arrive together share one statement. It is sent after the last of them has asked, and nothing is kept:
 * each sees what was committed when it began. The statement belongs to none of them: it runs outside of any request's
 * context, but in the trace of each.
 *
 * @param read what is found for these keys, in their order
 * @param maxBatchSize so many at most in one statement; what is more goes into the next
 */
export function readTogether<Key, Found>(
  read: (keys: readonly Key[]) => Promise<Found[]>,
  maxBatchSize?: number,
): (key: Key) => Promise<Found> {
  const loader = new DataLoader<Asked<Key>, Found>(
    (asked) =>
      onBehalfOf(
        asked.map(({ by }) => by),
        () => read(asked.map(({ key }) => key)),
      ),
    {
      cache: false,
      maxBatchSize,
      batchScheduleFn: (send) => void setImmediate(() => withoutVariables(send)),
    },
  );
  return (key) => loader.load({ key, by: callers.get() });
}

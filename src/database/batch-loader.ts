import DataLoader from 'dataloader';
import { withoutVariables } from '../common/async-variable.js';
import { activeSpans, withSpans } from '../common/observability/tracing/trace-context.js';

interface Query<Key> {
  readonly key: Key;
  readonly by: ReturnType<typeof activeSpans.get>;
}

/**
 * Concurrent requests share one statement. Nothing is kept: the statement is sent after the last of them has asked, so
 * each sees what was committed when it began. It runs outside any request's context, but appears in the trace of each.
 *
 * @param read returns the results in the order of the keys
 * @param maxBatchSize keys in one statement; the others go into the next
 */
export function createBatchLoader<Key, Found>(
  read: (keys: readonly Key[]) => Promise<Found[]>,
  maxBatchSize?: number,
): (key: Key) => Promise<Found> {
  const loader = new DataLoader<Query<Key>, Found>(
    (queries) =>
      withSpans(
        queries.map(({ by }) => by),
        () => read(queries.map(({ key }) => key)),
      ),
    {
      cache: false,
      maxBatchSize,
      batchScheduleFn: (send) => void setImmediate(() => withoutVariables(send)),
    },
  );
  return (key) => loader.load({ key, by: activeSpans.get() });
}

import DataLoader from 'dataloader';
import { withoutVariables } from '../common/async-variable.js';
import { activeSpans, withSpans } from '../common/observability/tracing/trace-context.js';

interface Query<Key> {
  readonly key: Key;
  readonly by: ReturnType<typeof activeSpans.get>;
}

/**
 * Lets concurrent requests share one statement without caching. The statement is sent after all of them have called, so
 * each sees data committed before its call. It runs outside any request's context but appears in each trace.
 *
 * @param read returns the results in the order of the keys
 * @param maxBatchSize keys per statement; further keys go into the next statement
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

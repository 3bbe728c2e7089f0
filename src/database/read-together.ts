import { AsyncLocalStorage } from 'node:async_hooks';
import DataLoader from 'dataloader';

/**
 * Requests that arrive together share one statement. It is sent after the last of them has asked, and nothing is kept:
 * each sees what was committed when it began. The statement belongs to none of them: it runs outside of any request's
 * context.
 *
 * @param read what is found for these keys, in their order; null for what is not there
 */
export function readTogether<Key, Row>(
  read: (keys: readonly Key[]) => Promise<(Row | null)[]>,
): (key: Key) => Promise<Row | null> {
  const outsideOfAnyRequest = AsyncLocalStorage.snapshot();
  const loader = new DataLoader<Key, Row | null>(read, {
    cache: false,
    batchScheduleFn: (send) => void setImmediate(() => outsideOfAnyRequest(send)),
  });
  return (key) => loader.load(key);
}

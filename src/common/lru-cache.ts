import { LRUCache } from 'lru-cache';

/**
 * The `maximum` entries used last. Told to the library as a size, of which each entry has 1: for a `max` it sets memory
 * aside at once, which for all that may be remembered was 4 MiB of every server, idle or not.
 */
export const lruCache = <Key extends NonNullable<unknown>, Value extends NonNullable<unknown>>(
  maximum: number,
) => new LRUCache<Key, Value>({ maxSize: maximum, sizeCalculation: () => 1 });

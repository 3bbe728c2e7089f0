import { LRUCache } from 'lru-cache';

/**
 * Keeps the `maximum` entries used last. It uses `maxSize` because for `max` the library reserves all memory at once,
 * 4 MiB per process for the caches of this server.
 */
export const lruCache = <Key extends NonNullable<unknown>, Value extends NonNullable<unknown>>(
  maximum: number,
) => new LRUCache<Key, Value>({ maxSize: maximum, sizeCalculation: () => 1 });

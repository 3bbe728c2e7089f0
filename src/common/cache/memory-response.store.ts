import { LRUCache } from 'lru-cache';
import { MAXIMUM_VALUE_BYTES, type ResponseStore } from './response-store.js';

const MAXIMUM_TOTAL_BYTES = 33_554_432;

/** Within this process; forgets what was asked for longest ago when it is full. */
export class MemoryResponseStore implements ResponseStore {
  private readonly values: LRUCache<string, string>;

  constructor(ttlMs: number) {
    this.values = new LRUCache({
      ttl: ttlMs,
      maxSize: MAXIMUM_TOTAL_BYTES,
      maxEntrySize: MAXIMUM_VALUE_BYTES,
      // A JavaScript string takes up to two bytes a character.
      sizeCalculation: (value) => 2 * value.length,
    });
  }

  async get(key: string): Promise<string | null> {
    return this.values.get(key) ?? null;
  }

  async set(key: string, value: string): Promise<boolean> {
    return this.values.set(key, value).has(key);
  }
}

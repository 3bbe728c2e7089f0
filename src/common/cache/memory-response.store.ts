import { LRUCache } from 'lru-cache';
import { MAXIMUM_VALUE_BYTES, type ResponseStore } from './response-store.js';

/** In this process, least recently used first out. */
export class MemoryResponseStore implements ResponseStore {
  private readonly values: LRUCache<string, string>;

  constructor(ttlMs: number, maximumBytes: number) {
    this.values = new LRUCache({
      ttl: ttlMs,
      maxSize: maximumBytes,
      maxEntrySize: Math.min(MAXIMUM_VALUE_BYTES, maximumBytes),
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

import type { ResponseStore } from './response-store.js';

/**
 * Memory in front of Redis. A key holds the list's version, so a copy in memory cannot be stale: a hit there needs no
 * Redis, and a Redis that is down costs no hit.
 */
export class LayeredResponseStore implements ResponseStore {
  constructor(
    private readonly memory: ResponseStore,
    private readonly redis: ResponseStore,
  ) {}

  async get(key: string): Promise<string | null> {
    const inMemory = await this.memory.get(key);
    if (typeof inMemory === 'string') return inMemory;
    const inRedis = await this.redis.get(key);
    if (typeof inRedis !== 'string') return null;
    await this.memory.set(key, inRedis);
    return inRedis;
  }

  async set(key: string, value: string): Promise<boolean> {
    const stored = await Promise.all([this.memory.set(key, value), this.redis.set(key, value)]);
    return stored.some(Boolean);
  }
}

import { Module } from '@nestjs/common';
import { ENV, type Env } from '../../config/env.js';
import { REDIS } from '../redis/redis.module.js';
import type { RedisConnection } from '../redis/redis-connection.js';
import { LayeredResponseStore } from './layered-response.store.js';
import { MemoryResponseStore } from './memory-response.store.js';
import { RedisResponseStore } from './redis-response.store.js';
import { RESPONSE_STORE } from './response-cache.interceptor.js';
import type { ResponseStore } from './response-store.js';

@Module({
  providers: [
    {
      provide: RESPONSE_STORE,
      inject: [ENV, REDIS],
      useFactory: (env: Env, redis: RedisConnection | null): ResponseStore | null => {
        const ttlMs = env.CACHE_TTL_SECONDS * 1000;
        if (ttlMs === 0) return null;
        const bytes = env.CACHE_MEMORY_BYTES;
        const inMemory = bytes === 0 ? null : new MemoryResponseStore(ttlMs, bytes);
        const inRedis = redis && new RedisResponseStore(redis, ttlMs);
        return inMemory && inRedis ? new LayeredResponseStore(inMemory, inRedis) : (inMemory ?? inRedis);
      },
    },
  ],
  exports: [RESPONSE_STORE],
})
export class CacheModule {}

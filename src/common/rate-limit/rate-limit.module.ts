import { Module } from '@nestjs/common';
import { ThrottlerModule } from '@nestjs/throttler';
import { ENV, type Env } from '../../config/env.js';
import { REDIS } from '../redis/redis.module.js';
import type { RedisConnection } from '../redis/redis-connection.js';
import { rateLimits, ROUTE_POLICIES } from './rate-limits.js';
import { SlidingLogStorage } from './sliding-log.storage.js';

@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      inject: [ENV, REDIS],
      useFactory: (env: Env, redis: RedisConnection | null) => ({
        storage: new SlidingLogStorage(redis),
        throttlers: ROUTE_POLICIES.flatMap((name) => {
          const rule = rateLimits(env)[name];
          return rule === null ? [] : [{ name, limit: rule.limit, ttl: rule.windowSeconds * 1000 }];
        }),
      }),
    }),
  ],
  exports: [ThrottlerModule],
})
export class RateLimitModule {}

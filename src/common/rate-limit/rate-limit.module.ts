import { Module } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ThrottlerModule, type ThrottlerModuleOptions, ThrottlerStorage } from '@nestjs/throttler';
import { ENV, type Env } from '../../config/env.js';
import type { RedisConnection } from '../redis/redis-connection.js';
import { REDIS } from '../redis/redis.module.js';
import { policyOf } from './rate-limit.decorator.js';
import { RateLimiter } from './rate-limiter.js';
import { rateLimits } from './rate-limits.js';
import { SlidingLogStorage } from './sliding-log.storage.js';

/** One throttler that takes its numbers from the route's policy: the library would check a route against each of several. */
export function throttlerOptions(
  env: Env,
  storage: ThrottlerStorage,
  reflector: Reflector,
): ThrottlerModuleOptions {
  const rules = rateLimits(env);
  return {
    storage,
    throttlers: [
      {
        skipIf: (context) => rules[policyOf(reflector, context)] === null,
        limit: (context) => rules[policyOf(reflector, context)]!.limit,
        ttl: (context) => rules[policyOf(reflector, context)]!.windowSeconds * 1000,
      },
    ],
  };
}

@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      inject: [ENV, REDIS, Reflector],
      useFactory: (env: Env, redis: RedisConnection | null, reflector: Reflector) =>
        throttlerOptions(env, new SlidingLogStorage(redis), reflector),
    }),
  ],
  providers: [{ provide: RateLimiter, useExisting: ThrottlerStorage }],
  exports: [RateLimiter, ThrottlerModule],
})
export class RateLimitModule {}

import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  RLWrapperTimeouts,
} from 'rate-limiter-flexible';
import type { RedisConnection } from '../../common/redis/redis-connection.js';

/**
 * Counts tries per key and locks the key for a fixed time after the free tries. All instances share the counts in Redis.
 * Without Redis, or while it does not answer, each process counts in its own memory.
 */
export class Lockout {
  private readonly limiter: RateLimiterAbstract;

  constructor(
    keyPrefix: string,
    readonly freeTries: number,
    seconds: number,
    redis: RedisConnection | null,
  ) {
    const options = { keyPrefix, points: freeTries, duration: seconds, blockDuration: seconds };
    const memory = new RateLimiterMemory(options);
    this.limiter = redis === null ? memory : withInsurance(memory, options, redis);
  }

  /** Counts a try before it is made, so that tries that run at the same time cannot exceed the free ones. */
  consume(key: string): Promise<RateLimiterRes> {
    return this.limiter.consume(key).catch((refusal: unknown) => {
      if (refusal instanceof RateLimiterRes) return refusal;
      throw refusal;
    });
  }

  async refund(key: string): Promise<void> {
    const { consumedPoints } = await this.limiter.reward(key);
    // Otherwise a flood of made-up accounts would fill the memory with empty counts.
    if (consumedPoints <= 0) await this.reset(key);
  }

  async reset(key: string): Promise<void> {
    await this.limiter.delete(key);
  }
}

type Options = ConstructorParameters<typeof RateLimiterMemory>[0];

function withInsurance(
  memory: RateLimiterMemory,
  options: Options,
  redis: RedisConnection,
): RLWrapperTimeouts {
  const limiter = new RateLimiterRedis({
    ...options,
    storeClient: redis.commands,
    rejectIfRedisNotReady: true,
  });
  // The wrapper needs the options too, because it passes its own block duration to the insurance limiter.
  return new RLWrapperTimeouts({
    ...options,
    limiter,
    timeoutMs: redis.commandTimeoutMs,
    insuranceLimiter: memory,
  });
}

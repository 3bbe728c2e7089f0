import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import type { Result } from 'ioredis';
import type { RateLimit } from '../../config/env-fields.js';
import type { RedisConnection } from '../redis/redis-connection.js';
import type { RateLimiter } from './rate-limiter.js';
import { type RateLimitState, retryAfterSeconds } from './rate-limits.js';
import { SlidingLog } from './sliding-log.js';

/** The throttler's own record, plus the state that the headers are made of. */
export interface SlidingLogRecord {
  totalHits: number;
  /** Seconds. */
  timeToExpire: number;
  isBlocked: boolean;
  /** Seconds; 0 when not blocked. */
  timeToBlockExpire: number;
  state: RateLimitState;
}

/**
 * Runs atomically and on Redis's clock, because the clocks of instances differ. Times are in microseconds.
 * Returns {1 if allowed, remaining calls, microseconds until the oldest call leaves the window}.
 */
const HIT = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local limit = tonumber(ARGV[1])
local window = ARGV[2] * 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local count = redis.call('ZCARD', KEYS[1])
local allowed = 0
if count < limit then
  -- Calls of the same microsecond need different members.
  local member = string.format('%.0f', now)
  if redis.call('ZADD', KEYS[1], 'NX', now, member) == 0 then
    local n = 1
    while redis.call('ZADD', KEYS[1], 'NX', now, member .. ':' .. n) == 0 do n = n + 1 end
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  allowed = 1
  count = count + 1
end
-- Room appears when this call leaves. It is the oldest one, unless the limit was lowered meanwhile.
local leaving = math.max(0, count - limit)
local oldest = redis.call('ZRANGE', KEYS[1], leaving, leaving, 'WITHSCORES')
return { allowed, math.max(0, limit - count), oldest[2] + window - now }
`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    slidingLogHit(key: string, limit: number, windowMs: number): Result<[number, number, number], Context>;
  }
}

/** Something other than Redis can listen on that port. */
function isReply(reply: unknown): reply is [number, number, number] {
  return Array.isArray(reply) && reply.length === 3 && reply.every(Number.isFinite);
}

/**
 * Counts calls in Redis, exactly and across instances, and in this process's memory. The memory takes over when Redis
 * does not answer, and still refuses after Redis was flushed, so that neither gives a client a new quota.
 */
@Injectable()
export class SlidingLogStorage implements ThrottlerStorage, RateLimiter, OnApplicationShutdown {
  private readonly local = new SlidingLog();
  /** The longest response time of Redis. A call can leave the local window this much earlier than Redis's window. */
  private slackMs = 0;

  constructor(private readonly redis: RedisConnection | null) {
    redis?.define('slidingLogHit', HIT, 1);
  }

  async increment(key: string, ttl: number, limit: number): Promise<SlidingLogRecord> {
    const state = await this.hit(key, { limit, windowSeconds: ttl / 1000 });
    return {
      totalHits: limit - state.remaining,
      timeToExpire: Math.ceil(state.resetMs / 1000),
      isBlocked: !state.allowed,
      timeToBlockExpire: state.allowed ? 0 : retryAfterSeconds(state),
      state,
    };
  }

  onApplicationShutdown(): void {
    this.local.close();
  }

  async hit(key: string, rule: RateLimit): Promise<RateLimitState> {
    // A local entry has the time before the call to Redis, and is checked after it. A call that has left Redis's window
    // has therefore left the local one, so the local log refuses only what a flushed Redis has forgotten.
    const began = performance.now();
    const own = this.local.peek(key, rule, began);
    if (!own.allowed) return this.withSlack(own, rule);
    if (this.redis === null) return this.local.hit(key, rule, began);
    const shared = await this.redis.attempt((client) =>
      client.slidingLogHit(`rl:${key}`, rule.limit, rule.windowSeconds * 1000),
    );
    return isReply(shared) ? this.combine(key, rule, began, shared) : this.local.hit(key, rule, began);
  }

  private combine(
    key: string,
    rule: RateLimit,
    began: number,
    [allowed, remaining, resetUs]: [number, number, number],
  ): RateLimitState {
    const state = { allowed: allowed === 1, remaining, resetMs: resetUs / 1000 };
    if (!state.allowed) return state;
    const now = performance.now();
    this.slackMs = Math.max(this.slackMs, now - began);
    const own = this.local.hit(key, rule, now, began);
    return own.allowed ? { ...state, remaining: Math.min(remaining, own.remaining) } : own;
  }

  /** Redis counted the oldest call after its local time, by at most the longest response time. */
  private withSlack(state: RateLimitState, { windowSeconds }: RateLimit): RateLimitState {
    return { ...state, resetMs: Math.min(state.resetMs + this.slackMs, windowSeconds * 1000) };
  }
}

import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import type { Result } from 'ioredis';
import type { RateLimit } from '../../config/env-fields.js';
import type { RedisConnection } from '../redis/redis-connection.js';
import { type RateLimitState, retryAfterSeconds } from './rate-limits.js';
import { SlidingLog } from './sliding-log.js';

/** What the throttler's guard asks a storage for, plus what our headers say. */
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
 * One atomic step on Redis's own clock, so that instances with different clocks agree: drop what has left the
 * window, count, add when there is room. Refused calls are not recorded. All times in microseconds.
 * Returns {1 if allowed, remaining, microseconds until the oldest leaves}.
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
  -- Two calls in one microsecond need two members.
  local member = string.format('%.0f', now)
  if redis.call('ZADD', KEYS[1], 'NX', now, member) == 0 then
    local n = 1
    while redis.call('ZADD', KEYS[1], 'NX', now, member .. ':' .. n) == 0 do n = n + 1 end
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  allowed = 1
  count = count + 1
end
-- The call whose leaving makes room: the oldest, but for a limit that has been lowered since.
local leaving = math.max(0, count - limit)
local oldest = redis.call('ZRANGE', KEYS[1], leaving, leaving, 'WITHSCORES')
return { allowed, math.max(0, limit - count), oldest[2] + window - now }
`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    slidingLogHit(key: string, limit: number, windowMs: number): Result<[number, number, number], Context>;
  }
}

/** Whatever answers there may not be Redis: what is not three numbers is no answer. */
function isReply(reply: unknown): reply is [number, number, number] {
  return Array.isArray(reply) && reply.length === 3 && reply.every(Number.isFinite);
}

/**
 * The limits' memory. With Redis they are exact across instances; the process keeps its own log of what it let
 * through beside it, which takes over when Redis does not answer and also refuses when a flushed Redis has
 * forgotten: neither hands out a fresh quota here. Without Redis the own log is all there is.
 */
@Injectable()
export class SlidingLogStorage implements ThrottlerStorage, OnApplicationShutdown {
  private readonly local = new SlidingLog();
  /** The longest that Redis has taken to answer: by so much may our own clock see a call leave the window before Redis does. */
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

  private hit(key: string, rule: RateLimit): RateLimitState | Promise<RateLimitState> {
    // Our entry bears the time before Redis was asked, and our window ends after Redis has answered: what has left
    // Redis's window has left ours, so that while Redis is well its count decides, and ours only where it has
    // forgotten.
    const began = performance.now();
    const own = this.local.peek(key, rule, began);
    if (!own.allowed) return this.withSlack(own, rule);
    if (this.redis === null) return this.local.hit(key, rule, began);
    return this.redis
      .attempt((client) => client.slidingLogHit(`rl:${key}`, rule.limit, rule.windowSeconds * 1000))
      .then((shared) =>
        isReply(shared) ? this.agree(key, rule, began, shared) : this.local.hit(key, rule, began),
      );
  }

  private agree(
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

  /** Redis counted the oldest call later than we say it began, but not later than now. */
  private withSlack(state: RateLimitState, { windowSeconds }: RateLimit): RateLimitState {
    return { ...state, resetMs: Math.min(state.resetMs + this.slackMs, windowSeconds * 1000) };
  }
}

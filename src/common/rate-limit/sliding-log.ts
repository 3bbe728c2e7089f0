import type { RateLimit } from '../../config/env-fields.js';
import type { RateLimitState } from './rate-limits.js';

/** The times of one key's counted calls in ms, oldest first. `head` is the index of the first in the window. */
interface Log {
  times: number[];
  head: number;
  windowMs: number;
}

const SWEEP_INTERVAL_MS = 10_000;
/** Bounds the memory that a client with many addresses can fill. The oldest keys are dropped first. */
const MAXIMUM_KEYS = 100_000;

/**
 * Stores the time of each counted call, so that at most `limit` calls pass in any window and not only in fixed ones.
 * Refused calls do not count, so that a client that polls gets its quota.
 */
export class SlidingLog {
  private readonly logs = new Map<string, Log>();
  private readonly sweeper = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS).unref();

  /** Counts the call at `began` when the rule allows it now. Times are those of `performance.now()`. */
  hit(key: string, rule: RateLimit, now = performance.now(), began = now): RateLimitState {
    const log = this.logOf(key, rule.windowSeconds * 1000);
    this.dropOld(log, now);
    const allowed = log.times.length - log.head < rule.limit;
    if (allowed) log.times.push(began);
    return this.stateOf(log, rule, allowed, now);
  }

  /** Returns the same as `hit`, without counting. */
  peek(key: string, rule: RateLimit, now = performance.now()): RateLimitState {
    const log = this.logs.get(key) ?? { times: [], head: 0, windowMs: rule.windowSeconds * 1000 };
    this.dropOld(log, now);
    return this.stateOf(log, rule, log.times.length - log.head < rule.limit, now);
  }

  close(): void {
    clearInterval(this.sweeper);
  }

  private logOf(key: string, windowMs: number): Log {
    let log = this.logs.get(key);
    if (log === undefined) {
      if (this.logs.size >= MAXIMUM_KEYS) this.logs.delete(this.logs.keys().next().value as string);
      log = { times: [], head: 0, windowMs };
      this.logs.set(key, log);
    }
    return log;
  }

  private dropOld(log: Log, now: number): void {
    const { times } = log;
    while (log.head < times.length && times[log.head]! <= now - log.windowMs) log.head++;
    // Cuts the array only when half of it is old, because each cut copies the rest.
    if (log.head > 32 && log.head * 2 > times.length) {
      log.times = times.slice(log.head);
      log.head = 0;
    }
  }

  private stateOf(log: Log, rule: RateLimit, allowed: boolean, now: number): RateLimitState {
    const oldest = log.times[log.head];
    return {
      allowed,
      remaining: Math.max(0, rule.limit - (log.times.length - log.head)),
      resetMs: oldest === undefined ? log.windowMs : log.windowMs - (now - oldest),
    };
  }

  private sweep(): void {
    const now = performance.now();
    for (const [key, log] of this.logs) {
      this.dropOld(log, now);
      if (log.head === log.times.length) this.logs.delete(key);
    }
  }
}

import type { Env } from '../../config/env.js';
import { addressBucket } from '../http/client-address.js';
import { type RateLimitState, rateLimitHeaders } from './rate-limits.js';
import { SlidingLog } from './sliding-log.js';

/**
 * Limits all requests of one address, before their bodies are read. Counts in this process's memory, so that refusing
 * a flood needs no call to Redis.
 */
export class AddressLimiter {
  private readonly log = new SlidingLog();
  private readonly rule: Env['RATE_LIMIT_ADDRESS'];

  constructor(env: Env) {
    this.rule = env.RATE_LIMIT_ADDRESS;
  }

  /** @returns null when the policy is switched off */
  check(
    address: string,
    counted: boolean,
  ): { state: RateLimitState; headers: Record<string, string> } | null {
    if (this.rule === null) return null;
    const key = addressBucket(address);
    const state = counted ? this.log.hit(key, this.rule) : this.log.peek(key, this.rule);
    return { state, headers: rateLimitHeaders('address', this.rule, state) };
  }

  close(): void {
    this.log.close();
  }
}

import type { Env } from '../../config/env.js';
import { addressBucket } from '../http/client-address.js';
import { type RateLimitState, rateLimitHeaders } from './rate-limits.js';
import { SlidingLog } from './sliding-log.js';

/**
 * The policy over everything that one address sends, counted before a byte of the body is read. In this
 * process's memory, so that refusing a flood costs no round trip.
 */
export class AddressLimiter {
  private readonly log = new SlidingLog();
  private readonly rule: Env['RATE_LIMIT_ADDRESS'];

  constructor(env: Env) {
    this.rule = env.RATE_LIMIT_ADDRESS;
  }

  /** The state of this address and the headers that tell it; `null` when the policy is off. */
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

import type { RateLimit } from '../../config/env-fields.js';
import type { RateLimitState } from './rate-limits.js';

/** Limits work that is no request, such as mail. Requests have policies (see `RateLimitGuard`). */
export abstract class RateLimiter {
  /** Counts the call when the rule allows it. */
  abstract hit(key: string, rule: RateLimit): Promise<RateLimitState>;
}

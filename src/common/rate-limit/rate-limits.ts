import type { Env } from '../../config/env.js';
import type { RateLimit } from '../../config/env-fields.js';

/** The policies of routes. `default` applies to a route that names none. */
export const ROUTE_POLICIES = ['login', 'register', 'list', 'write', 'default'] as const;
export type RoutePolicy = (typeof ROUTE_POLICIES)[number];
export type Policy = RoutePolicy | 'address';

/** A policy that is switched off is `null`. */
export function rateLimits(env: Env): Record<Policy, RateLimit | null> {
  return {
    login: env.RATE_LIMIT_LOGIN,
    register: env.RATE_LIMIT_REGISTER,
    list: env.RATE_LIMIT_LIST,
    write: env.RATE_LIMIT_WRITE,
    default: env.RATE_LIMIT_DEFAULT,
    address: env.RATE_LIMIT_ADDRESS,
  };
}

/** The state of a limit after a call. */
export interface RateLimitState {
  readonly allowed: boolean;
  /** Calls that are still allowed now. */
  readonly remaining: number;
  /** Milliseconds until the oldest counted call leaves the window, or the window's length without one. */
  readonly resetMs: number;
}

/** Rounds up, so that a client that waits this long is allowed. */
export function retryAfterSeconds(state: RateLimitState): number {
  return Math.max(1, Math.ceil(state.resetMs / 1000));
}

/** `X-RateLimit-*`, which most clients know, and the fields of draft-ietf-httpapi-ratelimit-headers-10. */
export function rateLimitHeaders(
  policy: Policy,
  { limit, windowSeconds }: RateLimit,
  state: RateLimitState,
): Record<string, string> {
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(state.remaining),
    'x-ratelimit-reset': String(Math.ceil((Date.now() + state.resetMs) / 1000)),
    'ratelimit-policy': `"${policy}";q=${limit};w=${windowSeconds}`,
    ratelimit: `"${policy}";r=${state.remaining};t=${Math.ceil(state.resetMs / 1000)}`,
  };
}

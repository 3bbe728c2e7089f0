import type { Env } from '../../config/env.js';
import type { RateLimit } from '../../config/env-fields.js';

/** The policies that a route can be under. `default` is every route's that names none. */
export const ROUTE_POLICIES = ['login', 'register', 'list', 'write', 'default'] as const;
export type RoutePolicy = (typeof ROUTE_POLICIES)[number];
export type Policy = RoutePolicy | 'address';

/** `null`: switched off. */
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

/** What a sliding log says about one call. */
export interface RateLimitState {
  readonly allowed: boolean;
  /** Calls that would still pass now. */
  readonly remaining: number;
  /** Milliseconds until the oldest counted call leaves the window; the window's length when none is counted. */
  readonly resetMs: number;
}

/** At least one second, and never so early that the call is refused again. */
export function retryAfterSeconds(state: RateLimitState): number {
  return Math.max(1, Math.ceil(state.resetMs / 1000));
}

/** The headers of the original's clients (`X-RateLimit-*`) and those of draft-ietf-httpapi-ratelimit-headers-10. */
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

/** For the library's `@SkipThrottle()`, which skips only the policies that it is told of. */
export const NOT_RATE_LIMITED = Object.fromEntries(ROUTE_POLICIES.map((policy) => [policy, true]));

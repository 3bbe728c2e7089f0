import { type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { RoutePolicy } from './rate-limits.js';

const POLICY = 'rate-limit:policy';

/** Puts a route (or a controller's routes) under a policy other than `default`; `@SkipThrottle()` takes it out of all. */
export const RateLimitPolicy = (policy: RoutePolicy) => SetMetadata(POLICY, policy);

export function policyOf(context: ExecutionContext): RoutePolicy {
  return (
    (Reflect.getMetadata(POLICY, context.getHandler()) as RoutePolicy | undefined) ??
    (Reflect.getMetadata(POLICY, context.getClass()) as RoutePolicy | undefined) ??
    'default'
  );
}

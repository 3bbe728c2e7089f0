import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { RoutePolicy } from './rate-limits.js';

/** Puts a route, or all routes of a controller, under this policy. `@SkipThrottle()` exempts them from every policy. */
export const RateLimitPolicy = Reflector.createDecorator<RoutePolicy>();

export function policyOf(reflector: Reflector, context: ExecutionContext): RoutePolicy {
  return (
    reflector.getAllAndOverride(RateLimitPolicy, [context.getHandler(), context.getClass()]) ?? 'default'
  );
}

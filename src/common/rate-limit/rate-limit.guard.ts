import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  ThrottlerGuard,
  type ThrottlerLimitDetail,
  type ThrottlerModuleOptions,
  type ThrottlerRequest,
} from '@nestjs/throttler';
import { RateLimitedError } from '../errors/common.errors.js';
import { addressBucket } from '../http/client-address.js';
import { type HttpRequest, replyOf, requestOf } from '../http/request.js';
import type { Metrics } from '../observability/metrics/metrics.js';
import { METRICS } from '../observability/metrics/metrics.module.js';
import { policyOf } from './rate-limit.decorator.js';
import { rateLimitHeaders } from './rate-limits.js';
import { refusalsCounter } from './refusals-counter.js';
import { SlidingLogStorage } from './sliding-log.storage.js';

/** Runs after the access guards, so that a signed-in user has one quota from every address. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  private readonly refusals: ReturnType<typeof refusalsCounter>;

  constructor(
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() private readonly log: SlidingLogStorage,
    reflector: Reflector,
    @Inject(METRICS) metrics: Metrics | null,
  ) {
    super(options, log, reflector);
    this.refusals = refusalsCounter(metrics);
  }

  /** The library's headers lack the policy, and a refusal's lack the limit. */
  protected override async handleRequest({
    context,
    limit,
    ttl,
    throttler,
    getTracker,
    generateKey,
  }: ThrottlerRequest): Promise<boolean> {
    const tracker = await getTracker(requestOf(context), context);
    const key = generateKey(context, tracker, throttler.name!);
    const { state, ...record } = await this.log.increment(key, ttl, limit);
    const policy = policyOf(this.reflector, context);
    replyOf(context).headers(rateLimitHeaders(policy, { limit, windowSeconds: ttl / 1000 }, state));
    if (record.isBlocked) {
      await this.throwThrottlingException(context, { limit, ttl, key, tracker, ...record });
    }
    return true;
  }

  protected override getTracker(request: HttpRequest): Promise<string> {
    return Promise.resolve(request.user?.rateLimitKey ?? `address:${addressBucket(request.ip)}`);
  }

  /** One quota per policy; the library's own key gives each route a quota. */
  protected override generateKey(context: ExecutionContext, tracker: string): string {
    return `${policyOf(this.reflector, context)}:${tracker}`;
  }

  protected override throwThrottlingException(
    context: ExecutionContext,
    { timeToBlockExpire }: ThrottlerLimitDetail,
  ): Promise<void> {
    this.refusals?.inc({ policy: policyOf(this.reflector, context) });
    throw new RateLimitedError(timeToBlockExpire);
  }
}

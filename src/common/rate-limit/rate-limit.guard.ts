import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { ThrottlerGuard } from '@nestjs/throttler';
import { THROTTLER_SKIP } from '@nestjs/throttler/dist/throttler.constants.js';
import { RateLimitedError } from '../errors/common.errors.js';
import { replyOf, requestOf } from '../http/request.js';
import { addressBucket } from '../http/client-address.js';
import { METRICS } from '../observability/metrics/metrics.module.js';
import type { Metrics } from '../observability/metrics/metrics.js';
import { policyOf } from './rate-limit.decorator.js';
import { rateLimitHeaders } from './rate-limits.js';
import { refusalsIn } from './refusals-counter.js';
import type { SlidingLogRecord } from './sliding-log.storage.js';

/** Runs after the access guards, so that a signed-in user is counted as such wherever the call comes from. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  @Inject(METRICS) private readonly metrics!: Metrics | null;
  private refusals: ReturnType<typeof refusalsIn>;

  override async onModuleInit(): Promise<void> {
    await super.onModuleInit();
    this.refusals = refusalsIn(this.metrics);
  }

  /** The library checks each route against every policy. Here a route has at most one. */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const policy = policyOf(context);
    const throttler = this.throttlers.find(({ name }) => name === policy);
    const isSkipped = this.reflector.getAllAndOverride<boolean | undefined>(THROTTLER_SKIP + policy, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (throttler === undefined || isSkipped) return true;
    const { limit, ttl } = throttler as { limit: number; ttl: number };
    const { user, ip } = requestOf(context);
    // One bucket per policy, not per route as the library has it.
    const key = `${policy}:${user?.rateLimitKey ?? `address:${addressBucket(ip)}`}`;
    const record = (await this.storageService.increment(key, ttl, limit, 0, policy)) as SlidingLogRecord;
    replyOf(context).headers(rateLimitHeaders(policy, { limit, windowSeconds: ttl / 1000 }, record.state));
    if (record.isBlocked) {
      this.refusals?.inc({ policy });
      throw new RateLimitedError(record.timeToBlockExpire);
    }
    return true;
  }
}

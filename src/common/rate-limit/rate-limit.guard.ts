import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { ThrottlerGuard } from '@nestjs/throttler';
import { THROTTLER_SKIP } from '@nestjs/throttler/dist/throttler.constants.js';
import { RateLimitedError } from '../errors/common.errors.js';
import { byHandler } from '../http/by-handler.js';
import { replyOf, requestOf } from '../http/request.js';
import { addressBucket } from '../http/client-address.js';
import { METRICS } from '../observability/metrics/metrics.module.js';
import type { Metrics } from '../observability/metrics/metrics.js';
import { type Policy, rateLimitHeaders } from './rate-limits.js';
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

  /** The library asks every decorator for every policy at every request; of ours at most one applies to a route. */
  private readonly throttlerOf = byHandler((context) =>
    this.throttlers.find(
      ({ name, skipIf }) =>
        !this.reflector.getAllAndOverride<boolean>(THROTTLER_SKIP + name, [
          context.getHandler(),
          context.getClass(),
        ]) && !skipIf?.(context),
    ),
  );

  /** Not by the library's steps, each of which waits for what is there already. */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const throttler = this.throttlerOf(context);
    if (throttler === undefined) return true;
    const { limit, ttl } = throttler as { limit: number; ttl: number };
    const { user, ip } = requestOf(context);
    const policy = throttler.name as Policy;
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

import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerRequest } from '@nestjs/throttler';
import { THROTTLER_SKIP } from '@nestjs/throttler/dist/throttler.constants.js';
import { RateLimitedError } from '../errors/common.errors.js';
import { byHandler } from '../http/by-handler.js';
import type { HttpReply, HttpRequest } from '../http/caller.js';
import { addressBucket } from '../http/client-address.js';
import { METRICS } from '../metrics/metrics.module.js';
import type { Metrics } from '../metrics/metrics.js';
import { type Policy, rateLimitHeaders } from './rate-limits.js';
import { refusalsIn } from './refusals.js';
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
  private readonly policiesOf = byHandler((context) =>
    this.throttlers.filter(
      ({ name, skipIf }) =>
        !this.reflector.getAllAndOverride<boolean>(THROTTLER_SKIP + name, [
          context.getHandler(),
          context.getClass(),
        ]) && !skipIf?.(context),
    ),
  );

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const { getTracker, generateKey } = this.commonOptions as Required<typeof this.commonOptions>;
    for (const throttler of this.policiesOf(context)) {
      const { limit, ttl } = throttler as { limit: number; ttl: number };
      await this.handleRequest({ context, limit, ttl, throttler, blockDuration: 0, getTracker, generateKey });
    }
    return true;
  }

  protected override async getTracker(request: HttpRequest): Promise<string> {
    return request.user?.rateLimitKey ?? `address:${addressBucket(request.ip)}`;
  }

  /** One bucket per policy, not per route as the library has it. */
  protected override generateKey(_context: ExecutionContext, tracker: string, policy: string): string {
    return `${policy}:${tracker}`;
  }

  protected override async handleRequest(props: ThrottlerRequest): Promise<boolean> {
    const { context, limit, ttl, throttler, getTracker, generateKey } = props;
    const { req, res } = this.getRequestResponse(context) as { req: HttpRequest; res: HttpReply };
    const policy = throttler.name as Policy;
    const key = generateKey(context, await getTracker(req, context), policy);
    const record = (await this.storageService.increment(key, ttl, limit, 0, policy)) as SlidingLogRecord;
    res.headers(rateLimitHeaders(policy, { limit, windowSeconds: ttl / 1000 }, record.state));
    if (record.isBlocked) {
      this.refusals?.inc({ policy });
      throw new RateLimitedError(record.timeToBlockExpire);
    }
    return true;
  }
}
